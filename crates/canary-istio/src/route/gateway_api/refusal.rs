//! Reasons for which Istio leaves a route out.

/// The reason why a whole route is not in force, with the field that causes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The field, such as `spec.rules[0].filters[1]`.
    pub(super) path: String,
    /// The reason, without a subject: `filters of type ExtensionRef are not supported`.
    pub(super) reason: String,
}

impl Refusal {
    pub(super) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}
