//! `keytide config show`: every setting, its value and where it comes from.

use serde_json::json;

use super::args::Format;
use super::check;
use super::console::Console;
use super::project::Project;

/// Shows the settings in force.
pub(super) fn show(project: &Project, console: &Console) {
    let mut rows = project.settings.sources();
    // A value of `[environment]` or of the process environment may be one that the store keeps.
    let masker = check::masker(project.store().ok().as_ref());
    for row in &mut rows {
        row.value = masker.mask_text(&row.value).into_owned();
    }
    match console.format {
        Format::Json => {
            let row = |row: &crate::settings::Row| json!({"key": row.key, "value": row.value, "source": row.source});
            console.json(&rows.iter().map(row).collect());
        }
        Format::Table => {
            let rows: Vec<_> = rows.into_iter().map(|row| vec![row.key, row.value, row.source]).collect();
            console.table(&["KEY", "VALUE", "SOURCE"], &rows);
            console.note(&format!("project {}, state {}", project.root.display(), project.shown(&project.state)));
        }
    }
}
