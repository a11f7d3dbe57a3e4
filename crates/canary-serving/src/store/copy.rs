//! A copy from one place to another: its steps and their order.

use std::{
    collections::BTreeMap,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};
use serde::Serialize;
use tracing::Instrument;

use super::{
    Location,
    errors::{broken, failed, refused},
    journal::{Entry, Journal, Record},
    listing::{File, is_last, list},
    location::Opened,
    lock::FileLock,
    progress::{Listener, Meter, Phase, Progress},
    saved_model, transfer,
};
use crate::{Error, Result};

/// A copy of a SavedModel; see [the module](super) for what it guarantees.
#[derive(Clone)]
pub struct CopyModel {
    from: Location,
    to: Location,
    concurrency: usize,
    read_back: bool,
    /// True when concurrent copies to one version are prevented.
    lock: bool,
    listener: Option<Listener>,
}

impl std::fmt::Debug for CopyModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyModel")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// A copy that is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Copied {
    /// Where it was copied from.
    pub from: String,
    /// Where it was copied to.
    pub to: String,
    /// The version number in TensorFlow Serving.
    pub version: i64,
    /// The files, in the order of their paths.
    pub files: Vec<CopiedFile>,
    /// Their bytes, together.
    pub bytes: u64,
    /// True when the target was complete and equal before, so that nothing was written.
    pub already_there: bool,
}

/// A file of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopiedFile {
    /// Its path in the model.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// True when it was complete already, from a copy that was interrupted.
    pub resumed: bool,
}

impl CopyModel {
    /// A copy of the version in `from` to the version `to`, whose last part is its number.
    pub fn new(from: Location, to: Location) -> Self {
        Self { from, to, concurrency: 4, read_back: true, lock: true, listener: None }
    }

    /// Sets how many files are copied at once; 4 by default, at least 1. Each takes up to 24 MiB of memory.
    #[must_use]
    pub fn concurrency(mut self, files: usize) -> Self {
        self.concurrency = files.max(1);
        self
    }

    /// Does not read back what was written. For a bucket that is far away it halves the traffic; the store's own
    /// checks of an upload remain.
    #[must_use]
    pub fn without_read_back(mut self) -> Self {
        self.read_back = false;
        self
    }

    /// Does not prevent concurrent copies, for a store that cannot write conditionally. The caller makes sure that
    /// nobody else copies to the same version at the same time.
    #[must_use]
    pub fn without_lock(mut self) -> Self {
        self.lock = false;
        self
    }

    /// Calls `listener` with the progress, from several tasks at once.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Copies. Dropping the future stops it where it is; the same call continues from there.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no source; [`Error::Store`] when it is not a SavedModel, the target exists and
    /// differs, another copy to it is under way, a checksum is wrong, or a store fails.
    pub async fn run(self) -> Result<Copied> {
        let span = tracing::debug_span!("copy", from = %self.from, to = %self.to);
        let copy = async {
            let outcome = self.run_now().await;
            match &outcome {
                Ok(Copied { files, bytes, already_there, .. }) => {
                    tracing::info!(files = files.len(), bytes, already_there, "model copied");
                }
                Err(error) => tracing::warn!(%error, "model not copied"),
            }
            outcome
        };
        copy.instrument(span).await
    }

    async fn run_now(self) -> Result<Copied> {
        let action = format!("copying the model {} to {}", self.from, self.to);
        let source = self.from.open()?;
        let files = list(&source, &source.prefix, &action).await?;
        if files.is_empty() {
            return Err(Error::NotFound {
                object: format!("the model {}", self.from),
                help: "nothing is there; name the folder of one version".to_owned(),
            });
        }
        saved_model::check(&source, &files, &action).await?;
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        tracing::info!(files = files.len(), bytes, "model copy began");
        let (base, version) = self.to.open_parent()?;
        let at = |name: String| base.prefix.clone().join(name);
        let target = at(version.to_string());
        let (staging, _lock) = match &base.folder {
            None => (target.clone(), None),
            Some(folder) => {
                let path = folder.join(format!(".canary-{version}.lock"));
                let lock =
                    self.lock.then(|| FileLock::acquire(path, &self.to.to_string(), &action));
                (at(format!(".canary-{version}")), lock.transpose()?)
            }
        };
        let conditional = self.lock && base.folder.is_none();
        let places = (&*action, self.from.to_string(), self.to.to_string());
        let journal_at = at(format!(".canary-{version}.json"));
        let (journal, earlier) = Journal::begin(&base, journal_at, places, conditional).await?;
        let job = Job {
            meter: Meter::new(self.listener.clone(), &files),
            journal,
            source,
            base,
            staging,
            target,
            version,
            files,
            action,
            settings: self,
        };
        match job.run(earlier).await {
            Ok(copied) => Ok(copied),
            Err(error) => Err(job.journal.explain_failure(error).await),
        }
    }
}

