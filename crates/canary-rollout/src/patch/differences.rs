//! The fields of an object that are not as they were last written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    gitops::GitOps,
    ownership::{Author, author},
};

/// One field that is not as it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The place, such as `spec.http[1].route[0].weight`.
    pub path: String,
    /// The value last written or seen there.
    pub expected: String,
    /// The value there now.
    pub found: String,
    /// The field manager that owns the field now, where the object records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
}

/// Every field that is not as it was last written.
///
/// ```
/// use canary_core::rollout::patch::{Author, Difference, Differences};
///
/// let weight = Difference {
///     path: "spec.http[0].route[1].weight".into(),
///     expected: "30".into(),
///     found: "50".into(),
///     by: Some(Author { manager: "kubectl-edit".into(), at: None }),
/// };
/// assert_eq!(
///     Differences(vec![weight]).to_string(),
///     "spec.http[0].route[1].weight: expected 30, found 50 (written by kubectl-edit)"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Differences(pub Vec<Difference>);

impl Differences {
    /// Returns `true` when everything is as it was last written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(
        &mut self,
        path: impl Into<String>,
        expected: &(impl ToString + ?Sized),
        found: &(impl ToString + ?Sized),
    ) {
        self.0.push(Difference {
            path: path.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            by: None,
        });
    }

    /// Names the manager of each field by the object's `metadata.managedFields`.
    pub(crate) fn signed(mut self, object: &Value) -> Self {
        for difference in &mut self.0 {
            difference.by = author(object, &difference.path);
        }
        self
    }

    /// The tool of [`GitOps`] that wrote one of the fields.
    ///
    /// ```
    /// use canary_core::rollout::patch::{Author, Difference, Differences, GitOps};
    ///
    /// let weight = Difference {
    ///     path: "spec.http[0].route[1].weight".into(),
    ///     expected: "30".into(),
    ///     found: "0".into(),
    ///     by: Some(Author { manager: "argocd-controller".into(), at: None }),
    /// };
    /// assert_eq!(Differences(vec![weight]).gitops(), Some(GitOps::ArgoCd));
    /// ```
    pub fn gitops(&self) -> Option<GitOps> {
        self.0.iter().find_map(|Difference { by, .. }| GitOps::of_manager(&by.as_ref()?.manager))
    }
}

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Difference { path, expected, found, by }) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{path}: expected {expected}, found {found}")?;
            if let Some(by) = by {
                write!(f, " (written by {by})")?;
            }
        }
        Ok(())
    }
}
