//! The scenarios, one module for each promise.

pub(crate) mod bad_input;
pub(crate) mod closing;
pub(crate) mod handling;
pub(crate) mod history;
pub(crate) mod interest;
pub(crate) mod order;
pub(crate) mod overflow;
pub(crate) mod publishing;
pub(crate) mod scoping;
