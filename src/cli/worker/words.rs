//! Which command does which tasks, and how its text becomes words.

use crate::cli::error::{Error, Kind};

/// A type of task and the command that does it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// What is polled for.
    pub(super) task_type: String,
    /// The program.
    pub(super) program: String,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
}

impl Job {
    /// Reads `TYPE=command and arguments`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let usage = |what: &str| {
            Error::new(Kind::Usage, format!("--exec `{text}`: {what}"))
                .hint("write it as --exec 'resize_image=./resize.sh --width 100'")
        };
        let (task_type, command) = text.split_once('=').ok_or_else(|| usage("there is no `=`"))?;
        if task_type.trim().is_empty() {
            return Err(usage("no type of task stands before the `=`"));
        }
        let mut words = split(command).map_err(usage)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or_else(|| usage("no command stands behind the `=`"))?;
        Ok(Self { task_type: task_type.trim().to_owned(), program, arguments: words.collect() })
    }
}

/// Splits a text into words as a shell does: quotes keep spaces, a backslash keeps what follows. Nothing is expanded.
fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => quoted(&mut characters, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut characters, '"', word.get_or_insert_default())?,
            '\\' => {
                let kept = characters.next().ok_or("it ends in a backslash")?;
                word.get_or_insert_default().push(kept);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads to the end of a quotation; in double quotes a backslash keeps a quote, a backslash, `$` and a backtick.
fn quoted(characters: &mut std::str::Chars<'_>, end: char, word: &mut String) -> Result<(), &'static str> {
    while let Some(character) = characters.next() {
        match character {
            closing if closing == end => return Ok(()),
            '\\' if end == '"' => match characters.next() {
                Some(kept @ ('"' | '\\' | '$' | '`')) => word.push(kept),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            other => word.push(other),
        }
    }
    Err("a quotation does not end")
}

#[cfg(test)]
mod tests {
    use super::{Job, split};

    #[test]
    fn words_are_those_of_a_shell_and_nothing_is_expanded() {
        let check = |text: &str, words: &[&str]| assert_eq!(split(text).unwrap(), words, "{text}");
        check("a  b\tc", &["a", "b", "c"]);
        check("", &[]);
        check("a '' \"\"", &["a", "", ""]);
        check(r#"'a b'"c d"e"#, &["a bc de"]);
        check(r"a\ b \'", &["a b", "'"]);
        check(r#""a\"b\\c\n\$d" '\'"#, &[r#"a"b\c\n$d"#, r"\"]);
        check("$HOME * ~ `x` ; | über", &["$HOME", "*", "~", "`x`", ";", "|", "über"]);
        assert_eq!(split("'a"), Err("a quotation does not end"));
        assert_eq!(split("\"a\\"), Err("a quotation does not end"));
        assert_eq!(split("a\\"), Err("it ends in a backslash"));
    }

    #[test]
    fn a_job_has_a_type_and_a_command() {
        let job = Job::parse("resize=./resize.sh --a=b 'c d'").unwrap();
        assert_eq!(
            (&*job.task_type, &*job.program, job.arguments),
            ("resize", "./resize.sh", vec!["--a=b".to_owned(), "c d".to_owned()])
        );
        for wrong in ["resize", "=command", "resize=", "resize= ", "resize=''", "resize='a"] {
            assert!(Job::parse(wrong).is_err(), "{wrong}");
        }
    }
}
