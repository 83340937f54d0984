//! Which addresses were asked for together, so that they are answered together.

use std::collections::HashMap;

use crate::Address;

#[derive(Default)]
pub(super) struct Requests {
    /// How many addresses of a request are not answered.
    open: HashMap<u64, usize>,
    /// What is followed or asked for.
    asked: HashMap<Address, Asked>,
    /// Requests of which nothing is open since the rest was given up.
    completed: Vec<u64>,
}

struct Asked {
    /// The last request that named it.
    request: u64,
    is_open: bool,
}

impl Requests {
    pub(super) fn ask(&mut self, request: u64, addresses: &[Address]) {
        self.open.insert(request, addresses.len());
        for address in addresses {
            self.asked.insert(address.clone(), Asked { request, is_open: true });
        }
    }

    /// The address is answered. Whether it was the last of its request: then all of that is.
    ///
    /// An answer to another request than the last that named the address is late, and answers nothing.
    pub(super) fn answered(&mut self, address: &Address, request: u64) -> bool {
        let asked = self.asked.get_mut(address).filter(|asked| asked.is_open && asked.request == request);
        let Some(asked) = asked else { return false };
        asked.is_open = false;
        let Some(left) = self.open.get_mut(&request) else { return false };
        *left -= 1;
        let complete = *left == 0;
        if complete {
            self.open.remove(&request);
        }
        complete
    }

    /// The address is followed no more, since the hub does not give it. `None` if that was known; otherwise whether all of the
    /// request is answered by it.
    pub(super) fn refused(&mut self, address: &Address, request: u64) -> Option<bool> {
        self.asked.get(address).filter(|asked| asked.request == request)?;
        let complete = self.answered(address, request);
        self.asked.remove(address);
        Some(complete)
    }

    /// The address is followed no more, and nobody waits for its answer: but others may for the rest of its request.
    pub(super) fn forget(&mut self, address: &Address) {
        if let Some(request) = self.asked.get(address).map(|asked| asked.request)
            && self.answered(address, request)
        {
            self.completed.push(request);
        }
        self.asked.remove(address);
    }

    /// Requests that were completed by what was given up of them.
    pub(super) fn take_completed(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.completed)
    }
}

#[cfg(test)]
mod tests {
    use super::Requests;
    use crate::Address;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn a_request_is_complete_with_its_last_address() {
        let mut requests = Requests::default();
        requests.ask(1, &[address("a"), address("b")]);
        assert!(!requests.answered(&address("a"), 1));
        assert_eq!(requests.refused(&address("b"), 1), Some(true));
        assert!(requests.open.is_empty());
    }

    #[test]
    fn what_is_left_completes_the_rest() {
        let mut requests = Requests::default();
        requests.ask(1, &[address("a"), address("b")]);
        assert!(!requests.answered(&address("a"), 1));
        assert!(requests.take_completed().is_empty());
        requests.forget(&address("b"));
        assert_eq!(requests.take_completed(), [1]);
    }

    #[test]
    fn a_late_answer_answers_nothing_newer() {
        let mut requests = Requests::default();
        requests.ask(1, &[address("a")]);
        requests.forget(&address("a"));
        assert_eq!(requests.take_completed(), [1]);
        requests.ask(2, &[address("a")]);
        assert!(!requests.answered(&address("a"), 1));
        assert_eq!(requests.refused(&address("a"), 1), None);
        assert!(requests.answered(&address("a"), 2));
        assert!(requests.open.is_empty());
    }
}
