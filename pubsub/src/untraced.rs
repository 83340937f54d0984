//! What stands for `trace` without the feature `tracing`: nothing.

use pubsub_transports::__private::Carried;
use pubsub_transports::{ConnectionState, Gap, Header, SendError};

use crate::BusError;

pub(crate) struct Publishing;

impl Publishing {
    #[inline(always)]
    pub(crate) fn new(_: &'static str, _: &'static str, _: &Carried) -> (Self, Carried) {
        (Self, Carried::default())
    }

    #[inline(always)]
    pub(crate) fn encoded(&self, _: usize) {}

    #[inline(always)]
    pub(crate) fn not_encoded(&self) {}

    #[inline(always)]
    pub(crate) fn failed(&self, _: &SendError) {}
}

pub(crate) struct Receiving;

impl Receiving {
    #[inline(always)]
    pub(crate) fn new(_: &'static str, _: &'static str, _: &Header) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn carried(&self) -> Carried {
        Carried::default()
    }

    #[inline(always)]
    pub(crate) fn not_decoded(&self) {}
}

#[inline(always)]
pub(crate) fn process<F: Future>(_: &'static str, _: Carried, handling: F) -> F {
    handling
}

#[inline(always)]
pub(crate) fn error(_: &BusError) {}

#[inline(always)]
pub(crate) fn gap(_: &'static str, _: Gap) {}

#[inline(always)]
pub(crate) fn state(_: &'static str, _: &ConnectionState, _: &ConnectionState) {}
