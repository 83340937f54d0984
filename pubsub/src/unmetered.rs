//! What stands for `metrics` without the feature `metrics`: nothing.

use pubsub_transports::{Body, ConnectionState, Gap, SendError};

use crate::{BusError, TopicInfo};

pub(crate) struct Meter;

impl Meter {
    #[inline(always)]
    pub(crate) fn new(_: &'static [TopicInfo], _: &'static str) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn send(&self, _: usize) -> Sent {
        Sent
    }

    #[inline(always)]
    pub(crate) fn received(&self, _: usize, _: &Body) {}

    #[inline(always)]
    pub(crate) fn gap(&self, _: Gap) {}

    #[inline(always)]
    pub(crate) fn state(&self, _: &ConnectionState) {}
}

pub(crate) struct Sent;

impl Sent {
    #[inline(always)]
    pub(crate) fn encoded(&mut self, _: usize) {}

    #[inline(always)]
    pub(crate) fn answered(&self, _: &Result<(), SendError>) {}

    #[inline(always)]
    pub(crate) fn not_encoded(&self) {}
}

#[inline(always)]
pub(crate) fn error(_: &BusError) {}

pub(crate) struct Now;

#[inline(always)]
pub(crate) fn now() -> Now {
    Now
}

#[inline(always)]
pub(crate) fn handled(_: &'static str, _: Now) {}
