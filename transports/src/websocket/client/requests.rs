//! Which addresses were asked for together, so that they are answered together.

use std::collections::HashMap;

use crate::Address;

#[derive(Default)]
pub(super) struct Requests {
    /// How many addresses of a request are not answered.
    open: HashMap<u64, usize>,
    /// What is followed or asked for.
    asked: HashMap<Address, Asked>,
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

    /// The address is answered, whatever the answer. Gives its request, if it was the last of it.
    pub(super) fn answered(&mut self, address: &Address) -> Option<u64> {
        let asked = self.asked.get_mut(address).filter(|asked| asked.is_open)?;
        asked.is_open = false;
        let request = asked.request;
        let left = self.open.get_mut(&request)?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.open.remove(&request);
        Some(request)
    }

    /// The address is followed no more. Gives the last request that named it, and, if that is answered by this, the same as
    /// [`answered`](Self::answered).
    pub(super) fn forget(&mut self, address: &Address) -> (Option<u64>, Option<u64>) {
        let complete = self.answered(address);
        (self.asked.remove(address).map(|asked| asked.request), complete)
    }
}
