//! One copy to a target at a time.
//!
//! On this machine the lock is a file that the system unlocks when the process ends, however it ends. In a bucket it is
//! an object that is written only where none is, and renewed while the copy goes on; one that is not renewed any more is
//! taken over.

use std::{
    collections::BTreeSet,
    path::{Path as FilePath, PathBuf},
    pin::pin,
    sync::{
        Mutex as Registry, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::{Either, select};
use object_store::{Error as Cause, ObjectStoreExt, PutMode, PutResult, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::location::{Opened, broken, failed};
use crate::{Error, Result};

/// How long a lock in a bucket lasts without being renewed.
pub(super) const LASTS: Duration = Duration::from_secs(30);
/// The longest that a lock of another program is believed to last.
const LONGEST: Duration = Duration::from_secs(600);
/// How often a lock is believed to have been released just before it was read.
const MOST_RELEASES: u32 = 100;

/// The right to write to a target, until it is released or dropped.
pub(super) enum Lock {
    File(FileLock),
    Object(Box<ObjectLock>),
    /// The caller has said that nobody else copies there.
    None,
}

impl Lock {
    /// Takes the lock of a version.
    ///
    /// # Errors
    /// [`Error::Store`] when another copy holds it, or the store cannot write conditionally.
    pub(super) async fn take(
        base: &Opened,
        version: i64,
        target: &str,
        action: &str,
        lasts: Duration,
    ) -> Result<Self> {
        let name = format!(".canary-{version}.lock");
        if let Some(folder) = &base.folder {
            return FileLock::take(folder.join(name), target, action).map(Self::File);
        }
        let at = base.prefix.clone().join(name);
        let taking = Taking { base: base.clone(), at, target, action, lasts };
        Ok(Self::Object(Box::new(taking.take().await?)))
    }

    /// Does the work, and renews the lock meanwhile.
    ///
    /// # Errors
    /// That of the work; [`Error::Store`] when another copy has taken the lock, or it cannot be renewed.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Self::Object(lock) = self else { return work.await };
        let renewals = pin!(lock.renewals());
        // Side by side: the work renews the lock too, and one that is not polled would never let go of its turn.
        match select(pin!(work), renewals).await {
            Either::Left((done, renewals)) => {
                // A renewal that is under way ends first: the lock can only be released by who knows its last version.
                select(renewals, pin!(lock.written.lock())).await;
                done
            }
            Either::Right((lost, _)) => Err(lost),
        }
    }

    /// Makes sure that it is still held, before a write that is not to be undone.
    ///
    /// # Errors
    /// [`Error::Store`] when another copy has taken it.
    pub(super) async fn renew(&self) -> Result<()> {
        match self {
            Self::Object(lock) => lock.renew().await,
            Self::File(_) | Self::None => Ok(()),
        }
    }

    /// Gives it back. When that fails it runs out by itself.
    pub(super) async fn release(self) {
        match self {
            Self::File(lock) => lock.release(),
            Self::Object(lock) => lock.release().await,
            Self::None => {}
        }
    }
}

/// A file that this process has locked.
pub(super) struct FileLock {
    file: std::fs::File,
    path: PathBuf,
}

impl FileLock {
    fn take(path: PathBuf, target: &str, action: &str) -> Result<Self> {
        let fails = |cause| broken(action, "cannot lock its folder", cause);
        loop {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(fails)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(under_way(target, action, "on this machine"));
                }
                Err(std::fs::TryLockError::Error(cause)) => return Err(fails(cause)),
            }
            // The one who had it may have removed the file between the two steps.
            if is_there(&file, &path) {
                return Ok(Self { file, path });
            }
        }
    }

    fn release(self) {
        // While it is locked, so that nobody locks a file that is about to go.
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
        drop(self.file);
    }
}

#[cfg(unix)]
fn is_there(file: &std::fs::File, path: &FilePath) -> bool {
    use std::os::unix::fs::MetadataExt;

    let same = |one: std::fs::Metadata, other: std::fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    file.metadata().is_ok_and(|own| std::fs::metadata(path).is_ok_and(|other| same(own, other)))
}

#[cfg(not(unix))]
fn is_there(_: &std::fs::File, _: &FilePath) -> bool {
    // The file is never removed.
    true
}

/// What stands in the lock of a bucket.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    /// Who holds it.
    holder: String,
    /// How long it lasts without being renewed.
    lasts_ms: u64,
    /// How often it was renewed: a store names an object by its contents, and these must differ.
    renewed: u64,
}

/// The copies of this process that hold a lock. One that was killed, as a task is, is not among them.
static HERE: Registry<BTreeSet<String>> = Registry::new(BTreeSet::new());

/// The name of this process, which no other has.
fn process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "host".to_owned());
        let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        format!("{host}-{}-{:x}", std::process::id(), nanos & 0xffff_ffff)
    })
}

/// The name of one copy, which is known to live until it is dropped.
struct Holder(String);

impl Holder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{}-{}", process(), NEXT.fetch_add(1, Ordering::Relaxed));
        HERE.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        Self(name)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        HERE.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Whether a holder was a copy of this process that has ended.
fn has_ended(holder: &str) -> bool {
    holder.starts_with(process())
        && !HERE.lock().unwrap_or_else(PoisonError::into_inner).contains(holder)
}

