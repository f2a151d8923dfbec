//! The one task that wakes those who listen, and looks for what nobody tells: problems, and a store that another process
//! wrote. It goes on for as long as somebody listens.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::catalog::Problem;
use crate::daemon::faces::aside;
use crate::daemon::feed::Feed;
use crate::daemon::feed::told::Event;
use crate::daemon::handle::Handle;
use crate::words::Owner;

/// How often it is looked where nothing is heard.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long it is not looked again, whatever is heard.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(250);
/// A pause between two looks is this many times as long as a look took, so that looking takes a twentieth of the time.
const PAUSE_SHARE: u32 = 20;

/// Wakes listeners and looks for problems until nobody has listened for a while.
pub(super) async fn herald(handle: Handle, feed: Arc<Feed>) {
    let crying = async {
        loop {
            feed.bell.notified().await;
            feed.cry();
        }
    };
    tokio::select! {
        () = crying => {}
        () = looking(&handle, &feed) => {}
    }
}

async fn looking(handle: &Handle, feed: &Arc<Feed>) {
    let mut heard = feed.heard.subscribe();
    // What is wrong when somebody begins to listen is news.
    let mut known = Vec::new();
    while !feed.fall_asleep() {
        let began = Instant::now();
        let fresh = handle.clone();
        // A daemon that stops has nothing more to tell.
        drop(aside(move || fresh.fresh()).await);
        if let Ok(problems) = handle.problems(&Owner::Local).await {
            tell_problems(handle, feed, &mut known, problems);
        }
        heard.mark_unchanged();
        sleep(LOOK_PAUSE_MIN.max(began.elapsed() * PAUSE_SHARE)).await;
        // It is looked again whether or not something was heard.
        drop(timeout(LOOK_EVERY, heard.changed()).await);
    }
}

fn tell_problems(handle: &Handle, feed: &Feed, known: &mut Vec<Problem>, mut problems: Vec<Problem>) {
    let masker = handle.0.views.masker();
    for problem in &mut problems {
        problem.message = masker.mask_text(&problem.message).into_owned();
    }
    let key = |problem: &Problem| (problem.place.clone(), problem.message.clone());
    let (before, now): (HashSet<_>, HashSet<_>) = (known.iter().map(key).collect(), problems.iter().map(key).collect());
    let mended = known.iter().filter(|problem| !now.contains(&key(problem)));
    let new = problems.iter().filter(|problem| !before.contains(&key(problem)));
    let mended = mended.map(|problem| Event::of_problem(problem, true));
    let events: Vec<_> = mended.chain(new.map(|problem| Event::of_problem(problem, false))).collect();
    if !events.is_empty() {
        feed.tell(|| events);
    }
    *known = problems;
}
