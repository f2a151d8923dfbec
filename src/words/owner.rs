use std::fmt;

use serde::{Deserialize, Serialize};

/// Who a run acts as: the owner of its definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A file of the folder, named by its path below the project (`workflows/github/rotate.yaml`).
    File(String),
    /// An application that created the definition over the API.
    App(String),
    /// Whoever can read the identity: the local command line and socket.
    Local,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{path}"),
            Self::App(name) => write!(f, "app:{name}"),
            Self::Local => f.write_str("owner"),
        }
    }
}