/// An object in a bucket that this process has written.
pub(super) struct ObjectLock {
    base: Opened,
    at: Path,
    target: String,
    action: String,
    lasts: Duration,
    holder: Holder,
    written: Mutex<(UpdateVersion, u64)>,
}

struct Taking<'a> {
    base: Opened,
    at: Path,
    target: &'a str,
    action: &'a str,
    lasts: Duration,
}

impl Taking<'_> {
    async fn take(self) -> Result<ObjectLock> {
        let holder = Holder::new();
        let mut seen: Option<(Option<String>, Instant)> = None;
        let mut gone = 0;
        let version = loop {
            match self.put(&holder, PutMode::Create).await {
                Ok(put) => break update(put),
                Err(Cause::AlreadyExists { .. } | Cause::Precondition { .. }) => {}
                Err(error) => return Err(self.cannot(error)),
            }
            let got = match self.base.store.get(&self.at).await {
                Ok(got) => got,
                // It was released between the two steps, as happens now and then.
                Err(error @ Cause::NotFound { .. }) => {
                    gone += 1;
                    if gone == MOST_RELEASES {
                        return Err(failed(self.action, error));
                    }
                    continue;
                }
                Err(error) => return Err(failed(self.action, error)),
            };
            let (tag, version) = (got.meta.e_tag.clone(), got.meta.version.clone());
            let bytes = got.bytes().await.map_err(|error| failed(self.action, error))?;
            let held: Held = serde_json::from_slice(&bytes).unwrap_or_default();
            let over = match &seen {
                _ if has_ended(&held.holder) => true,
                None => {
                    seen = Some((tag.clone(), Instant::now()));
                    false
                }
                // It is renewed, so somebody lives.
                Some((before, _)) if *before != tag => {
                    return Err(under_way(
                        self.target,
                        self.action,
                        &format!("by {}", held.holder),
                    ));
                }
                Some((_, since)) => {
                    since.elapsed() >= Duration::from_millis(held.lasts_ms).min(LONGEST)
                }
            };
            if over {
                let now = UpdateVersion { e_tag: tag, version };
                match self.put(&holder, PutMode::Update(now)).await {
                    Ok(put) => break update(put),
                    Err(Cause::NotFound { .. }) => {}
                    Err(Cause::AlreadyExists { .. } | Cause::Precondition { .. }) => {
                        let who = "and has just taken the lock over";
                        return Err(under_way(self.target, self.action, who));
                    }
                    Err(error) => return Err(self.cannot(error)),
                }
            }
            tokio::time::sleep((self.lasts / 20).min(Duration::from_secs(1))).await;
        };
        Ok(ObjectLock {
            base: self.base,
            at: self.at,
            target: self.target.to_owned(),
            action: self.action.to_owned(),
            lasts: self.lasts,
            holder,
            written: Mutex::new((version, 0)),
        })
    }

    async fn put(&self, holder: &Holder, mode: PutMode) -> object_store::Result<PutResult> {
        put(&self.base, &self.at, holder, self.lasts, 0, mode).await
    }

    fn cannot(&self, error: Cause) -> Error {
        match error {
            Cause::NotImplemented { .. } | Cause::NotSupported { .. } => Error::Store {
                action: self.action.to_owned(),
                reason: "the store cannot write where nothing is, so two copies at once could not be kept apart; make \
                         sure that there is only one, and say so with CopyModel::without_lock"
                    .to_owned(),
                retryable: false,
                source: None,
            },
            other => failed(self.action, other),
        }
    }
}

impl ObjectLock {
    /// Renews it again and again; why that is no longer possible.
    async fn renewals(&self) -> Error {
        loop {
            tokio::time::sleep(self.lasts / 3).await;
            if let Err(error) = self.renew().await {
                return error;
            }
        }
    }

    async fn renew(&self) -> Result<()> {
        let mut written = self.written.lock().await;
        let (version, renewed) = (written.0.clone(), written.1 + 1);
        let mode = PutMode::Update(version);
        match put(&self.base, &self.at, &self.holder, self.lasts, renewed, mode).await {
            Ok(put) => {
                *written = (update(put), renewed);
                Ok(())
            }
            Err(
                Cause::AlreadyExists { .. } | Cause::Precondition { .. } | Cause::NotFound { .. },
            ) => Err(under_way(&self.target, &self.action, "and has taken the lock of this one")),
            Err(error) => Err(failed(&self.action, error)),
        }
    }

    async fn release(self) {
        // Only one's own is removed; between the two steps nobody takes over what was just renewed.
        if self.renew().await.is_ok() {
            let _ = self.base.store.delete(&self.at).await;
        }
    }
}

async fn put(
    base: &Opened,
    at: &Path,
    holder: &Holder,
    lasts: Duration,
    renewed: u64,
    mode: PutMode,
) -> object_store::Result<PutResult> {
    let lasts_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    let held = Held { holder: holder.0.clone(), lasts_ms, renewed };
    let bytes = serde_json::to_vec(&held).unwrap_or_default();
    base.store.put_opts(at, bytes.into(), mode.into()).await
}

fn update(put: PutResult) -> UpdateVersion {
    UpdateVersion { e_tag: put.e_tag, version: put.version }
}

fn under_way(target: &str, action: &str, who: &str) -> Error {
    Error::Store {
        action: action.to_owned(),
        reason: format!("another copy to {target} is under way {who}; wait until it is done"),
        retryable: true,
        source: None,
    }
}
