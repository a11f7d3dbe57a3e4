//! The old version after a promotion: its `Deployment`, and the outcome.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cluster::ObjectRef;

/// The `Deployment` of the old version, as it was when the canary was promoted.
///
/// ```
/// use canary_core::{cluster::ObjectRef, rollout::OldVersion};
///
/// let deployment = ObjectRef::new("apps/v1", "Deployment", "models", "resnet50");
/// let old = OldVersion { deployment, uid: "7f3a".into(), template: "9c1e".into(), replicas: 3 };
/// assert!(old.is_same(&OldVersion { replicas: 5, ..old.clone() }));
/// assert!(!old.is_same(&OldVersion { template: "77b2".into(), ..old.clone() }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OldVersion {
    /// The `Deployment`.
    pub deployment: ObjectRef,
    /// Its uid: another object of the same name has another one.
    pub uid: String,
    /// A digest of its pod template: another model or image has another one.
    pub template: String,
    /// Its number of replicas.
    pub replicas: u64,
}

impl OldVersion {
    /// Returns `true` when both are the same object with the same pod template, with any number of replicas.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.deployment, &self.uid, &self.template)
            == (&other.deployment, &other.uid, &other.template)
    }
}

/// The end of the old version's `Deployment` after a promotion ([`Plan::scale_down_after`](crate::Plan)).
///
/// ```
/// use canary_core::rollout::ScaleDown;
///
/// let done = ScaleDown::Done { deployment: "Deployment models/resnet50".into(), replicas: 3 };
/// assert_eq!(done.to_string(), "Deployment models/resnet50 scaled from 3 to 0 replicas");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ScaleDown {
    /// It no longer has pods.
    Done {
        /// The `Deployment`, as `Deployment namespace/name`.
        deployment: String,
        /// The number of replicas that it had before: that number brings the old version back.
        replicas: u64,
    },
    /// It was left unchanged.
    Left {
        /// The reason, with the object that stands in the way.
        why: String,
    },
}

impl fmt::Display for ScaleDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { deployment, replicas } => {
                write!(f, "{deployment} scaled from {replicas} to 0 replicas")
            }
            Self::Left { why } => write!(f, "the old version is not scaled down: {why}"),
        }
    }
}
