//! `keytide ui`: the way into the pages of the daemon that runs.

use serde_json::json;

use super::args::Format;
use super::connection;
use super::console::Console;
use super::error::Error;
use super::project::Project;

/// Prints an address that signs the owner in, once.
pub(super) fn run(project: &Project, console: &Console) -> Result<(), Error> {
    let address = connection::sign_in_address(project)?;
    match console.format {
        Format::Json => console.json(&json!({"url": address})),
        Format::Table => {
            console.data(&address);
            if address.contains('#') {
                console.note("it signs in once, and within ten minutes");
            }
        }
    }
    Ok(())
}
