//! Numbers with the names of the things that they count.

/// A number with what it counts, which is given in the plural: `2 bad canary requests`, `1 bad canary request`.
pub(super) fn counted(count: u64, what: &str) -> String {
    if count != 1 {
        return format!("{count} {what}");
    }
    let words: Vec<&str> = what
        .split(' ')
        .map(|word| match word {
            "requests" | "pairs" | "values" | "inputs" | "duplicates" | "guardrails" | "scores"
            | "windows" | "observations" => word.trim_end_matches('s'),
            other => other,
        })
        .collect();
    format!("1 {}", words.join(" "))
}
