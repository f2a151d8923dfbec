//! The way to the dispatcher: our own messages always get through, requests of others while there is room for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::daemon::message::Message;

/// How many requests wait at most. The dispatcher answers some thousands a second, so the last of them waits about a
/// second; whoever comes after it is better told to come again. It is more than all doors take at once: what is beyond
/// was left by callers that went away.
pub(super) const REQUESTS_MAX: usize = 4_096;

/// Where messages to the dispatcher go in.
#[derive(Clone)]
pub(super) struct Inbox {
    letters: Sender<Letter>,
    waiting: Arc<AtomicUsize>,
}

/// Where they come out.
pub(super) struct Letters(Receiver<Letter>);

/// A message, with the place that it takes where it is a request.
struct Letter {
    message: Message,
    /// Free again once the letter is opened.
    _place: Option<Place>,
}

struct Place(Arc<AtomicUsize>);

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Too many wait already.
    Busy,
    /// The dispatcher has stopped.
    Stopped,
}

/// Opens the way.
pub(super) fn open() -> (Inbox, Letters) {
    let (letters, received) = mpsc::channel();
    (Inbox { letters, waiting: Arc::default() }, Letters(received))
}

impl Inbox {
    /// Sends what the process itself has to say, like an answer of the executor: it is never refused and waits for nobody.
    /// There is at most one for each command that was released. Returns whether somebody still listens.
    pub(super) fn tell(&self, message: Message) -> bool {
        self.letters.send(Letter { message, _place: None }).is_ok()
    }

    /// Sends what somebody else asks, where there is room for it.
    pub(super) fn ask(&self, message: Message) -> Result<(), Closed> {
        let place = self.place().ok_or(Closed::Busy)?;
        self.letters.send(Letter { message, _place: Some(place) }).map_err(|_| Closed::Stopped)
    }

    fn place(&self) -> Option<Place> {
        let place = Place(self.waiting.clone());
        // The place is taken first and given back by its drop, so that two callers never share the last one.
        (self.waiting.fetch_add(1, Ordering::Relaxed) < REQUESTS_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Letters {
    /// Waits for the next message.
    pub(super) fn wait(&self, patience: Duration) -> Result<Message, RecvTimeoutError> {
        self.0.recv_timeout(patience).map(|letter| letter.message)
    }

    /// Returns what else has arrived, up to `count`.
    pub(super) fn rest(&self, count: usize) -> impl Iterator<Item = Message> {
        self.0.try_iter().take(count).map(|letter| letter.message)
    }
}

#[cfg(test)]
mod tests {
    use super::{Closed, Message, REQUESTS_MAX, open};

    #[test]
    fn requests_beyond_the_limit_are_refused_and_our_own_messages_are_not() {
        let (inbox, letters) = open();
        for _ in 0..REQUESTS_MAX {
            assert_eq!(inbox.ask(Message::Drain), Ok(()));
        }
        assert_eq!(inbox.ask(Message::Drain), Err(Closed::Busy));
        assert_eq!(inbox.ask(Message::Drain), Err(Closed::Busy), "who is refused takes no place");
        assert!(inbox.tell(Message::Drain), "an answer of the executor is never refused");
        assert_eq!(letters.rest(2).count(), 2);
        assert_eq!(inbox.ask(Message::Drain), Ok(()));
        assert_eq!(inbox.ask(Message::Drain), Ok(()));
        assert_eq!(inbox.ask(Message::Drain), Err(Closed::Busy), "as many as were taken out");
        drop(letters);
        assert!(!inbox.tell(Message::Drain));
    }
}
