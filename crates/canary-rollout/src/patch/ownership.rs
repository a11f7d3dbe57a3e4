//! The owners of fields in `metadata.managedFields`: the last writer of a field, and the release of a run's own fields.
//!
//! A write that is not a server-side apply takes the fields that it changes from their owners, and Istio's lists (the
//! routes, the subsets) have one owner each, as a whole. A later server-side apply by another manager would conflict
//! with it. Source: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.

use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{annotations::STATE_ANNOTATION, gitops::GitOps, ops::Ops};
use crate::{
    Result,
    json::{list, text},
};

/// The field manager that owns a changed field.
///
/// ```
/// use canary_core::rollout::patch::Author;
///
/// let author = Author { manager: "argocd-controller".into(), at: Some("2026-11-30T09:00:00Z".into()) };
/// assert_eq!(author.to_string(), "argocd-controller (Argo CD) at 2026-11-30T09:00:00Z");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name of the field manager.
    pub manager: String,
    /// The time of its last write of the object, in the format of RFC 3339, where the server records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.manager)?;
        if let Some(tool) = GitOps::of_manager(&self.manager) {
            write!(f, " ({tool})")?;
        }
        match &self.at {
            Some(at) => write!(f, " at {at}"),
            None => Ok(()),
        }
    }
}

/// The manager that wrote the field at a [`Difference`](super::Difference)'s path last. The run's own entry, which owns
/// the annotation of its state, is not considered. `None` where the object records no owner.
pub(super) fn author(object: &Value, path: &str) -> Option<Author> {
    // A path in a `DestinationRule` begins with the object's name.
    let path = path.rsplit(' ').next().unwrap_or_default();
    let (names, key) = path.split_once('[').map_or((path, None), |(names, key)| {
        (names, key.strip_suffix(']').filter(|_| names == "metadata.annotations"))
    });
    let names: Vec<String> =
        names.split('.').take(2).chain(key).map(|name| format!("f:{name}")).collect();
    let owns = |entry: &&Value| {
        let owned = names.iter().try_fold(&entry["fieldsV1"], |level, name| level.get(name));
        owned.is_some() && (key.is_some() || !owns_state(entry))
    };
    // The times have one format and one zone, so their order is that of the texts.
    let entry = list(object, "/metadata/managedFields")
        .iter()
        .filter(owns)
        .max_by_key(|entry| text(entry, "/time"))?;
    let at = Some(text(entry, "/time").to_owned()).filter(|at| !at.is_empty());
    Some(Author { manager: text(entry, "/manager").to_owned(), at })
}

/// The manager whose entry owns the annotation of the rollout's state: the driver's, under whichever name it writes.
pub(crate) fn state_manager(virtual_service: &Value) -> Option<&str> {
    let entry = list(virtual_service, "/metadata/managedFields")
        .iter()
        .find(|entry| entry["operation"] == "Update" && owns_state(entry))?;
    entry.get("manager")?.as_str()
}

fn owns_state(entry: &Value) -> bool {
    entry
        .pointer("/fieldsV1/f:metadata/f:annotations")
        .is_some_and(|owned| owned.get(format!("f:{STATE_ANNOTATION}")).is_some())
}

/// The patch that gives up the fields of the spec, or of a `ConfigMap`'s data, that `manager` owns by updates; `None` when it owns none. Their values
/// stay, without an owner until somebody applies them. What it owns by a server-side apply of its own stays too, and
/// so do annotations.
///
/// # Errors
/// [`crate::Error::Plan`] when the object has no resourceVersion to pin.
pub(crate) fn give_up_spec(object: &Value, what: &str, manager: &str) -> Result<Option<Patch>> {
    let entries = list(object, "/metadata/managedFields");
    let mut left = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut entry = entry.clone();
        if entry["manager"] == manager && entry["operation"] == "Update" {
            if let Some(owned) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) {
                owned.remove("f:spec");
                owned.remove("f:data");
            }
            if entry["fieldsV1"] == json!({}) {
                continue;
            }
        }
        left.push(entry);
    }
    // The server takes an empty list for no change at all.
    if left.is_empty() || left == entries {
        return Ok(None);
    }
    let mut ops = Ops::default();
    ops.pin_version(object, what)?;
    ops.add("/metadata/managedFields", left);
    ops.into_patch().map(Some)
}
