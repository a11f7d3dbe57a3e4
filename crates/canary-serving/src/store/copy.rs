//! A copy from one place to another: what is to be done, and in which order.

use std::{
    path::{Path as FilePath, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};
use serde::Serialize;
use tokio::sync::Mutex;

use super::{
    Location,
    journal::{Entry, Journal},
    listing::{File, is_last, list},
    location::{Opened, broken, failed},
    lock::{self, Lock},
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
    /// How long the lock lasts without being renewed; none is taken without.
    lock: Option<Duration>,
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
    /// The version by which TensorFlow Serving knows it.
    pub version: i64,
    /// The files, in the order of their paths.
    pub files: Vec<CopiedFile>,
    /// Their bytes, together.
    pub bytes: u64,
    /// Whether the target was complete and equal before, so that nothing was written.
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
    /// Whether it was there already, from a copy that was interrupted.
    pub resumed: bool,
}

impl CopyModel {
    /// A copy of the version in `from` to the version `to`, whose last part is its number.
    pub fn new(from: Location, to: Location) -> Self {
        Self { from, to, concurrency: 4, read_back: true, lock: Some(lock::LASTS), listener: None }
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

    /// Takes no lock: for a store that cannot write conditionally. The caller makes sure that nobody else copies to the
    /// same version at the same time.
    #[must_use]
    pub fn without_lock(mut self) -> Self {
        self.lock = None;
        self
    }

    /// Sets how long the lock in a bucket lasts without being renewed; half a minute by default, at least a second.
    #[must_use]
    pub fn lock_lasts(mut self, time: Duration) -> Self {
        self.lock = Some(time.max(Duration::from_secs(1)));
        self
    }

    /// Tells how far it is, from several tasks at once.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Copies. Dropping the future stops it where it is; the same call goes on from there.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no source; [`Error::Store`] when it is no SavedModel, the target exists and
    /// differs, another copy to it is under way, a checksum is wrong, or a store fails.
    pub async fn run(self) -> Result<Copied> {
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
        let (base, version) = self.to.open_parent()?;
        let at = |name: String| base.prefix.clone().join(name);
        let target = at(version.to_string());
        let staging =
            if base.folder.is_some() { at(format!(".canary-{version}")) } else { target.clone() };
        let lock = match self.lock {
            Some(lasts) => Lock::take(&base, version, &self.to.to_string(), &action, lasts).await?,
            None => Lock::None,
        };
        let job = Job {
            meter: Meter {
                listener: self.listener.clone(),
                bytes: AtomicU64::new(0),
                total_bytes: files.iter().map(|file| file.size).sum(),
                files: AtomicUsize::new(0),
                total_files: files.len(),
            },
            journal_at: at(format!(".canary-{version}.json")),
            journal: Mutex::default(),
            source,
            base,
            staging,
            target,
            version,
            files,
            action,
            settings: self,
        };
        let copied = lock.hold(job.run(&lock)).await;
        lock.release().await;
        copied
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
    journal_at: Path,
    journal: Mutex<Journal>,
    meter: Meter,
    action: String,
}

impl Job {
    async fn run(self, lock: &Lock) -> Result<Copied> {
        let before = Journal::read(&self.base, &self.journal_at, &self.action).await?;
        let there = list(&self.base, &self.target, &self.action).await?;
        let begun = self.base.folder.is_none() && before.is_some();
        if !there.is_empty() && !begun {
            let copied = self.compare(&there).await?;
            self.tidy().await?;
            return Ok(copied);
        }
        self.adopt(before).await?;
        let (last, first): (Vec<&File>, Vec<&File>) =
            self.files.iter().partition(|file| is_last(&file.path));
        let mut copied = self.copy_all(first).await?;
        // With the last file the version can be loaded: nobody else may be writing to it then.
        lock.renew().await?;
        copied.extend(self.copy_all(last).await?);
        copied.sort_by(|one, other| one.path.cmp(&other.path));
        self.publish().await?;
        self.tidy().await?;
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

    /// A target that is there already is equal to the source, or left alone.
    async fn compare(&self, there: &[File]) -> Result<Copied> {
        let names = |files: &[File]| -> Vec<(String, u64)> {
            files.iter().map(|file| (file.path.clone(), file.size)).collect()
        };
        let differs = |what: &str| {
            self.refuse(format!(
                "{} is there already and {what}; nothing was written. A server may have it loaded: copy to another version",
                self.settings.to
            ))
        };
        if names(there) != names(&self.files) {
            return Err(differs("has other files"));
        }
        let mut copied = Vec::with_capacity(there.len());
        for (own, other) in self.files.iter().zip(there) {
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

    /// Takes up what a copy before left, as far as it is of this source.
    async fn adopt(&self, before: Option<Journal>) -> Result<()> {
        let source = self.settings.from.to_string();
        let ours = before.as_ref().is_none_or(|journal| journal.source == source);
        if !ours && self.base.folder.is_none() {
            return Err(self.refuse(format!(
                "a copy from {} was begun there and is not complete; finish it, or remove {} and {}",
                before.unwrap_or_default().source,
                self.target,
                self.journal_at
            )));
        }
        let journal = before.filter(|_| ours).unwrap_or_default();
        let mut kept = Journal { source, ..Journal::default() };
        let left = list(&self.base, &self.staging, &self.action).await?;
        for there in &left {
            let entry = journal.files.get(&there.path);
            let own = self.files.iter().find(|file| file.path == there.path);
            if let (Some(entry), Some(own)) = (entry, own)
                && (entry.size, &entry.tag) == (own.size, &own.tag)
                && (entry.size, &entry.target) == (there.size, &there.tag)
            {
                kept.files.insert(there.path.clone(), entry.clone());
            }
        }
        if kept.files.len() < self.files.len() {
            kept.files.retain(|path, _| !is_last(path));
        }
        // What is not kept is half of a file, or of a source that has changed. `saved_model.pb` goes first, so that
        // nothing can be loaded until it is written anew.
        let (last, first): (Vec<&File>, Vec<&File>) = left
            .iter()
            .filter(|there| !kept.files.contains_key(&there.path))
            .partition(|there| is_last(&there.path));
        for gone in last.into_iter().chain(first) {
            let gone = self.base.store.delete(&gone.at).await;
            gone.map_err(|error| failed(&self.action, error))?;
        }
        kept.write(&self.base, &self.journal_at, &self.action).await?;
        *self.journal.lock().await = kept;
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
        let known = self.journal.lock().await.files.get(&file.path).cloned();
        if let Some(entry) = known {
            self.meter.tell(&file.path, Phase::Complete, file.size);
            return Ok(copied(&entry.sha256, true));
        }
        let at = file.path.split('/').fold(self.staging.clone(), Path::join);
        let (from, to) = (&*self.source.store, &*self.base.store);
        let seen = |bytes| self.meter.tell(&file.path, Phase::Copying, bytes);
        let read = transfer::copy(from, file, to, &at, seen).await;
        let sha256 = read.map_err(|error| failed(&self.action, error))?;
        if self.settings.read_back {
            self.meter.tell(&file.path, Phase::ReadingBack, 0);
            let written = self.hash(&self.base, &at).await?;
            if written != sha256 {
                // What is wrong must not be taken for a part of the model.
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
        let strong = written.e_tag.filter(|tag| !tag.starts_with("W/"));
        let entry = Entry {
            size: file.size,
            tag: file.tag.clone(),
            target: strong.unwrap_or_else(|| written.last_modified.to_rfc3339()),
            sha256: sha256.clone(),
        };
        let mut journal = self.journal.lock().await;
        journal.files.insert(file.path.clone(), entry);
        journal.write(&self.base, &self.journal_at, &self.action).await?;
        drop(journal);
        self.meter.tell(&file.path, Phase::Complete, 0);
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
            // An empty folder may stand there; one with files makes this fail, and stays.
            std::fs::rename(&staging, &target)?;
            sync_one(&folder)
        });
        let done = done.await.map_err(std::io::Error::other).and_then(|done| done);
        done.map_err(|cause| broken(&self.action, "cannot put the version in its place", cause))
    }

    /// Removes the journal.
    async fn tidy(&self) -> Result<()> {
        match self.base.store.delete(&self.journal_at).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&self.action, error)),
        }
    }

    fn refuse(&self, reason: String) -> Error {
        let action = self.action.clone();
        Error::Store { action, reason, retryable: false, source: None }
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
