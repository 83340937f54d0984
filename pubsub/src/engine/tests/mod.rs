//! Tests of the engine below the typed interface.

mod model;
mod plain;
mod support;
