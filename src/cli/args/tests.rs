use clap::Parser;
use clap::error::ErrorKind;

use super::{Arguments, Command, Secret};

fn read(line: &str) -> Result<Command, ErrorKind> {
    let words = ["keytide"].into_iter().chain(line.split(' '));
    Arguments::try_parse_from(words).map(|arguments| arguments.command).map_err(|error| error.kind())
}

#[test]
fn the_words_of_conductors_command_line_are_known() {
    let lines = [
        "workflow list",
        "workflow get_all",
        "workflow get flow",
        "workflow get flow 2",
        "workflow create flow.json",
        "workflow create flow.json --force",
        "workflow update flow.json",
        "workflow delete flow 1",
        "workflow start -w flow",
        "workflow start --workflow flow --version 2 --correlation c -i {}",
        "workflow start -w flow -f input.json --sync -u task",
        "workflow start -w flow -p a=1 -p b=2",
        "workflow status ID",
        "workflow get-execution ID",
        "workflow get_execution ID",
        "workflow search -w flow -s FAILED -c 5",
        "workflow pause ID",
        "workflow resume ID",
        "workflow terminate ID",
        "workflow restart ID --use-latest",
        "workflow retry ID",
        "workflow rerun ID --task-id TASK",
        "workflow skip-task ID task",
        "workflow skip_task ID task",
        "workflow delete-execution ID",
        "task list",
        "task get_all",
        "task get work",
        "task create work.json",
        "task update work.json",
        "task delete work",
        "task poll work --count 2 --worker-id me --domain here",
        "task update-execution --workflow-id ID --task-ref-name work --status COMPLETED",
        "task signal --workflow-id ID --status COMPLETED",
        "schedule list",
        "schedule get nightly",
        "schedule create -n nightly -c EXPRESSION -w flow -i {}",
        "schedule update -n nightly -c EXPRESSION -w flow -p a=1",
        "schedule delete nightly",
        "schedule pause nightly",
        "schedule resume nightly",
        "schedule search -w flow",
        "secret list",
        "secret list --with-tags",
        "secret get key --show-value",
        "secret put key",
        "secret exists key",
        "secret delete key",
        "secret tag-list key",
        "secret tag-add key --tag team:build --tag by:hand",
        "secret tag-delete key --tag team:build",
    ];
    for line in lines {
        assert!(read(line).is_ok(), "{line}: {:?}", read(line).err());
        // With one word more or an option that nobody has it would not be, so the table says something.
        assert_eq!(read(&format!("{line} --no-such-option")).err(), Some(ErrorKind::UnknownArgument), "{line}");
    }
}

#[test]
fn tags_that_are_added_are_named() {
    assert_eq!(read("secret tag-add key").err(), Some(ErrorKind::MissingRequiredArgument));
    let Ok(Command::Secret(Secret::TagAdd { name, tags })) = read("secret tag-add key --tag a:b --tag c:d") else {
        panic!("they are read as something else");
    };
    assert_eq!((name.as_str(), tags), ("key", vec!["a:b".to_owned(), "c:d".to_owned()]));
}
