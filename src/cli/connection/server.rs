//! The server that `--server` or `CONDUCTOR_SERVER_URL` names, and who we are to it.

use std::path::PathBuf;

use super::super::console::{Console, one_line};
use super::super::error::{Error, Kind};
use super::super::project::Project;
use crate::client::{self, Client, Login};
use crate::words::Sensitive;

/// How large a file with certificate authorities may be: those of all browsers have 250 KiB.
const CA_BYTES_MAX: u64 = 1 << 20;

/// Returns a client of a server; it signs in with its first call.
pub(in crate::cli) fn client_of(project: &Project, address: &str) -> Result<Client, Error> {
    let environment = &project.environment;
    let copy = |secret: &Sensitive| Sensitive::new(secret.expose());
    let login = match (&environment.conductor_token, &environment.conductor_key) {
        (Some(token), _) => Some(Login::Token(copy(token))),
        (None, Some((id, secret))) => Some(Login::Key(id.clone(), copy(secret))),
        (None, None) => None,
    };
    let read = |file: &PathBuf| {
        let read = project.disk.read(file, CA_BYTES_MAX);
        read.map_err(|error| Error::new(Kind::Usage, format!("cannot read {}: {error}", file.display())))
    };
    let authorities = project.ca.as_ref().map(read).transpose()?;
    let client = Client::of_server_with(address, login, authorities.as_deref());
    client.map_err(|error| Error::new(Kind::Usage, error))
}

/// Says where a command goes that nobody sent there by an option, and what everybody on the way can read.
pub(in crate::cli) fn tell(project: &Project, named: bool, console: &Console) {
    let Some(address) = &project.server else { return };
    if !named {
        console.note(&format!("at {} (CONDUCTOR_SERVER_URL)", one_line(address)));
    }
    let environment = &project.environment;
    let signs_in = environment.conductor_token.is_some() || environment.conductor_key.is_some();
    if signs_in && address.starts_with("http://") && !is_this_machine(address) {
        console.note("the key goes to the server in clear: use https where you can");
    }
}

/// Returns what a call that was not answered comes to.
pub(in crate::cli) fn unanswered(error: client::Error) -> Error {
    let is_refused = matches!(error, client::Error::Refused(..));
    let error = Error::new(Kind::Unreachable, error);
    if is_refused {
        return error.hint("CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET are an access key of an application there");
    }
    error
}

fn is_this_machine(address: &str) -> bool {
    let host = address.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_loopback_is_this_machine() {
        for here in ["http://localhost:8080/api", "http://127.0.0.1:1", "http://[::1]:8321", "http://localhost"] {
            assert!(is_this_machine(here), "{here}");
        }
        for there in
            ["http://127.evil.com:80", "http://localhost.evil.com", "http://example.com/127.0.0.1", "http://10.0.0.1:1"]
        {
            assert!(!is_this_machine(there), "{there}");
        }
    }
}
