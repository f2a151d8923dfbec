//! What the dispatcher tells once a batch is on disk.

use std::collections::BTreeSet;

use crate::daemon::batch::Batch;
use crate::daemon::counting::Onlookers;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::feed::told::Event;

impl Dispatcher {
    /// Counts what a batch did and tells those who listen, now that it is on disk.
    pub(in crate::daemon) fn spread(&self, batch: &Batch) {
        let Some(onlookers) = &self.onlookers else { return };
        let Onlookers { feed, metrics, .. } = onlookers;
        self.count(batch, metrics);
        #[cfg(feature = "otel")]
        if let Some(traces) = &onlookers.traces {
            self.trace(batch, traces);
        }
        if batch.touched.values().any(|events| !events.is_empty()) || batch.schedules().next().is_some() {
            feed.tell(|| self.told(batch));
        }
    }

    fn told(&self, batch: &Batch) -> Vec<Event> {
        let executions = batch.touched.iter().filter_map(|(id, events)| {
            let live = self.live.get(id)?;
            Event::of_execution(&live.execution, events)
        });
        let names: BTreeSet<&str> = batch.schedules().collect();
        let schedules = names.into_iter().map(|name| {
            let facts = self.slots.facts(name);
            Event::of_schedule(name, self.slots.workflow_of(name), facts)
        });
        executions.chain(schedules).collect()
    }
}
