//! `keytide status`: how fresh the secrets are, and what somebody has to look at; for people, and for what watches.

use serde_json::{Value, json};

use super::args::{Format, Status};
use super::connection::{Connection, list, text};
use super::console::{Console, one_line};
use super::error::{Error, Kind};
use super::project::Project;
use super::runs;
use crate::daemon::Freshness;
use crate::words::nearest;

/// What is known of how all stands.
struct Standing {
    rotations: Vec<Value>,
    problems: Vec<(String, String)>,
    /// Whether a daemon is there that fires schedules.
    is_served: bool,
}

/// Shows how the secrets stand; the exit code says whether somebody has to look.
pub(super) fn run(arguments: &Status, project: &Project, console: &Console) -> Result<(), Error> {
    let mut standing = runs::with(project, console, |connection| {
        Ok(Standing {
            rotations: list(connection.get(&["api", "keytide", "rotations"], &[])?),
            problems: connection.problems()?,
            is_served: matches!(connection, Connection::There(_)),
        })
    })?;
    only(&arguments.secrets, &mut standing)?;
    standing.show(console);
    standing.judge()
}

/// Leaves the secrets that are asked for, and no problem of anything else.
fn only(names: &[String], standing: &mut Standing) -> Result<(), Error> {
    let known: Vec<&str> = standing.rotations.iter().filter_map(|one| one["secret"].as_str()).collect();
    if let Some(missing) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let error = Error::new(Kind::NotFound, format!("there is no secret `{missing}`, and no workflow writes one"));
        return Err(match nearest(missing, known) {
            Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
            None => error.hint("see `keytide status`"),
        });
    }
    if !names.is_empty() {
        standing.rotations.retain(|one| names.iter().any(|name| one["secret"] == name.as_str()));
        standing.problems.clear();
    }
    Ok(())
}

impl Standing {
    fn show(&self, console: &Console) {
        match console.format {
            Format::Json => {
                let problems = self.problems.iter().map(|(place, message)| json!({"place": place, "message": message}));
                console.json(&json!({
                    "isServed": self.is_served,
                    "needsAttention": self.worst().is_some() || !self.problems.is_empty(),
                    "rotations": self.rotations,
                    "problems": problems.collect::<Vec<_>>(),
                }));
            }
            Format::Table => {
                let rows: Vec<_> = self.rotations.iter().map(row).collect();
                console.table(&["SECRET", "STATE", "VERSION", "WRITTEN", "NEXT", "WHY"], &rows);
                for (place, message) in &self.problems {
                    console.note(&one_line(&format!("problem: {place}: {message}")));
                }
            }
        }
    }

    /// Returns the secret that somebody has to look at first, where there is one.
    fn worst(&self) -> Option<&Value> {
        // A word that a newer server says is not taken for a good one.
        let is_bad = |word: &str| Freshness::parse(word).is_none_or(Freshness::is_bad);
        self.rotations.iter().find(|one| one["freshness"].as_str().is_none_or(is_bad))
    }

    fn judge(&self) -> Result<(), Error> {
        if let Some(worst) = self.worst() {
            let [secret, state, reason] = ["secret", "freshness", "reason"].map(|field| text(worst[field].clone()));
            return Err(Error::new(Kind::Failed, format!("`{secret}` is {state}: {reason}")));
        }
        if let Some((place, message)) = self.problems.first() {
            return Err(Error::new(Kind::Failed, format!("{place}: {message}")));
        }
        if !self.is_served {
            return Err(Error::new(Kind::Unreachable, "no keytide serves this folder: nothing is rotated")
                .hint("start it: keytide serve"));
        }
        Ok(())
    }
}

fn row(rotation: &Value) -> Vec<String> {
    let current = &rotation["current"];
    let fields =
        [&rotation["secret"], &rotation["freshness"], &current["version"], &current["created"], &rotation["next"]];
    fields.into_iter().chain([&rotation["reason"]]).map(|field| text(field.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Freshness, Standing};

    fn standing(words: &[&str]) -> Standing {
        let rotation = |word: &&str| json!({"secret": "key", "freshness": word, "reason": "why"});
        Standing { rotations: words.iter().map(rotation).collect(), problems: Vec::new(), is_served: true }
    }

    fn code(standing: &Standing) -> u8 {
        standing.judge().map_or_else(|error| error.kind.exit_code(), |()| 0)
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        for freshness in Freshness::ALL {
            let expected = u8::from(freshness.is_bad());
            assert_eq!(code(&standing(&["fresh", freshness.as_str()])), expected, "{}", freshness.as_str());
        }
        assert_eq!((code(&standing(&[])), code(&standing(&["a word of later"]))), (0, 1));
        let problem = vec![("a.json".to_owned(), "it is wrong".to_owned())];
        assert_eq!(code(&Standing { problems: problem, ..standing(&["fresh"]) }), 1);
        assert_eq!(code(&Standing { is_served: false, ..standing(&["fresh"]) }), 6);
        assert_eq!(code(&Standing { is_served: false, ..standing(&["late"]) }), 1);
    }
}
