//! Changes to headers of requests and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Changes to headers of requests and of answers.
///
/// Istio's [`Headers`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Headers {
    /// Changes before the request is sent on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<HeaderOperations>,
    /// Changes before the response is returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<HeaderOperations>,
}

/// Changes to headers: removed first, then set, then added.
///
/// Istio's [`HeaderOperations`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers-HeaderOperations).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HeaderOperations {
    /// Headers to overwrite, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeMap<String, String>>,
    /// Values to append to headers, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<BTreeMap<String, String>>,
    /// Headers to remove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<Vec<String>>,
}

impl HeaderOperations {
    /// Overwrites a header.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Appends a value to a header.
    #[must_use]
    pub fn add(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.add.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Takes a header away.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.remove.get_or_insert_default().push(name.into());
        self
    }
}
