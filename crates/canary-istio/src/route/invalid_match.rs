//! Faults of matches that cannot be compiled.

/// A match that cannot be compiled: the fault, its place and the remedy.
#[derive(Debug)]
pub(super) struct InvalidMatch {
    pub(super) code: &'static str,
    pub(super) field: String,
    pub(super) reason: String,
    pub(super) help: &'static str,
}

impl InvalidMatch {
    /// A regular expression that is not RE2.
    pub(super) fn expression(field: &str, reason: String) -> Self {
        let help = "write RE2 syntax, at most 1024 bytes";
        Self { code: "V014", field: format!("{field}.regex"), reason, help }
    }

    /// Istio writes a condition on a claim without a value as one without a pattern, which Envoy refuses.
    pub(super) fn claim(field: String) -> Self {
        Self {
            code: "C905",
            field,
            reason: "a condition on a claim has no value: Envoy refuses the routes".to_owned(),
            help: "give exact, prefix or regex; `regex: .*` takes any text",
        }
    }
}
