//! What somebody else changed: field by field, expected and found.

use serde::{Deserialize, Serialize};

/// One field that is not as it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The place, such as `spec.http[1].route[0].weight`.
    pub path: String,
    /// What was last written or seen there.
    pub expected: String,
    /// What is there now.
    pub found: String,
}

/// Every field that is not as it was last written.
///
/// ```
/// use canary_core::rollout::patch::{Difference, Differences};
///
/// let weight = Difference {
///     path: "spec.http[0].route[1].weight".into(),
///     expected: "30".into(),
///     found: "50".into(),
/// };
/// assert_eq!(
///     Differences(vec![weight]).to_string(),
///     "spec.http[0].route[1].weight: expected 30, found 50"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Differences(pub Vec<Difference>);

impl Differences {
    /// Whether everything is as it was last written.
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
        });
    }
}

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Difference { path, expected, found }) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{path}: expected {expected}, found {found}")?;
        }
        Ok(())
    }
}
