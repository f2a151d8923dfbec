use std::fmt;

use serde::{Deserialize, Serialize};

/// Who a run acts as: the owner of its definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A file of the folder, named by its path below the project (`workflows/github/rotate.yaml`).
    File(String),
    /// An application that created the definition over the API.
    App(App),
    /// Whoever can read the identity: the local command line and socket.
    Local,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{path}"),
            Self::App(app) => write!(f, "app:{}", app.name),
            Self::Local => f.write_str("owner"),
        }
    }
}

/// An application as an owner: its name, which people see, and the id that no other application ever has.
///
/// Its text is `NAME#ID`; of one that was made before there were ids it is the name alone, as it was written then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct App {
    /// Its name; another one may get it when this one is gone.
    pub name: String,
    /// Its id; empty where there was none yet.
    pub id: String,
}

impl App {
    /// Stands between name and id: no name of an application holds it.
    const MARK: char = '#';

    /// Returns the application that a text means.
    pub fn parse(text: &str) -> Self {
        let (name, id) = text.split_once(Self::MARK).unwrap_or((text, ""));
        Self { name: name.to_owned(), id: id.to_owned() }
    }

    /// Returns the owner of what came as data: nobody, so that no grant is its. No application can have this name.
    pub const fn nobody() -> Self {
        Self { name: String::new(), id: String::new() }
    }

    /// Returns whether it is [`App::nobody`].
    pub fn is_nobody(&self) -> bool {
        self.name.is_empty()
    }
}

impl From<String> for App {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<App> for String {
    fn from(it: App) -> Self {
        let App { name, id } = it;
        if id.is_empty() { name } else { format!("{name}{}{id}", App::MARK) }
    }
}

#[cfg(test)]
mod tests {
    use super::{App, Owner};

    #[test]
    fn an_owner_reads_back_as_itself_and_shows_its_name() {
        for text in [r#"{"app":"ci"}"#, r#"{"app":"ci#0a1b"}"#, r#"{"app":""}"#, r#"{"file":"a#b.yaml"}"#, r#""local""#]
        {
            let owner: Owner = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&owner).unwrap(), text, "hashes of definitions are made of it");
        }
        assert_eq!(Owner::App(App::parse("ci#0a1b")).to_string(), "app:ci");
        assert_ne!(App::parse("ci#0a1b"), App::parse("ci#0a1c"));
        assert_ne!(App::parse("ci#0a1b"), App::parse("ci"), "one from before there were ids");
    }
}
