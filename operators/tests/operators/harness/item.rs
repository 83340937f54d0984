//! Items that are counted, and the board on which everything of one run is counted.

use std::{
    borrow::Borrow,
    cell::{Cell, RefCell},
    fmt,
    hash::{Hash, Hasher},
    rc::Rc,
};

/// One run: counts live items, and panics in the callback it is told to.
#[derive(Clone, Default)]
pub(crate) struct Rig {
    live: Rc<Cell<usize>>,
    calls: Rc<Cell<usize>>,
    panic_at: Rc<Cell<Option<usize>>>,
    /// Every item that a source gave, with the number of the source, in the order in which it gave it.
    delivered: Rc<RefCell<Vec<(usize, u32)>>>,
}

impl Rig {
    pub(crate) fn item(&self, value: u32) -> Item {
        self.live.set(self.live.get() + 1);
        Item { value, live: self.live.clone() }
    }

    /// Items that exist now.
    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// To be called in every callback of the operator under test.
    pub(crate) fn tick(&self) {
        let call = self.calls.get();
        self.calls.set(call + 1);
        assert_ne!(self.panic_at.get(), Some(call), "the callback panics, as told");
    }

    /// How many callbacks there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.get()
    }

    pub(super) fn panic_at(&self, call: Option<usize>) {
        self.panic_at.set(call);
    }

    pub(super) fn deliver(&self, source: usize, value: u32) -> Item {
        self.delivered.borrow_mut().push((source, value));
        self.item(value)
    }

    pub(crate) fn delivered(&self) -> Vec<(usize, u32)> {
        RefCell::borrow(&self.delivered).clone()
    }
}

/// A number that knows how many of its kind are alive.
pub(crate) struct Item {
    value: u32,
    live: Rc<Cell<usize>>,
}

impl Item {
    pub(crate) fn value(&self) -> u32 {
        self.value
    }
}

impl Clone for Item {
    fn clone(&self) -> Self {
        self.live.set(self.live.get() + 1);
        Self { value: self.value, live: self.live.clone() }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        let live = self.live.get();
        assert!(live > 0, "an item is dropped once");
        self.live.set(live - 1);
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Item {}

impl Hash for Item {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl Borrow<u32> for Item {
    fn borrow(&self) -> &u32 {
        &self.value
    }
}

/// Prints the number alone, so that what comes out of an operator can be compared with a model of plain numbers.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
