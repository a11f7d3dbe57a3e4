//! A list of patch operations from which a [`Patch`] is made.

use json_patch::Patch;
use serde_json::{Value, json};

use crate::{Error, Result};

/// Operations of one patch, in order.
#[derive(Default)]
pub(super) struct Ops(Vec<Value>);

impl Ops {
    pub(super) fn test(&mut self, path: impl AsRef<str>, value: &Value) {
        self.0.push(json!({"op": "test", "path": path.as_ref(), "value": value}));
    }

    /// Adds a member or replaces it; inserts into an array.
    pub(super) fn add(&mut self, path: impl AsRef<str>, value: impl Into<Value>) {
        self.0.push(json!({"op": "add", "path": path.as_ref(), "value": value.into()}));
    }

    pub(super) fn remove(&mut self, path: impl AsRef<str>) {
        self.0.push(json!({"op": "remove", "path": path.as_ref()}));
    }

    /// The number of operations.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Pins the version of the object that the patch was computed from.
    ///
    /// # Errors
    /// [`Error::Plan`] when the object has none, because then nothing could be pinned.
    pub(super) fn pin_version(&mut self, object: &Value, what: &str) -> Result<()> {
        let version = object
            .pointer("/metadata/resourceVersion")
            .filter(|version| version.is_string())
            .ok_or_else(|| {
                Error::Plan(format!(
                    "{what} has no metadata.resourceVersion; read it from the cluster before it is changed"
                ))
            })?;
        self.test("/metadata/resourceVersion", version);
        Ok(())
    }

    /// Sets or, with `None`, removes an annotation of `object`.
    pub(super) fn annotation(&mut self, object: &Value, key: &str, value: Option<&str>) {
        let path = format!("/metadata/annotations/{}", escape(key));
        let annotations = object.pointer("/metadata/annotations").filter(|found| found.is_object());
        match (annotations, value) {
            (None, Some(value)) => self.add("/metadata/annotations", json!({ key: value })),
            (Some(_), Some(value)) => self.add(path, value),
            (Some(annotations), None) if annotations.get(key).is_some() => self.remove(path),
            (_, None) => {}
        }
    }

    /// The patch.
    ///
    /// # Errors
    /// [`Error::Plan`] when an operation is not one of JSON Patch.
    pub(super) fn into_patch(self) -> Result<Patch> {
        serde_json::from_value(Value::Array(self.0))
            .map_err(|error| Error::Plan(format!("the patch cannot be written: {error}")))
    }
}

/// A member's name as one token of a JSON Pointer (RFC 6901).
pub(super) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
