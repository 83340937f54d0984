//! For tests that feed hostile bytes to what reads them in here and has no public name. Not part of the interface.

/// What was read from bytes that came in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Each thing that was complete, as text.
    pub items: Vec<String>,
    /// What was wrong. Nothing is read after it.
    pub error: Option<String>,
    /// The most bytes that waited, after all that was complete was taken, to be read with those that come.
    pub kept: usize,
}
