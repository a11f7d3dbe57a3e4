//! What of a copy is complete, kept beside its target.

use std::collections::BTreeMap;

use object_store::{ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use super::location::{Opened, failed};
use crate::Result;

/// A file that was copied whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The source's size and tag when it was read.
    pub(super) size: u64,
    pub(super) tag: String,
    /// The target's tag when it was written.
    pub(super) target: String,
    /// SHA-256 in hexadecimal.
    pub(super) sha256: String,
}

/// A copy that was begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) source: String,
    pub(super) files: BTreeMap<String, Entry>,
}

impl Journal {
    /// The journal at a path; `None` when there is none. One that cannot be read is as good as none.
    pub(super) async fn read(opened: &Opened, at: &Path, action: &str) -> Result<Option<Self>> {
        let got = match opened.store.get(at).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            other => other.map_err(|error| failed(action, error))?,
        };
        let bytes = got.bytes().await.map_err(|error| failed(action, error))?;
        Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    pub(super) async fn write(&self, opened: &Opened, at: &Path, action: &str) -> Result<()> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let put = opened.store.put(at, bytes.into()).await;
        put.map(drop).map_err(|error| failed(action, error))
    }
}
