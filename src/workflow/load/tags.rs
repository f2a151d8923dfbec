//! The tags that a file says of its definitions.

use std::collections::BTreeMap;

use crate::access::{TAGS_MAX, Tagged, tag_problem};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::Loaded;
use super::walk::shorten;

/// The tags that a file says of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsOf {
    /// What carries them.
    pub tagged: Tagged,
    /// Its name.
    pub name: String,
    /// The version of a workflow; 0 for the rest.
    pub version: i32,
    /// The tags, one value a key.
    pub tags: BTreeMap<String, String>,
}

/// Takes the tags that stand in a definition, whose shape was judged. A definition that says nothing of them has none that
/// would be its file's.
pub(super) fn read(loaded: &mut Loaded, node: &Node, tagged: Tagged, name: &str, version: i32) {
    let Some(list) = node.get("tags").filter(|list| matches!(list.value, Tree::List(_))) else { return };
    let (mut tags, mut is_wrong) = (BTreeMap::new(), false);
    for item in list.items() {
        let text = |field: &str| item.get(field).and_then(Node::text).unwrap_or_default();
        let (key, value) = (text("key"), text("value"));
        if let Some(problem) = tag_problem(key, value) {
            is_wrong = true;
            loaded.diagnostics.push(problem::error(&loaded.source, Some(item.head()), "E0207", problem));
        } else if text("type").eq_ignore_ascii_case("RATE_LIMIT") {
            let message = format!("the tag `{}` limits nothing here, and is left out", shorten(key));
            let help = "say the limit in `rateLimitConfig` of the workflow";
            loaded.diagnostics.push(problem::warning(&loaded.source, Some(item.head()), "W0204", message).help(help));
        } else if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = format!("the tag `{}` is there twice, and has one value: the last", shorten(key));
            let diagnostic = problem::warning(&loaded.source, Some(item.head()), "W0204", message);
            loaded.diagnostics.push(diagnostic.help("leave one of them out"));
        }
    }
    if tags.len() > TAGS_MAX {
        let message = format!("`{}` has {} tags, more than {TAGS_MAX}, the limit", shorten(name), tags.len());
        return loaded.diagnostics.push(problem::error(&loaded.source, Some(list.head()), "E0207", message));
    }
    if !is_wrong {
        loaded.tags.push(TagsOf { tagged, name: name.to_owned(), version, tags });
    }
}
