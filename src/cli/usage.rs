//! What a wrong command line is told: clap's words for people, one JSON object for machines, and nothing of a value that was
//! meant as a secret.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Format;
use super::console::Console;
use super::error::{Error, Kind};
use super::examples;

/// Says what is wrong with the arguments, or shows the help that was asked for, and returns the exit code.
pub(super) fn tell(error: &clap::Error, arguments: &[OsString]) -> u8 {
    if !error.use_stderr() {
        // A closed pipe ends the help quietly.
        drop(error.print());
        if error.kind() == ErrorKind::DisplayHelp {
            examples::follow(&error.render().to_string());
        }
        return 0;
    }
    let refusal = sets_a_secret(error, arguments);
    let console = Console { format: format(arguments), quiet: false, verbose: 0 };
    match (refusal, console.format) {
        (Some(refusal), Format::Json | Format::Table) => console.error(&refusal),
        (None, Format::Json) => console.error(&said(error)),
        (None, Format::Table) => drop(error.print()),
    }
    Kind::Usage.exit_code()
}

/// Returns the format that was asked for, as far as it can be seen in arguments that are wrong.
fn format(arguments: &[OsString]) -> Format {
    let mut ours =
        arguments.iter().skip(1).take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str());
    while let Some(argument) = ours.next() {
        let value = match argument {
            "-o" | "--output" => ours.next(),
            _ => argument.strip_prefix("--output=").or_else(|| short_value(argument)),
        };
        if value == Some("json") {
            return Format::Json;
        }
    }
    Format::Table
}

/// Returns the value in `-ojson`, `-o=json` and, behind flags, `-qojson`.
fn short_value(argument: &str) -> Option<&str> {
    let letters = argument.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let value = letters.trim_start_matches(['q', 'v']).strip_prefix('o')?;
    Some(value.strip_prefix('=').unwrap_or(value))
}

/// Returns what to say where somebody gave a value as an argument: it is not said again, for it may end in a log.
fn sets_a_secret(error: &clap::Error, arguments: &[OsString]) -> Option<Error> {
    let is = |word: &'static str| move |argument: &OsString| argument.as_os_str() == OsStr::new(word);
    let secret = arguments.iter().position(is("secret"))?;
    arguments[secret..].iter().find(|argument| is("set")(argument) || is("put")(argument))?;
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::TooManyValues => Some(argument_refused(suggested(error))),
        _ => None,
    }
}

/// Returns the refusal of a value that came as an argument.
pub(super) fn argument_refused(meant: Option<String>) -> Error {
    let error = Error::new(
        Kind::Usage,
        "`secret set` takes a name and its options, and never a value: every user of this machine can read arguments",
    )
    .hint("pipe it: `printf %s \"$VALUE\" | keytide secret set NAME`, or use --from-file FILE")
    .hint("a value that was given as an argument is in the history of your shell: change it where it comes from");
    match meant {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error,
    }
}

/// Returns the option of ours that clap thinks was meant.
fn suggested(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::SuggestedArg)? {
        ContextValue::String(option) => Some(option.clone()),
        _ => None,
    }
}

/// Returns clap's words as one sentence and hints.
fn said(error: &clap::Error) -> Error {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::new(Kind::Usage, "there is no command").hint("see the same with --help");
    }
    let text = error.render().to_string();
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let message = message.trim().strip_prefix("error: ").unwrap_or(message);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = rest.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(Error::new(Kind::Usage, message), |said, line| said.hint(line.strip_prefix("tip: ").unwrap_or(line)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Format, OsString, format, said};
    use crate::cli::args::Arguments;

    fn given(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_format_is_seen_in_arguments_that_are_wrong() {
        for line in [
            "keytide -o json x",
            "keytide x --output json",
            "keytide --output=json",
            "keytide -ojson",
            "keytide x -qo=json",
        ] {
            assert_eq!(format(&given(line)), Format::Json, "{line}");
        }
        for line in
            ["keytide", "keytide -o table", "keytide exec -- jq -o json", "keytide json -o", "keytide --foo json"]
        {
            assert_eq!(format(&given(line)), Format::Table, "{line}");
        }
    }

    #[test]
    fn claps_words_are_a_sentence_and_hints() {
        let error = |line: &str| said(&Arguments::try_parse_from(given(line)).err().unwrap());
        let unknown = error("keytide serve --lisetn x");
        assert_eq!(unknown.message, "unexpected argument '--lisetn' found");
        assert!(unknown.hints[0].contains("'--listen'"), "{:?}", unknown.hints);
        let missing = error("keytide secret get");
        assert_eq!(missing.message, "the following required arguments were not provided: <NAME>");
        assert!(missing.hints[0].starts_with("Usage: keytide secret get"), "{:?}", missing.hints);
        assert!(!error("keytide").message.is_empty() && !error("keytide secret").message.is_empty());
    }
}
