use std::sync::PoisonError;

use crate::access::Tagged;
use crate::catalog::Problem;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::Message;
use crate::journal::Action;
use crate::words::Owner;
use crate::workflow::shown::shown_text;

impl Handle {
    /// Returns everything that somebody has to look at: files, the store, schedules, runs that fetched and did not store
    /// or are in doubt.
    pub async fn problems(&self, who: &Owner) -> Result<Vec<Problem>, Error> {
        self.administers(who, Action::Look)?;
        let mut problems = self.catalog().problems();
        problems.extend(self.unsettled());
        problems.extend(self.0.unreadable.iter().cloned());
        let troubles = self.0.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone();
        problems.extend(troubles.iter().map(|(place, message)| plain(place, message.clone())));
        problems.extend(self.powerless_tags());
        let store = self.0.store.problems().into_iter();
        problems.extend(store.map(|problem| plain("the secret store", problem.to_string())));
        let running = self.ask(|reply| Message::Problems { reply }).await?;
        problems.extend(running.into_iter().map(|(place, message)| plain(&place, message)));
        // A file may say a value in clear, and what is wrong with it may quote it.
        let masker = self.0.views.masker();
        let mask = |text: &mut String| *text = masker.mask_text(text).into_owned();
        for problem in &mut problems {
            mask(&mut problem.message);
            for diagnostic in &mut problem.diagnostics {
                mask(&mut diagnostic.message);
                diagnostic.help.iter_mut().for_each(mask);
            }
        }
        Ok(problems)
    }
}

impl Handle {
    /// Returns that files say tags which grant nothing, for more is granted by them than the files may do.
    fn powerless_tags(&self) -> Vec<Problem> {
        let said = |(file, tagged, name, key, value): (&str, Tagged, &str, &str, &str)| {
            let (thing, who) = (tagged.as_str(), Owner::File(file.to_owned()));
            let why = format!("more is granted by it than {who} may do");
            let message =
                format!("the tag `{key}:{value}` of {thing} `{name}` grants nothing: {why}; set it over the API");
            plain(file, message)
        };
        self.0.authority.current().powerless().map(said).collect()
    }

    /// Returns the text of a file of which something is wrong, line by line as its problems count them and with no value in it;
    /// none where it cannot be shown so.
    pub fn faulty_text(&self, who: &Owner, file: &str) -> Result<Option<String>, Error> {
        self.administers(who, Action::Look)?;
        let problems = self.catalog().problems();
        let mut sources = problems.iter().flat_map(|problem| &problem.diagnostics).map(|diagnostic| &diagnostic.source);
        let Some(shown) = sources.find(|source| *source.name == *file).and_then(shown_text) else { return Ok(None) };
        let masked = self.0.views.masker().mask_text(&shown).into_owned();
        Ok((masked.lines().count() == shown.lines().count()).then_some(masked))
    }
}

impl Handle {
    /// Takes note of what is wrong at a place that only a face knows, or that nothing is any more.
    pub fn trouble(&self, place: &'static str, message: Option<String>) {
        let mut troubles = self.0.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.get(place) == message.as_ref() {
            return;
        }
        match message {
            Some(message) => {
                tracing::warn!(place, "{message}");
                troubles.insert(place, message);
            }
            None => drop(troubles.remove(place)),
        }
    }
}

fn plain(place: &str, message: String) -> Problem {
    Problem { place: place.to_owned(), message, diagnostics: Vec::new() }
}
