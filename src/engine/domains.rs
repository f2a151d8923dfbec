//! In which domains a task may wait for its worker, as the start request says.

use std::collections::BTreeMap;

/// What stands for no domain in a list of domains.
const NO_DOMAIN: &str = "NO_DOMAIN";

/// Returns the domains for a type of task, the best first; the last one is for when no worker is in any. `None` is no domain.
pub(super) fn candidates(domains: &BTreeMap<String, String>, queue: &str) -> Vec<Option<String>> {
    let list = domains.get(queue).or_else(|| domains.get("*")).map_or("", String::as_str);
    let names: Vec<_> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_none = |name: &str| name.eq_ignore_ascii_case(NO_DOMAIN);
    let mut candidates: Vec<_> =
        names.iter().filter(|name| !is_none(name)).map(|name| Some((*name).to_owned())).collect();
    if names.last().is_none_or(|name| is_none(name)) {
        candidates.push(None);
    }
    candidates
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::candidates;

    fn check(domains: &[(&str, &str)], expect: &[Option<&str>]) {
        let domains: BTreeMap<_, _> = domains.iter().map(|(task, list)| ((*task).into(), (*list).into())).collect();
        let found = candidates(&domains, "work");
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expect, "{domains:?}");
    }

    #[test]
    fn a_list_names_fallbacks_and_a_star_means_every_task_without_its_own() {
        check(&[], &[None]);
        check(&[("other", "a")], &[None]);
        check(&[("work", "a")], &[Some("a")]);
        check(&[("work", "a, b")], &[Some("a"), Some("b")]);
        check(&[("work", "a,NO_DOMAIN")], &[Some("a"), None]);
        check(&[("work", "a,no_domain,b")], &[Some("a"), Some("b")]);
        check(&[("work", "NO_DOMAIN")], &[None]);
        check(&[("work", " ,")], &[None]);
        check(&[("*", "s,NO_DOMAIN")], &[Some("s"), None]);
        check(&[("*", "s"), ("work", "a")], &[Some("a")]);
    }
}
