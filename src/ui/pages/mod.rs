//! The pages, one file for each; what several of them show is in `parts/`.

mod overview;
mod problems;
mod secret;
mod secret_forms;
mod secrets;

use crate::ui::routes::Routes;

pub(super) fn routes() -> Routes {
    Routes::default()
        .merge(overview::routes())
        .merge(problems::routes())
        .merge(secrets::routes())
        .merge(secret::routes())
        .merge(secret_forms::routes())
}
