use std::collections::BTreeMap;

use crate::access::{FiledTags, Tagged};
use crate::words::Owner;
use crate::workflow::load::TagsOf;

use super::file::File;
use super::served::Served;

/// Returns the tags that files say of what is served of them. Of a workflow in several versions, the highest one that says
/// any says them for all.
pub(super) fn of(files: &BTreeMap<String, File>, served: &Served) -> FiledTags {
    let mut found = BTreeMap::<(Tagged, String), (i32, &str, &TagsOf)>::new();
    for (file, good) in files.iter().filter_map(|(name, file)| Some((name, file.good.as_deref()?))) {
        let is_served = |one: &&TagsOf| served.owner(one).is_some_and(|owner| *owner == Owner::File(file.clone()));
        for one in good.tags.iter().filter(is_served) {
            let place = found.entry((one.tagged, one.name.clone())).or_insert((one.version, file, one));
            if place.0 < one.version {
                *place = (one.version, file, one);
            }
        }
    }
    let mut filed = FiledTags::default();
    for ((tagged, name), (_, file, one)) in found {
        filed.set(tagged, name, file.to_owned(), one.tags.clone());
    }
    filed
}
