//! What each code of a diagnostic means: one table, `docs/ERRORS.md`, which people read as it is.

const TABLE: &str = include_str!("../../docs/ERRORS.md");

/// How the heading of a code begins.
const HEADING: &str = "\n## ";

/// A code with what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, as `E0104`.
    pub code: &'static str,
    /// What is wrong, why it matters and what to do: a paragraph.
    pub text: &'static str,
    /// A wrong and a right example, as Markdown.
    pub examples: &'static str,
}

/// Returns every code, in order.
pub fn codes() -> impl Iterator<Item = Code> {
    TABLE.split(HEADING).skip(1).filter_map(|section| {
        let (code, rest) = section.split_once('\n')?;
        let (text, examples) = rest.trim().split_once("\n\n").unwrap_or((rest.trim(), ""));
        Some(Code { code, text, examples })
    })
}

/// Returns what a code means; codes are matched whatever their case.
pub fn explain(code: &str) -> Option<Code> {
    codes().find(|known| known.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{Code, codes, explain};
    use crate::workflow::check::{Known, check};
    use crate::workflow::load::load;

    fn used(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, codes);
            } else if !path.ends_with("codes.rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let quoted = text.split('"').filter(|part| part.len() == 5 && part.starts_with(['E', 'W', 'N']));
                codes.extend(quoted.filter(|part| part[1..].parse::<u16>().is_ok()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_explained_and_no_other() {
        let mut found = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workflow"), &mut found);
        let explained: Vec<_> = codes().map(|code| code.code.to_owned()).collect();
        assert_eq!(explained, found.into_iter().collect::<Vec<_>>());
        assert!(codes().all(|code| code.text.len() > 40));
        assert!(explain("e0101").is_some() && explain("E9999").is_none());
    }

    /// Returns the codes that an example gives.
    fn given(code: &Code, heading: &str) -> BTreeSet<&'static str> {
        let (_, rest) = code.examples.split_once(&format!("{heading}:\n\n```")).unwrap();
        let (language, rest) = rest.split_once('\n').unwrap();
        // The sign stands for the byte, which a page cannot show.
        let text = rest.split_once("\n```").unwrap().0.replace('\u{2400}', "\0");
        let names = |name: &str| BTreeSet::from([name.to_owned()]);
        // One code is about a store that does not open.
        let secrets = (code.code != "N0306").then(|| names("apiToken"));
        let known = Known { secrets, environment: names("region"), workflows: BTreeSet::new() };
        let file = load(&format!("example.{language}"), text.as_bytes());
        file.diagnostics.iter().chain(&check(&[&file], &known)).map(|problem| problem.code).collect()
    }

    #[test]
    fn each_wrong_example_gives_its_code_alone_and_each_right_one_gives_none() {
        let mut wrong = Vec::new();
        // A file with too many problems has too many for a page.
        // Whether a script can be read, an interpreter says.
        for code in codes().filter(|code| !["N0203", "E0419"].contains(&code.code)) {
            let (bad, good) = (given(&code, "Wrong"), given(&code, "Right"));
            if bad != BTreeSet::from([code.code]) || !good.is_empty() {
                wrong.push(format!("{}: wrong {bad:?} right {good:?}", code.code));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
