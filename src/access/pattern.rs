//! The patterns of grants: `*` within a name, `**` across folders.

/// Returns whether a name matches; `*` stands for any characters.
pub(super) fn name_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches(&pattern, &name, |c| *c == '*', |expected, c| expected == c)
}

/// Returns whether a path matches, folder by folder; `**` stands for any folders. A path that leaves the folder by `..` or
/// is not written plainly matches nothing.
pub(super) fn path_matches(glob: &str, path: &str) -> bool {
    let folders: Vec<&str> = path.split('/').collect();
    let is_plain = folders.iter().all(|name| !matches!(*name, "" | "." | ".."));
    let glob: Vec<&str> = glob.split('/').collect();
    is_plain && matches(&glob, &folders, |part| *part == "**", |part, name| name_matches(part, name))
}

/// Matches with one kind of wildcard, in time of the product of both lengths at most: on a mismatch the last wildcard takes
/// one more.
fn matches<P, T>(pattern: &[P], text: &[T], is_wild: fn(&P) -> bool, is_equal: fn(&P, &T) -> bool) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut last_wild = None;
    while seen < text.len() {
        if pattern.get(at).is_some_and(is_wild) {
            last_wild = Some((at, seen));
            at += 1;
        } else if pattern.get(at).is_some_and(|part| is_equal(part, &text[seen])) {
            at += 1;
            seen += 1;
        } else if let Some((wild, taken)) = last_wild {
            last_wild = Some((wild, taken + 1));
            at = wild + 1;
            seen = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(is_wild)
}