struct Job {
    settings: CopyModel,
    source: Opened,
    /// The folder around the target, and where in it.
    base: Opened,
    target: Path,
    /// Where files are written: the target itself in a bucket.
    staging: Path,
    version: i64,
    files: Vec<File>,
    journal: Journal,
    meter: Meter,
    action: String,
}

impl Job {
    async fn run(&self, earlier: Option<Record>) -> Result<Copied> {
        let present = list(&self.base, &self.target, &self.action).await?;
        let begun = self.base.folder.is_none() && earlier.is_some();
        if !present.is_empty() && !begun {
            let compared = self.compare(&present).await;
            self.journal.remove().await?;
            return compared;
        }
        self.adopt(earlier.unwrap_or_default()).await?;
        let (last, first): (Vec<&File>, Vec<&File>) =
            self.files.iter().partition(|file| is_last(&file.path));
        let mut copied = self.copy_all(first).await?;
        // With the last file the version can be loaded, so no other copy may have begun to write it.
        self.journal.update(|_| {}).await?;
        copied.extend(self.copy_all(last).await?);
        copied.sort_by(|one, other| one.path.cmp(&other.path));
        self.publish().await?;
        self.journal.remove().await?;
        Ok(self.report(copied, false))
    }

    fn report(&self, files: Vec<CopiedFile>, already_there: bool) -> Copied {
        Copied {
            from: self.settings.from.to_string(),
            to: self.settings.to.to_string(),
            version: self.version,
            bytes: files.iter().map(|file| file.bytes).sum(),
            files,
            already_there,
        }
    }

    /// Compares a target that exists with the source; it is not changed.
    async fn compare(&self, present: &[File]) -> Result<Copied> {
        let names = |files: &[File]| -> Vec<(String, u64)> {
            files.iter().map(|file| (file.path.clone(), file.size)).collect()
        };
        let differs = |what: &str| {
            let to = &self.settings.to;
            let reason = format!(
                "{to} already exists and {what}; nothing was written. A server may have it loaded: copy to another version"
            );
            refused(&self.action, reason)
        };
        if names(present) != names(&self.files) {
            return Err(differs("has other files"));
        }
        let mut copied = Vec::with_capacity(present.len());
        for (own, other) in self.files.iter().zip(present) {
            let sha256 = self.hash(&self.source, &own.at).await?;
            if self.hash(&self.base, &other.at).await? != sha256 {
                return Err(differs(&format!("differs in {}", own.path)));
            }
            self.meter.tell(&own.path, Phase::Complete, own.size);
            let path = own.path.clone();
            copied.push(CopiedFile { path, bytes: own.size, sha256, resumed: true });
        }
        Ok(self.report(copied, true))
    }

    /// Keeps the files of an earlier copy that are complete and still equal to the source's, and removes the others.
    async fn adopt(&self, earlier: Record) -> Result<()> {
        let mut kept = BTreeMap::new();
        let left = list(&self.base, &self.staging, &self.action).await?;
        for file in &left {
            let entry = earlier.files.get(&file.path);
            let own = self.files.iter().find(|own| own.path == file.path);
            if let (Some(entry), Some(own)) = (entry, own)
                && (entry.size, &entry.tag) == (own.size, &own.tag)
                && (entry.size, &entry.target) == (file.size, &file.tag)
            {
                kept.insert(file.path.clone(), entry.clone());
            }
        }
        if kept.len() < self.files.len() {
            kept.retain(|path, _| !is_last(path));
        }
        let write = |record: &mut Record| {
            record.untouched = false;
            record.files.clone_from(&kept);
        };
        self.journal.update(write).await?;
        // The others are cut off, or of a source that has changed. `saved_model.pb` is removed first, so that nothing
        // can be loaded until it is written again.
        let (last, first): (Vec<&File>, Vec<&File>) = left
            .iter()
            .filter(|file| !kept.contains_key(&file.path))
            .partition(|file| is_last(&file.path));
        for file in last.into_iter().chain(first) {
            let removed = self.base.store.delete(&file.at).await;
            removed.map_err(|error| failed(&self.action, error))?;
        }
        Ok(())
    }

