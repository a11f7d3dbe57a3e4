//! Changes to headers.

use serde::{Deserialize, Serialize};

/// Changes to headers: removed first, then set, then added, whatever the order of the fields.
///
/// The Gateway API's [`HTTPHeaderFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderModifier {
    /// Headers to overwrite, 16 at most, with different names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Vec<HttpHeader>>,
    /// Values to append to headers, 16 at most, with different names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<Vec<HttpHeader>>,
    /// Names of headers to remove, 16 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<Vec<String>>,
}

/// A header.
///
/// The Gateway API's [`HTTPHeader`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheader).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpHeader {
    /// The name, in any case of letters. Required.
    pub name: String,
    /// The value, 1 to 4096 bytes. Required.
    pub value: String,
}

impl HttpHeader {
    /// The header of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl HeaderModifier {
    /// Overwrites a header.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.get_or_insert_default().push(HttpHeader::new(name, value));
        self
    }

    /// Appends a value to a header.
    #[must_use]
    pub fn add(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.add.get_or_insert_default().push(HttpHeader::new(name, value));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.remove.get_or_insert_default().push(name.into());
        self
    }
}
