//! Workers, and people in their place: they report what the test says.

use tokio::sync::oneshot;

use super::super::mocks::{self, Given};
use super::super::{Error, Manner};
use super::{Mail, What, World, time_of};
use crate::daemon::{Message, Poll, Polled, Queue};
use crate::engine::{Execution, Run, WorkerUpdate, view};
use crate::words::{ExecutionId, Payload, TaskStatus, Timestamp};
use crate::workflow::definition::TaskType;

/// How many open tasks a place of a crash names: enough to know it again.
const OPEN_SHOWN_MAX: usize = 3;

impl World<'_> {
    /// Hears which tasks workers got, and has them report.
    pub(super) fn hear_workers(&mut self) -> Result<(), Error> {
        let mut polled = Vec::new();
        self.polls.retain_mut(|(_, answer)| match answer.try_recv() {
            Ok(found) => {
                polled.extend(found);
                false
            }
            Err(oneshot::error::TryRecvError::Empty) => true,
            Err(oneshot::error::TryRecvError::Closed) => false,
        });
        for Polled { execution, run } in polled {
            let run = execution.run(run).ok_or_else(|| Error::Ours("a worker got what is not there".to_owned()))?;
            self.answer(&execution, run)?;
        }
        Ok(())
    }

    /// Reports on what waits for somebody, and looks for work in every queue that has some.
    pub(super) fn report(&mut self) -> Result<(), Error> {
        let ids: Vec<ExecutionId> = self.life().dispatcher.executions().map(|execution| execution.id).collect();
        for id in ids {
            let Some(execution) = self.life().dispatcher.read(id) else { continue };
            for run in execution.open_runs() {
                let task_type = &execution.planned(run).task.task_type;
                if task_type.is_worker() {
                    if run.status == TaskStatus::Scheduled {
                        self.poll(&execution, run);
                    }
                } else if run.status == TaskStatus::InProgress && self.reports_on(&execution, run) {
                    self.answer(&execution, run)?;
                }
            }
        }
        Ok(())
    }

    /// Returns whether somebody ends a task that waits.
    fn reports_on(&self, execution: &Execution, run: &Run) -> bool {
        let task_type = &execution.planned(run).task.task_type;
        let waits = matches!(task_type, TaskType::Wait | TaskType::Human | TaskType::Event);
        let path = self.paths.get(&execution.id).map_or(&[][..], Vec::as_slice);
        let has_mock = self.mocks.has(execution.id, path, execution.name(), &execution.reference(run));
        let is_guessed = self.manner == Manner::Dry && run.timer().is_none();
        waits && (has_mock || is_guessed) && !self.reported.contains(&(execution.id, run.number))
    }

    fn poll(&mut self, execution: &Execution, run: &Run) {
        let (name, domains) = view::queue(execution, run);
        let queue = Queue { name, domain: domains.into_iter().next_back().flatten() };
        if self.polls.iter().any(|(known, _)| *known == queue) {
            return;
        }
        let (reply, answer) = oneshot::channel();
        let poll = Poll {
            queue: queue.clone(),
            worker_id: Some("mock".to_owned()),
            count: 1,
            until: Timestamp::MAX,
            may: Box::new(|_| true),
            reply,
        };
        self.inbox.push(Message::Poll(poll));
        self.polls.push((queue, answer));
    }

    /// Has somebody report on a task as the test says.
    fn answer(&mut self, execution: &Execution, run: &Run) -> Result<(), Error> {
        let path = self.paths.get(&execution.id).cloned().unwrap_or_default();
        let (update, after) = match self.mocks.take(execution.id, &path, execution.name(), &execution.reference(run)) {
            Given::Mock(mock) => (mocks::update(mock), time_of(mock)),
            Given::Nothing | Given::UsedUp(_) if self.manner == Manner::Dry => {
                self.guessed.insert(run.id(execution.id).to_string());
                let output = self.unknowns.output(execution, run);
                let update = WorkerUpdate {
                    status: TaskStatus::Completed,
                    output: Payload::new(output.into()),
                    reason: None,
                    callback_after_seconds: 0,
                    worker_id: None,
                };
                (update, Vec::new())
            }
            Given::Nothing => return Err(mocks::no_mock(execution, run, None)),
            Given::UsedUp(count) => return Err(mocks::no_mock(execution, run, Some(count))),
        };
        self.reported.insert((execution.id, run.number));
        let at = after.into_iter().fold(self.now(), Timestamp::plus);
        self.mail.push(Mail { at, what: What::Report(execution.id, run.number, Box::new(update)) });
        Ok(())
    }

    /// Says what is open, where nothing is due.
    pub(super) fn what_waits(&self) -> String {
        let waiting = self.open_tasks();
        if waiting.is_empty() { "a workflow waits for others".to_owned() } else { waiting.join(", ") }
    }

    /// Says what is open where the process dies.
    pub(super) fn what_is_open(&self) -> String {
        let mut open = self.open_tasks();
        if open.len() > OPEN_SHOWN_MAX {
            let others = open.split_off(OPEN_SHOWN_MAX).len();
            open.push(format!("{others} more wait"));
        }
        if open.is_empty() { "no task is open".to_owned() } else { open.join(", ") }
    }

    fn open_tasks(&self) -> Vec<String> {
        let waiting = self.life().dispatcher.executions().flat_map(|execution| {
            execution.open_runs().map(move |run| {
                let kind = mocks::kind(execution.planned(run));
                format!("task `{}` ({kind}) of `{}` waits", execution.reference(run), execution.name())
            })
        });
        let mut waiting: Vec<String> = waiting.collect();
        waiting.sort();
        waiting
    }
}
