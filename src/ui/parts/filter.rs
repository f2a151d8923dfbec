//! Long lists: what somebody looks for in them, and how much of them a page shows.

use maud::{Markup, html};
use serde::Deserialize;

/// How many rows a page shows: more than anybody reads, and few enough that a phone lays them out in a moment.
const ROWS_MAX: usize = 500;
/// From how many rows on somebody may want to look for one.
const ROWS_WITH_FILTER: usize = 8;

/// What somebody looks for, as the address says it.
#[derive(Debug, Default, Deserialize)]
pub(in crate::ui) struct Filter {
    #[serde(default)]
    q: String,
}

/// What a page shows of a list.
pub(in crate::ui) struct Sifted<T> {
    /// The rows.
    pub(in crate::ui) rows: Vec<T>,
    /// How many there are.
    all: usize,
    /// How many of them have what is looked for.
    found: usize,
}

impl Filter {
    /// Returns the rows whose text has every word that is looked for, as many as a page shows.
    pub(in crate::ui) fn sift<T>(&self, rows: Vec<T>, text: impl Fn(&T) -> String) -> Sifted<T> {
        let wanted = self.q.to_lowercase();
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let all = rows.len();
        let has = |row: &T| {
            words.is_empty() || {
                let text = text(row).to_lowercase();
                words.iter().all(|word| text.contains(word))
            }
        };
        let mut rows: Vec<T> = rows.into_iter().filter(has).collect();
        let found = rows.len();
        rows.truncate(ROWS_MAX);
        Sifted { rows, all, found }
    }

    /// Returns whether somebody looks for something.
    pub(in crate::ui) fn is_used(&self) -> bool {
        !self.q.is_empty()
    }

    /// Returns the field to look for something with, where there are many rows; the script answers while somebody types.
    pub(in crate::ui) fn form<T>(&self, path: &str, sifted: &Sifted<T>) -> Markup {
        html! {
            @if sifted.all >= ROWS_WITH_FILTER || !self.q.is_empty() {
                form.filter role="search" action=(path) {
                    input type="search" name="q" value=(self.q) maxlength="200" placeholder="Filter" aria-label="Filter the rows";
                    button { "Filter" }
                }
            }
        }
    }
}

impl<T> Sifted<T> {
    /// Returns whether there is nothing to look through.
    pub(in crate::ui) fn is_of_nothing(&self) -> bool {
        self.all == 0
    }

    /// Says what of the list is not shown.
    pub(in crate::ui) fn rest(&self) -> Markup {
        html! {
            @if self.found == 0 && self.all > 0 { p.message { "None of the " (self.all) " has that." } }
            @if self.found > self.rows.len() {
                p.message { "These are the first " (self.rows.len()) " of " (self.found) ": filter to see others." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, ROWS_MAX};

    fn found(q: &str, rows: &[&str]) -> Vec<String> {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        Filter { q: q.to_owned() }.sift(rows, Clone::clone).rows
    }

    #[test]
    fn every_word_must_be_there_in_whatever_case() {
        let rows = ["github_token fresh", "GITHUB_KEY failing", "registry failing"];
        assert_eq!(found("", &rows).len(), 3);
        assert_eq!(found(" Failing github ", &rows), ["GITHUB_KEY failing"]);
        assert_eq!(found("none", &rows), Vec::<String>::new());
    }

    #[test]
    fn a_page_shows_so_many_rows_and_says_how_many_there_are() {
        let sifted = Filter::default().sift((0..=ROWS_MAX).collect(), usize::to_string);
        assert_eq!(sifted.rows.len(), ROWS_MAX);
        let said = sifted.rest().into_string();
        assert!(said.contains(&format!("first {ROWS_MAX} of {}", ROWS_MAX + 1)), "{said}");
    }
}
