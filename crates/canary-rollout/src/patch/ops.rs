//! A list of patch operations from which a [`Patch`] is made.

use json_patch::Patch;
use serde_json::{Value, json};

use crate::{Error, Result};

const ANNOTATIONS: &str = "/metadata/annotations";

/// Operations of one patch, in order.
#[derive(Default)]
pub(crate) struct Ops(Vec<Value>);

impl Ops {
    pub(crate) fn test(&mut self, path: impl AsRef<str>, value: &Value) {
        self.0.push(json!({"op": "test", "path": path.as_ref(), "value": value}));
    }

    /// Adds a member or replaces it; inserts into an array.
    pub(crate) fn add(&mut self, path: impl AsRef<str>, value: impl Into<Value>) {
        self.0.push(json!({"op": "add", "path": path.as_ref(), "value": value.into()}));
    }

    pub(crate) fn remove(&mut self, path: impl AsRef<str>) {
        self.0.push(json!({"op": "remove", "path": path.as_ref()}));
    }

    /// The object as the operations leave it.
    ///
    /// # Errors
    /// [`Error::Plan`] when they do not fit it.
    pub(crate) fn applied(&self, object: &Value) -> Result<Value> {
        let mut after = object.clone();
        let patch = Self(self.0.clone()).into_patch()?;
        json_patch::patch(&mut after, &patch)
            .map_err(|error| Error::Plan(format!("the patch does not fit the object: {error}")))?;
        Ok(after)
    }

    /// The number of operations.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Pins the version of the object that the patch was computed from.
    ///
    /// # Errors
    /// [`Error::Plan`] when the object has none, because then nothing could be pinned.
    pub(crate) fn pin_version(&mut self, object: &Value, what: &str) -> Result<()> {
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
    pub(crate) fn annotation(&mut self, object: &Value, key: &str, value: Option<&str>) {
        let path = format!("{ANNOTATIONS}/{}", escape(key));
        let annotations = object.pointer(ANNOTATIONS).filter(|found| found.is_object());
        match (annotations, value) {
            (None, Some(value)) => match self.added_annotations() {
                Some(added) => added[key] = value.into(),
                None => self.add(ANNOTATIONS, json!({ key: value })),
            },
            (Some(_), Some(value)) => self.add(path, value),
            (Some(annotations), None) if annotations.get(key).is_some() => self.remove(path),
            (_, None) => {}
        }
    }

    /// The annotations that an operation before adds to an object without any.
    fn added_annotations(&mut self) -> Option<&mut Value> {
        let mut all = self.0.iter_mut();
        all.find(|one| one["path"] == ANNOTATIONS).map(|one| &mut one["value"])
    }

    /// The patch.
    ///
    /// # Errors
    /// [`Error::Plan`] when an operation is not one of JSON Patch.
    pub(crate) fn into_patch(self) -> Result<Patch> {
        serde_json::from_value(Value::Array(self.0))
            .map_err(|error| Error::Plan(format!("the patch cannot be written: {error}")))
    }
}

/// A member's name as one token of a JSON Pointer (RFC 6901).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
