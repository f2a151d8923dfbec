/// Returns the candidate that `name` was probably meant to be: the one with the fewest letters to change, if these are few.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    // Beyond a third of its letters a name is another name, not a slip.
    let limit = (wanted.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit * 4)
        .map(|candidate| (distance(&wanted, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns how many letters must be added, removed or changed (Levenshtein), letter case aside.
fn distance(wanted: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (line, letter) in candidate.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(wanted) {
            let change = diagonal + usize::from(letter != *other);
            diagonal = *cell;
            *cell = change.min(diagonal + 1).min(left + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_name_and_another_name_finds_nothing() {
        let names = ["timeout", "body_max", "proxy"];
        assert_eq!(nearest("timeuot", names), Some("timeout"));
        assert_eq!(nearest("Timeout", names), Some("timeout"));
        assert_eq!(nearest("bodymax", names), Some("body_max"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
    }
}
