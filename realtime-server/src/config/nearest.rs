/// The one of `known` for which `word` is a slip of the fingers, if there is one.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |known: &str| (word.chars().count().max(known.chars().count()) / 4).max(1);
    let distances = known.into_iter().map(|known| (distance(word, known, slips(known)), known));
    let (distance, nearest) = distances.min()?;
    (distance <= slips(nearest)).then_some(nearest)
}

/// How many letters must be put in, left out, exchanged with their neighbour or replaced to make one of the other
/// (optimal string alignment); more than `limit` if the lengths alone say so.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_finds_what_was_meant() {
        let known = ["listen", "threads", "secret", "secret_file", "allowed_origins"];
        for (word, expected) in [
            ("lisen", Some("listen")),
            ("lsiten", Some("listen")),
            ("Listen", Some("listen")),
            ("secert", Some("secret")),
            ("secret_flie", Some("secret_file")),
            ("allowed-origin", Some("allowed_origins")),
            ("threads", Some("threads")),
            ("", None),
            ("port", None),
            ("silent", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word:?}");
        }
    }
}
