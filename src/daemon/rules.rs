//! What the dispatcher's turns are made with, and what each gives to the engine.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Others, Turn};
use crate::words::{Map, RunNumber, Timestamp};

/// What a turn needs to know besides its messages.
pub struct Rules {
    /// What `${workflow.env.NAME}` gives.
    pub environment: Map,
    /// How long an `UPDATE_SECRET` tries a store that is in trouble.
    pub store_retry: Duration,
}

impl Rules {
    /// Returns what a step of one execution is told.
    pub(super) fn at<'a>(
        &'a self,
        now: Timestamp,
        draining: bool,
        under_way: &'a BTreeSet<RunNumber>,
        others: Others<'a>,
    ) -> Turn<'a> {
        let (environment, store_retry) = (&self.environment, self.store_retry);
        Turn { now, environment, store_retry, may_start: !draining, under_way, others }
    }
}
