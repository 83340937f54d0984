//! Which addresses were asked for together, so that they are answered together.

use std::collections::HashMap;

use crate::Address;

#[derive(Default)]
pub(super) struct Requests {
    /// How many addresses of a request are not answered.
    open: HashMap<u64, usize>,
    asked: HashMap<Address, u64>,
}

impl Requests {
    pub(super) fn ask(&mut self, request: u64, addresses: &[Address]) {
        self.open.insert(request, addresses.len());
        for address in addresses {
            self.asked.insert(address.clone(), request);
        }
    }

    /// The address is answered, whatever the answer. Gives its request, if it was the last of it.
    pub(super) fn answered(&mut self, address: &Address) -> Option<u64> {
        let request = self.asked.remove(address)?;
        let left = self.open.get_mut(&request)?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.open.remove(&request);
        Some(request)
    }
}