    async fn copy_all(&self, files: Vec<&File>) -> Result<Vec<CopiedFile>> {
        let copies: Vec<_> = files.into_iter().map(|file| self.copy(file).boxed()).collect();
        stream::iter(copies).buffer_unordered(self.settings.concurrency).try_collect().await
    }

    async fn copy(&self, file: &File) -> Result<CopiedFile> {
        let copied = |sha256: &str, resumed| CopiedFile {
            path: file.path.clone(),
            bytes: file.size,
            sha256: sha256.to_owned(),
            resumed,
        };
        if let Some(entry) = self.journal.entry(&file.path).await {
            self.meter.tell(&file.path, Phase::Complete, file.size);
            tracing::debug!(path = file.path, bytes = file.size, resumed = true, "file copied");
            return Ok(copied(&entry.sha256, true));
        }
        let at = file.path.split('/').fold(self.staging.clone(), Path::join);
        let (from, to) = (&*self.source.store, &*self.base.store);
        let progress = |bytes| self.meter.tell(&file.path, Phase::Copying, bytes);
        let read = transfer::copy(from, file, to, &at, progress).await;
        let sha256 = read.map_err(|error| failed(&self.action, error))?;
        if self.settings.read_back {
            self.meter.tell(&file.path, Phase::ReadingBack, 0);
            let written = self.hash(&self.base, &at).await?;
            if written != sha256 {
                // Remove a damaged file, so that it is not taken for a part of the model.
                let _ = to.delete(&at).await;
                return Err(Error::Store {
                    action: self.action.clone(),
                    reason: format!(
                        "{} was read with SHA-256 {sha256}, and what was written has {written}; it was removed, copy again",
                        file.path
                    ),
                    retryable: true,
                    source: None,
                });
            }
        }
        let written = to.head(&at).await.map_err(|error| failed(&self.action, error))?;
        let entry = Entry {
            size: file.size,
            tag: file.tag.clone(),
            target: File::new(file.path.clone(), written).tag,
            sha256: sha256.clone(),
        };
        let path = file.path.clone();
        self.journal.update(|record| drop(record.files.insert(path, entry))).await?;
        self.meter.tell(&file.path, Phase::Complete, 0);
        tracing::debug!(path = file.path, bytes = file.size, resumed = false, "file copied");
        Ok(copied(&sha256, false))
    }

    async fn hash(&self, opened: &Opened, at: &Path) -> Result<String> {
        let hashed = transfer::sha256(&*opened.store, at).await;
        hashed.map_err(|error| failed(&self.action, error))
    }

    /// Makes a folder that is complete the version, in one step. In a bucket the last file has done that.
    async fn publish(&self) -> Result<()> {
        let Some(folder) = self.base.folder.clone() else { return Ok(()) };
        let staging = folder.join(format!(".canary-{}", self.version));
        let target = folder.join(self.version.to_string());
        let done = tokio::task::spawn_blocking(move || {
            sync(&staging)?;
            // An empty folder may exist there; one with files makes this fail, and stays.
            std::fs::rename(&staging, &target)?;
            sync_one(&folder)
        });
        let done = done.await.map_err(std::io::Error::other).and_then(|done| done);
        done.map_err(|cause| broken(&self.action, "cannot put the version in its place", cause))
    }
}

/// Waits until everything in a folder is on disk.
fn sync(folder: &FilePath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() { sync(&path)? } else { sync_one(&path)? }
    }
    sync_one(folder)
}

fn sync_one(path: &FilePath) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}
