//! Words about the clients of the API.

use clap::Subcommand;

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum App {
    /// Make an application and its first key, whose secret is shown once
    Create {
        /// The application's name
        name: String,
    },
    /// List the applications and their keys
    List,
    /// Remove an application: it is signed out, and its grants are gone
    Rm {
        /// The application's name
        name: String,
    },
    /// Make, disable and remove keys
    #[command(subcommand)]
    Key(AppKey),
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum AppKey {
    /// Make one more key, whose secret is shown once
    Add {
        /// The application's name
        name: String,
    },
    /// Remove a key: what it signed in is signed out
    Rm {
        /// The application's name
        name: String,
        /// The key's id
        key: String,
    },
    /// Disable a key: what it signed in is signed out
    Disable {
        /// The application's name
        name: String,
        /// The key's id
        key: String,
    },
}
