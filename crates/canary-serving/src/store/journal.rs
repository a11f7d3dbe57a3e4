//! The record of the files that a copy has completed, kept beside its target.
//!
//! In a bucket it also prevents concurrent copies. Every write names the version of the object that it replaces
//! (`If-None-Match`, `If-Match`, `x-goog-if-generation-match`), and each copy writes its own name into it: a copy whose
//! journal another one has written since cannot write it again, and stops.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use object_store::{Error as StoreError, ObjectStoreExt, PutMode, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{
    errors::{failed, refused, under_way},
    location::Opened,
};
use crate::{Error, Result};

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

/// The contents of a journal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) source: String,
    /// The copy that wrote it last.
    #[serde(default)]
    copy: String,
    /// True before the first file is written: the target may be the complete version of somebody else.
    #[serde(default)]
    pub(super) untouched: bool,
    pub(super) files: BTreeMap<String, Entry>,
}

/// The journal of one copy.
pub(super) struct Journal {
    base: Opened,
    at: Path,
    action: String,
    target: String,
    /// True when every write names the version that it replaces.
    conditional: bool,
    written: Mutex<(Record, Option<UpdateVersion>)>,
}

impl Journal {
    /// Writes this copy's name into the journal at a path, and returns the record of an earlier copy from the same
    /// source that began to write.
    ///
    /// # Errors
    /// [`Error::Store`] when a copy from another source is not complete, another copy writes at the same time, or the
    /// store cannot write conditionally.
    pub(super) async fn begin(
        base: &Opened,
        at: Path,
        (action, source, target): (&str, String, String),
        conditional: bool,
    ) -> Result<(Self, Option<Record>)> {
        let (earlier, version) = read(base, &at, action).await?.unzip();
        if let Some(Record { source: other, untouched, .. }) = &earlier
            && *other != source
            && !untouched
            && base.folder.is_none()
        {
            let reason = format!(
                "a copy from {other} was begun there and is not complete: it is under way or was interrupted; wait \
                 for it or run it again, or remove {target} and {at}"
            );
            return Err(refused(action, reason));
        }
        let earlier = earlier.filter(|record| record.source == source && !record.untouched);
        let files = earlier.as_ref().map_or_else(BTreeMap::new, |record| record.files.clone());
        let record = Record { source, copy: name(), untouched: earlier.is_none(), files };
        let journal = Self {
            base: base.clone(),
            at,
            action: action.to_owned(),
            target,
            conditional,
            written: Mutex::new((record, version)),
        };
        journal.update(|_| {}).await?;
        Ok((journal, earlier))
    }

    /// The entry of a file that is complete.
    pub(super) async fn entry(&self, path: &str) -> Option<Entry> {
        self.written.lock().await.0.files.get(path).cloned()
    }

    /// Changes the record and writes it.
    ///
    /// # Errors
    /// [`Error::Store`] when another copy has written the journal since.
    pub(super) async fn update(&self, change: impl FnOnce(&mut Record)) -> Result<()> {
        let mut written = self.written.lock().await;
        let (record, version) = &mut *written;
        change(record);
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        let mode = match (self.conditional, version.clone()) {
            (false, _) => PutMode::Overwrite,
            (true, None) => PutMode::Create,
            (true, Some(version)) => PutMode::Update(version),
        };
        match self.base.store.put_opts(&self.at, bytes.into(), mode.into()).await {
            Ok(put) => {
                *version = Some(UpdateVersion { e_tag: put.e_tag, version: put.version });
                Ok(())
            }
            Err(error) => Err(self.explain(error)),
        }
    }

    /// The error of a copy that failed: another copy may have removed a file that this one was reading back.
    pub(super) async fn explain_failure(&self, error: Error) -> Error {
        let own = &self.written.lock().await.0.copy;
        match read(&self.base, &self.at, &self.action).await {
            Ok(Some((record, _))) if self.conditional && record.copy != *own => self.replaced(),
            _ => error,
        }
    }

    /// Removes the journal of a copy that is complete.
    pub(super) async fn remove(&self) -> Result<()> {
        match self.base.store.delete(&self.at).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&self.action, error)),
        }
    }

    fn replaced(&self) -> Error {
        under_way(&self.action, &self.target, " and has written the journal since")
    }

    fn explain(&self, error: StoreError) -> Error {
        match error {
            StoreError::AlreadyExists { .. }
            | StoreError::Precondition { .. }
            | StoreError::NotFound { .. } => self.replaced(),
            StoreError::NotImplemented { .. } | StoreError::NotSupported { .. }
                if self.conditional =>
            {
                let reason = "the store cannot write conditionally, so two copies at once could not be kept apart; \
                              make sure that there is only one, and say so with CopyModel::without_lock";
                refused(&self.action, reason)
            }
            other => failed(&self.action, other),
        }
    }
}

/// The record in a journal, and the version of its object. A record that cannot be read counts as empty, and all files
/// are copied again.
async fn read(base: &Opened, at: &Path, action: &str) -> Result<Option<(Record, UpdateVersion)>> {
    let found = match base.store.get(at).await {
        Err(StoreError::NotFound { .. }) => return Ok(None),
        other => other.map_err(|error| failed(action, error))?,
    };
    let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
    let bytes = found.bytes().await.map_err(|error| failed(action, error))?;
    let record = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Some((record, UpdateVersion { e_tag, version })))
}

/// A unique name.
fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    format!("{host}-{}-{nanos:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
