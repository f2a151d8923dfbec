//! What people type: an example for each command, below its help.

use std::io::Write as _;

/// How many examples the help of a group of commands shows: the first ones say what it is about.
const OF_A_GROUP_MAX: usize = 3;

/// A command, what somebody types, and what for.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("init", "keytide init rotation", "Make the folder and all that belongs into it"),
    ("demo", "keytide demo --keep rotation", "Keep the folder of the demo as a project"),
    ("run", "keytide run rotate", "Run a workflow of the folder"),
    ("run", "keytide run workflows/rotate.yaml --dry-run", "See what it would do, and do nothing"),
    ("run", "keytide run rotate -i '{\"team\": \"build\"}'", "Give it an input"),
    ("serve", "keytide serve", "Watch this folder and keep its schedules"),
    ("serve", "keytide serve --listen 127.0.0.1:8321", "Answer the API and show the pages too"),
    ("ui", "keytide ui", "Open the link in a browser"),
    ("check", "keytide check", "Look at every file of the project"),
    ("check", "keytide check definitions/ --format github", "Look at any folder, for a build"),
    ("test", "keytide test --crash", "Play every test, dying at each step"),
    ("secret set", "pass show issuer/key | keytide secret set appKeySecret", "Keep what another program prints"),
    ("secret set", "keytide secret set appKeySecret --expires 90d", "Be asked for it, and warned before it ends"),
    ("secret get", "keytide secret get my_token --reveal", "Print the value"),
    ("secret list", "keytide secret list", "See names, versions and who wrote them"),
    ("secret rm", "keytide secret rm my_token --confirm my_token", "Remove it without being asked"),
    ("secret history", "keytide secret history my_token", "See which runs wrote it"),
    ("secret rollback", "keytide secret rollback my_token", "Go back to the value before"),
    ("secret tag", "keytide secret tag my_token team:build", "Add a tag that grants can name"),
    ("secret tag-list", "keytide secret tag-list my_token", "See its tags"),
    ("secret tag-add", "keytide secret tag-add my_token --tag team:build", "Add a tag that grants can name"),
    ("secret tag-delete", "keytide secret tag-delete my_token --tag team:build", "Take it off"),
    ("secret exists", "keytide secret exists my_token && ./deploy.sh", "Ask in a script"),
    ("secret resolve", "keytide secret resolve --settle", "Take of each secret what was written last"),
    ("exec", "keytide exec --only my_token -- ./deploy.sh", "Hand over one secret and no other"),
    ("worker", "keytide worker --exec 'resize=./resize.sh --width 100'", "Do tasks of the type `resize`"),
    ("schedule list", "keytide schedule list", "See what fires when"),
    ("schedule next", "keytide schedule next --cron '0 0/30 * * * *'", "Try an expression before it is used"),
    ("schedule pause", "keytide schedule pause nightly --reason 'the issuer moves'", "Hold it, and say why"),
    ("schedule resume", "keytide schedule resume nightly", "Let it go on"),
    ("schedule get", "keytide schedule get nightly", "See it whole"),
    ("schedule create", "keytide schedule create -n nightly -c '0 0 3 * * *' -w rotate", "Run `rotate` at three"),
    ("schedule update", "keytide schedule update -n nightly -c '0 0 4 * * *' -w rotate", "Make it four"),
    ("schedule delete", "keytide schedule delete nightly", "Remove what the API made"),
    ("schedule search", "keytide schedule search -w rotate", "Find those that start it"),
    ("schedule trigger", "keytide schedule trigger nightly", "Fire it now"),
    ("workflow list", "keytide workflow list", "See what is registered"),
    ("workflow get", "keytide workflow get rotate 2", "See one version"),
    ("workflow create", "keytide workflow create rotate.json", "Register a definition"),
    ("workflow update", "keytide workflow update rotate.json", "Register it again"),
    ("workflow delete", "keytide workflow delete rotate 1", "Remove one version"),
    ("workflow start", "keytide workflow start -w rotate --sync", "Start it and wait for its end"),
    ("workflow status", "keytide workflow status 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "See where it stands"),
    ("workflow get-execution", "keytide workflow get-execution 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "See it whole"),
    ("workflow search", "keytide workflow search -w rotate -s FAILED", "Find what failed"),
    ("workflow pause", "keytide workflow pause 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "Begin nothing more of it"),
    ("workflow resume", "keytide workflow resume 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "Go on with it"),
    ("workflow terminate", "keytide workflow terminate 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "End it"),
    ("workflow restart", "keytide workflow restart 01a20ea0-2afd-7a16-b568-a2c5b676c5f1 --use-latest", "Begin again"),
    ("workflow retry", "keytide workflow retry 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "Try the failed task again"),
    (
        "workflow rerun",
        "keytide workflow rerun 01a20ea0-2afd-7a16-b568-a2c5b676c5f1 --task-id 01a20ea0-2afd-7a16-b568-a2c5b676c5f2",
        "Go back to a task",
    ),
    (
        "workflow skip-task",
        "keytide workflow skip-task 01a20ea0-2afd-7a16-b568-a2c5b676c5f1 notify",
        "Leave a task out",
    ),
    ("workflow remove", "keytide workflow remove 01a20ea0-2afd-7a16-b568-a2c5b676c5f1", "Forget a run"),
    ("task list", "keytide task list", "See what is registered"),
    ("task get", "keytide task get resize", "See one"),
    ("task create", "keytide task create tasks.json", "Register definitions of tasks"),
    ("task update", "keytide task update task.json", "Register one again"),
    ("task delete", "keytide task delete resize", "Remove one"),
    ("task poll", "keytide task poll resize -c 5", "Take work that waits"),
    (
        "task update-execution",
        "keytide task update-execution --workflow-id 01a20ea0-2afd-7a16-b568-a2c5b676c5f1 --task-ref-name resize --status COMPLETED",
        "Say that it is done",
    ),
    (
        "task signal",
        "keytide task signal --workflow-id 01a20ea0-2afd-7a16-b568-a2c5b676c5f1 --status COMPLETED",
        "Let a run go on that waits",
    ),
    ("status", "keytide status", "See how fresh every secret is, and what is wrong"),
    ("status", "keytide status my_token", "Ask in a script whether somebody must look"),
    ("runs", "keytide runs -w rotate --status FAILED", "Find what failed"),
    ("show", "keytide show 01a20ea0", "See a run by the beginning of its id"),
    ("audit", "keytide audit --secret my_token --since 24h", "See who touched it"),
    ("audit", "keytide audit --verify", "Find the first entry that was changed"),
    ("audit", "keytide audit --acknowledge \"restored from the backup of May 3\"", "Say that a damage is known"),
    ("rescue", "keytide rescue 01a20ea0 --path token --to my_token", "Keep what was fetched and not stored"),
    ("recipient add", "keytide recipient add --name laptop \"$RECIPIENT\"", "Let another key open the store"),
    ("recipient rm", "keytide recipient rm \"$RECIPIENT\"", "Write nothing more for it"),
    ("recipient list", "keytide recipient list", "See who can open the store"),
    ("app create", "keytide app create ci", "Make a client with a key, shown once"),
    ("app list", "keytide app list", "See all clients"),
    ("app rm", "keytide app rm ci", "Remove it with its keys"),
    ("app key add", "keytide app key add ci", "Make a second key, to change them in peace"),
    ("app key disable", "keytide app key disable ci KEY", "Let nobody in with it"),
    ("app key rm", "keytide app key rm ci KEY", "Remove it"),
    ("key new", "keytide key new -f identity.txt", "Make an identity"),
    ("key show", "keytide key show", "See its recipient, never itself"),
    ("config show", "keytide config show", "See each setting and where it is from"),
    ("import conductor", "keytide import conductor --server http://localhost:8080", "Bring definitions home as files"),
    ("export", "keytide export --take-over", "Let files own what the API made"),
    ("eval", "keytide eval --with run.json '${fetch.output.response.body.token}'", "See what an expression gives"),
    ("graph", "keytide graph rotate --format svg > rotate.svg", "Draw a picture"),
    ("explain", "keytide explain E0408", "Read why, and what to do"),
    ("schema", "keytide schema workflow > workflow.schema.json", "Keep it for an editor"),
];

/// Prints the examples of the command whose help this is.
pub(super) fn follow(help: &str) {
    let text = of(&path(help));
    // A closed pipe ends the help quietly.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Returns which command a help is of, by the line that says how it is used; nothing for the program itself.
fn path(help: &str) -> String {
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default();
    let words = usage.split_whitespace().skip(1);
    words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect::<Vec<_>>().join(" ")
}

/// Returns the examples of a command, or the first ones of a group; nothing for the program, whose help has its own.
fn of(command: &str) -> String {
    let own: Vec<_> = EXAMPLES.iter().filter(|(path, ..)| *path == command).collect();
    let group = format!("{command} ");
    let below = EXAMPLES.iter().filter(|(path, ..)| !command.is_empty() && path.starts_with(&group));
    let shown = if own.is_empty() { below.take(OF_A_GROUP_MAX).collect() } else { own };
    if shown.is_empty() {
        return String::new();
    }
    let width = shown.iter().map(|(_, example, _)| example.chars().count()).max().unwrap_or(0);
    let lines = shown.iter().map(|(_, example, what)| format!("  {example:<width$}   {what}\n"));
    format!("\n{}:\n{}", if shown.len() == 1 { "Example" } else { "Examples" }, lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _, Parser as _};

    use super::{EXAMPLES, of, path};
    use crate::cli::args::Arguments;

    /// Returns what a shell makes of a line, of the part that is ours.
    fn words(line: &str) -> Vec<String> {
        let ours = line.rsplit_once("| ").map_or(line, |(_, ours)| ours);
        let ours = ours.split(" > ").next().unwrap_or(ours).split(" && ").next().unwrap_or(ours);
        let (mut words, mut open) = (vec![String::new()], None);
        for c in ours.chars() {
            match (open, c) {
                (None, '\'' | '"') => open = Some(c),
                (Some(quote), c) if c == quote => open = None,
                (None, ' ') => words.push(String::new()),
                (_, c) => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    fn leaves(command: &Command, path: &str, all: &mut Vec<String>) {
        let below: Vec<_> =
            command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set()).collect();
        if below.is_empty() {
            all.push(path.to_owned());
        }
        for command in below {
            leaves(command, format!("{path} {}", command.get_name()).trim(), all);
        }
    }

    #[test]
    fn every_command_has_an_example_and_every_group_some() {
        let mut command = Arguments::command();
        command.build();
        let mut all = Vec::new();
        leaves(&command, "", &mut all);
        assert!(all.len() > 60, "{all:?}");
        let missing: Vec<_> = all.iter().filter(|leaf| !EXAMPLES.iter().any(|(path, ..)| path == leaf)).collect();
        assert!(missing.is_empty(), "no example of {missing:?}");
        let gone: Vec<_> = EXAMPLES.iter().filter(|(path, ..)| !all.iter().any(|leaf| leaf == path)).collect();
        assert!(gone.is_empty(), "no such command: {gone:?}");
        assert_eq!(of("secret").lines().count(), 5);
        assert_eq!(of(""), "");
    }

    #[test]
    fn every_example_is_of_its_command_and_is_understood() {
        for (path, example, _) in EXAMPLES {
            let words = words(example);
            assert_eq!(
                words[1..].join(" ").split(' ').take(path.split(' ').count()).collect::<Vec<_>>().join(" "),
                *path
            );
            if let Err(error) = Arguments::try_parse_from(&words) {
                panic!("{example}: {error}");
            }
        }
    }

    #[test]
    fn a_help_says_of_which_command_it_is() {
        for (line, expected) in [
            ("keytide secret get --help", "secret get"),
            ("keytide -q app key --help", "app key"),
            ("keytide --help", ""),
        ] {
            let help = Arguments::try_parse_from(line.split(' ')).err().unwrap().render().to_string();
            assert_eq!(path(&help), expected, "{line}");
        }
    }
}
