//! The places of rules and matches in a route, as a reader finds them in its text.

/// The path of a rule: `spec.rules[1]`, or `spec` for the rule that the API server fills in.
pub(super) fn rule(written: bool, index: usize) -> String {
    if written { format!("spec.rules[{index}]") } else { "spec".to_owned() }
}

/// The path of a match, or of its rule when the match is not written.
pub(super) fn of_match(rule: &str, written: bool, index: usize) -> String {
    if written { format!("{rule}.matches[{index}]") } else { rule.to_owned() }
}
