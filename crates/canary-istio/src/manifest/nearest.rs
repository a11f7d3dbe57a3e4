//! The known name that is nearest to a misspelt one.

/// The known name that is nearest to `word`, if one is near enough to be meant.
///
/// ```
/// use canary_core::manifest::nearest;
///
/// assert_eq!(nearest("retry_on", &["retryOn", "timeout"]), Some("retryOn"));
/// assert_eq!(nearest("colour", &["retryOn", "timeout"]), None);
/// ```
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Names of this API are short, so a longer word is not a typing error.
    let letters: Vec<char> = word.chars().take(65).flat_map(char::to_lowercase).collect();
    if letters.len() > 64 {
        return None;
    }
    let limit = (letters.len() / 3).max(1);
    known
        .iter()
        .map(|name| {
            (
                distance(&letters, &simple(name))
                    .min(distance(&without_marks(&letters), &simple(name))),
                *name,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn simple(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// `retry_on` and `retry-on` mean `retryOn`.
fn without_marks(letters: &[char]) -> Vec<char> {
    letters.iter().copied().filter(|letter| !matches!(letter, '_' | '-')).collect()
}

/// The number of insertions, deletions, substitutions and swaps of neighbouring letters.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_of_the_keyboard_and_other_spellings() {
        let fields = ["destination", "weight", "headers", "retries", "perTryTimeout"];
        assert_eq!(nearest("wieght", &fields), Some("weight"));
        assert_eq!(nearest("destinations", &fields), Some("destination"));
        assert_eq!(nearest("per_try_timeout", &fields), Some("perTryTimeout"));
        assert_eq!(nearest("Headers", &fields), Some("headers"));
        assert_eq!(nearest("port", &fields), None);
        assert_eq!(nearest(&"x".repeat(1000), &fields), None);
        assert_eq!(nearest("", &fields), None);
    }
}
