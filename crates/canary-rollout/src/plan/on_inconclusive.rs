//! The weights after a release that ended without a decision.

use serde::{Deserialize, Serialize};

/// The weights after a verdict of Inconclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnInconclusive {
    /// They stay as they were last written, and a person decides.
    #[default]
    Keep,
    /// Everything goes back to the stable subset.
    Rollback,
}
