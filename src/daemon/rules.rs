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
    /// Returns what a step of one execution is told, which sees this of the environment.
    pub(super) fn at<'a>(
        &self,
        now: Timestamp,
        environment: &'a Map,
        draining: bool,
        under_way: &'a BTreeSet<RunNumber>,
        others: Others<'a>,
    ) -> Turn<'a> {
        Turn { now, environment, store_retry: self.store_retry, may_start: !draining, under_way, others }
    }
}
