//! The joins as lists that are gone through.

/// What a join gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Out {
    Pair(u32, u32),
    Left(u32),
    Right(u32),
}

struct Entry {
    n: u32,
    last_moment: u32,
    matched: bool,
}

pub(super) struct Model {
    span: u32,
    capacity: usize,
    keys: u32,
    report: [bool; 2],
    sides: [Vec<Entry>; 2],
    runs: [bool; 2],
}

impl Model {
    /// `report` says of which sides unmatched items are wanted.
    pub(super) fn new(span: u32, capacity: usize, report: [bool; 2]) -> Self {
        Self { span, capacity, keys: 10, report, sides: [Vec::new(), Vec::new()], runs: [true, true] }
    }

    pub(super) fn with_keys(self, keys: u32) -> Self {
        Self { keys, ..self }
    }

    fn leave(&self, side: usize, entry: &Entry, out: &mut Vec<Out>) {
        if self.report[side] && !entry.matched {
            out.push(if side == 0 { Out::Left(entry.n) } else { Out::Right(entry.n) });
        }
    }

    /// Time passes: windows are over.
    pub(super) fn pass(&mut self, now: u32, out: &mut Vec<Out>) {
        for side in 0..2 {
            while self.sides[side].first().is_some_and(|entry| entry.last_moment < now) {
                let entry = self.sides[side].remove(0);
                self.leave(side, &entry, out);
            }
        }
    }

    /// An arrival at `now`. With `once` it uses up its partner.
    pub(super) fn arrive(&mut self, side: usize, n: u32, now: u32, once: bool, out: &mut Vec<Out>) {
        self.pass(now, out);
        let other = 1 - side;
        let key = n % self.keys;
        let mut arrival = Entry { n, last_moment: now + self.span, matched: false };
        let pair = |a: u32, b: u32| {
            if side == 0 { Out::Pair(a, b) } else { Out::Pair(b, a) }
        };
        if once {
            let partner = self.sides[other].iter().position(|entry| entry.n % self.keys == key);
            if let Some(partner) = partner {
                let partner = self.sides[other].remove(partner);
                out.push(pair(n, partner.n));
                return self.forget(out);
            }
        }
        if self.sides[side].len() == self.capacity {
            let oldest = self.sides[side].remove(0);
            self.leave(side, &oldest, out);
        }
        if !once {
            for partner in &mut self.sides[other] {
                if partner.n % self.keys == key {
                    partner.matched = true;
                    arrival.matched = true;
                    out.push(pair(n, partner.n));
                }
            }
        }
        self.sides[side].push(arrival);
        self.forget(out);
    }

    pub(super) fn end_side(&mut self, side: usize, out: &mut Vec<Out>) {
        self.runs[side] = false;
        self.forget(out);
    }

    /// Both end, the left one first.
    pub(super) fn end(&mut self, out: &mut Vec<Out>) {
        self.runs = [false, false];
        self.forget(out);
    }

    /// What meets nothing any more, because the other side has ended, leaves.
    fn forget(&mut self, out: &mut Vec<Out>) {
        for side in 0..2 {
            if !self.runs[1 - side] {
                for entry in std::mem::take(&mut self.sides[side]) {
                    self.leave(side, &entry, out);
                }
            }
        }
    }

    /// Nothing can come out any more.
    pub(super) fn is_over(&self) -> bool {
        (0..2).all(|side| {
            let other = 1 - side;
            let pairs = self.runs[side] && (self.runs[other] || !self.sides[other].is_empty());
            !(pairs || self.runs[side] && self.report[side])
        })
    }
}
