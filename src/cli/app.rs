//! `keytide app`: the clients of the API and what they sign in with.

use serde_json::{Value, json};

use super::args::{App, AppKey, Format};
use super::connection::{self, Connection};
use super::console::Console;
use super::error::Error;
use super::project::Project;
use crate::client::Method;
use crate::words::Timestamp;

/// Where applications are.
const APPLICATIONS: [&str; 2] = ["api", "applications"];

/// Makes, lists and removes applications and their keys.
pub(super) fn run(command: App, project: &Project, console: &Console) -> Result<(), Error> {
    let store = project.store_here()?;
    let connection = Connection::open(project, store.as_ref(), console)?;
    let done = perform(command, &connection, console);
    connection.close(console);
    done
}

fn perform(command: App, connection: &Connection, console: &Console) -> Result<(), Error> {
    match command {
        App::Create { name } => {
            connection.ask(Method::POST, &APPLICATIONS, &[], Some(&json!({"name": name})))?;
            show_key(&add_key(connection, &name)?, console);
            console
                .note(&format!("{name} may do nothing yet: grant it something with a [[grant]] to = \"app:{name}\""));
        }
        App::List => list(connection, console)?,
        App::Rm { name } => {
            connection.ask(Method::DELETE, &of(&name, &[]), &[], None)?;
            console.note(&format!("{name} is gone, and what it signed in is signed out"));
        }
        App::Key(AppKey::Add { name }) => show_key(&add_key(connection, &name)?, console),
        App::Key(AppKey::Rm { name, key }) => {
            connection.ask(Method::DELETE, &of(&name, &["accessKeys", &key]), &[], None)?;
            console.note(&format!("{key} is gone, and what it signed in is signed out"));
        }
        App::Key(AppKey::Disable { name, key }) => {
            let path = ["api", "keytide", "applications", &name, "keys", &key, "disable"];
            connection.ask(Method::POST, &path, &[], None)?;
            console.note(&format!("{key} is disabled, and what it signed in is signed out"));
        }
    }
    Ok(())
}

/// Returns the path of an application, and of what is below it.
fn of<'a>(name: &'a str, below: &[&'a str]) -> Vec<&'a str> {
    [&APPLICATIONS, &[name][..], below].concat()
}

fn add_key(connection: &Connection, name: &str) -> Result<Value, Error> {
    connection.ask(Method::POST, &of(name, &["accessKeys"]), &[], Some(&json!({})))
}

/// The one time that the secret is shown.
fn show_key(key: &Value, console: &Console) {
    match console.format {
        Format::Json => console.json(key),
        Format::Table => {
            console.data(&format!("CONDUCTOR_AUTH_KEY={}", key["id"].as_str().unwrap_or_default()));
            console.data(&format!("CONDUCTOR_AUTH_SECRET={}", key["secret"].as_str().unwrap_or_default()));
        }
    }
    console.note("the secret is shown this once: keytide keeps a hash of it only");
}

fn list(connection: &Connection, console: &Console) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut shown = Vec::new();
    for application in connection::list(connection.get(&APPLICATIONS, &[])?) {
        let name = application["name"].as_str().unwrap_or_default();
        let keys = connection::list(connection.get(&of(name, &["accessKeys"]), &[])?);
        rows.extend(keys.iter().map(|key| row(name, key)));
        if keys.is_empty() {
            rows.push(vec![name.to_owned(), "-".to_owned(), "no key".to_owned(), "-".to_owned()]);
        }
        shown.push(json!({"name": name, "keys": keys}));
    }
    match console.format {
        Format::Json => console.json(&shown.into()),
        Format::Table => console.table(&["APPLICATION", "KEY", "STATUS", "CREATED"], &rows),
    }
    Ok(())
}

fn row(name: &str, key: &Value) -> Vec<String> {
    let text = |field: &str| key[field].as_str().unwrap_or_default().to_lowercase();
    let created = Timestamp::from_millis(key["createdAt"].as_i64().unwrap_or_default());
    vec![name.to_owned(), text("id"), text("status"), created.to_string()]
}
