//! What there is by its name: secrets, workflows, schedules, executions by their ids, pages and what can be done. The script
//! opens it over every page as a palette.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde::Deserialize;

use crate::access::TargetKind;
use crate::daemon::SummaryField;
use crate::journal::{self, Condition, Field};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::link;
use crate::ui::parts::view::text;
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::Permission;

/// How much is shown: who sees more types another letter.
const HITS_MAX: usize = 20;
/// How many executions are: an id that is typed so far is seldom the beginning of more.
const EXECUTIONS_MAX: u64 = 5;
/// From how many characters on something may be the beginning of an id: so many are shown of one.
const ID_BEGINS_WITH: usize = 8;
/// How many characters somebody looks for at most; a name is no longer.
const CHARACTERS_MAX: usize = 200;

/// What can be done that has a page of its own.
const ACTIONS: [(&str, &str); 3] =
    [("Add a secret", "/add-secret"), ("Define a workflow", "/edit-workflow"), ("Make a schedule", "/edit-schedule")];

pub(super) fn routes() -> Routes {
    Routes::default().page("/search", show)
}

/// What somebody looks for.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
}

/// Something that has a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit {
    kind: &'static str,
    name: String,
    path: String,
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Answer {
    let sought: String = wanted.q.trim().chars().take(CHARACTERS_MAX).collect();
    let hits = ranked(&sought.to_lowercase(), all(&house, &visitor, &sought).await?);
    let content = html! {
        div.head { h1 { "Search" } }
        form.line.narrow role="search" action="/search" {
            input type="search" name="q" value=(sought) maxlength=(CHARACTERS_MAX) aria-label="Name or id" autocomplete="off";
            button.primary { "Search" }
        }
        (found(&sought, &hits))
    };
    Ok(layout::page(&visitor, Place::Search, "Search", &content).into_response())
}

fn found(sought: &str, hits: &[Hit]) -> Markup {
    html! {
        div #found {
            @if hits.is_empty() { p.message { "Nothing that you may see has " code { (sought) } " in its name." } }
            ul.hits {
                @for hit in hits.iter().take(HITS_MAX) {
                    li { a href=(hit.path) { span { (hit.name) } " " span.none { (hit.kind) } } }
                }
            }
            @if hits.len() > HITS_MAX { p.hint { "These are the first " (HITS_MAX) " of " (hits.len()) "." } }
        }
    }
}

/// Returns what may be meant: pages and actions, and where somebody looks for something, what has a name.
async fn all(house: &House, visitor: &Visitor, sought: &str) -> Result<Vec<Hit>, Failure> {
    let mut hits: Vec<_> = Place::open_to(visitor).map(|(title, path)| hit("page", title, path.to_owned())).collect();
    hits.extend(ACTIONS.map(|(title, path)| hit("action", title, path.to_owned())));
    if sought.is_empty() {
        return Ok(hits);
    }
    let handle = &house.handle;
    let secrets = handle.secrets(&visitor.who, &[Permission::Read]).await?;
    hits.extend(secrets.iter().map(|secret| hit("secret", &secret.name, link::secret_path(&secret.name))));
    let catalog = handle.catalog();
    let workflows: BTreeSet<_> = catalog.workflows().map(|one| one.pinned.workflow.name.as_str()).collect();
    let may_read = |name: &&str| handle.rights(&visitor.who, TargetKind::Workflow, name).contains(&Permission::Read);
    let workflows = workflows.into_iter().filter(may_read);
    hits.extend(workflows.map(|name| hit("workflow", name, link::workflow_path(name))));
    let schedules = handle.schedules(&visitor.who).await?;
    let schedules = schedules.iter().map(|schedule| text(schedule, "name"));
    hits.extend(schedules.map(|name| hit("schedule", name, link::schedule_path(name))));
    if may_begin_an_id(sought) {
        let query = journal::Query::<SummaryField> {
            conditions: vec![Condition::Begins(Field::Id.into(), sought.to_lowercase())],
            size: EXECUTIONS_MAX,
            ..journal::Query::default()
        };
        let runs = handle.search(&visitor.who, query).await?;
        hits.extend(runs.rows.iter().map(|run| {
            let id = text(run, "workflowId");
            hit("execution", &format!("{id} {}", text(run, "workflowType")), link::execution_path(id))
        }));
    }
    Ok(hits)
}

fn hit(kind: &'static str, name: &str, path: String) -> Hit {
    Hit { kind, name: name.to_owned(), path }
}

fn may_begin_an_id(text: &str) -> bool {
    text.len() >= ID_BEGINS_WITH && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Returns what has every word that is looked for in its name or is of that kind, the nearest first: what is called so, what
/// begins so, then the others in the order in which they came.
fn ranked(sought: &str, hits: Vec<Hit>) -> Vec<Hit> {
    let words: Vec<&str> = sought.split_whitespace().collect();
    let mut found: Vec<_> = hits
        .into_iter()
        .filter_map(|hit| {
            let name = hit.name.to_lowercase();
            let has = |word: &&str| name.contains(word) || hit.kind == *word;
            let rank = if name == sought { 0 } else { 2 - u8::from(name.starts_with(sought)) };
            words.iter().all(has).then_some((rank, hit))
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, hit)| hit).collect()
}

#[cfg(test)]
mod tests {
    use super::{Hit, hit, may_begin_an_id, ranked};

    fn found(sought: &str) -> Vec<String> {
        let hits = [("secret", "my_GitHub"), ("secret", "github_token"), ("workflow", "github"), ("page", "Secrets")];
        let hits: Vec<Hit> = hits.into_iter().map(|(kind, name)| hit(kind, name, String::new())).collect();
        ranked(sought, hits).into_iter().map(|hit| hit.name).collect()
    }

    #[test]
    fn the_nearest_name_comes_first() {
        assert_eq!(found("github"), ["github", "github_token", "my_GitHub"]);
        assert_eq!(found("token github"), ["github_token"]);
        assert_eq!(found("secret github"), ["my_GitHub", "github_token"]);
        assert_eq!(found("").len(), 4);
        assert_eq!(found("none"), Vec::<String>::new());
    }

    #[test]
    fn an_id_is_looked_for_once_it_may_be_one() {
        assert!(may_begin_an_id("0199AAAA") && may_begin_an_id("0199aaaa-00"));
        assert!(!may_begin_an_id("0199aaa") && !may_begin_an_id("github_token"));
    }
}
