//! Copies a SavedModel between folders, `gs://` and `s3://`.
//!
//! ```no_run
//! # async fn run() -> canary_core::Result<()> {
//! use canary_core::serving::store::{CopyModel, Location};
//!
//! let from = Location::parse("gs://my-bucket/resnet_101/1")?;
//! let to = Location::parse("/models/image_classifier/2")?;
//! let copied = CopyModel::new(from, to)
//!     .on_progress(|progress| eprintln!("{progress}"))
//!     .run()
//!     .await?;
//! println!("{} files, {} bytes", copied.files.len(), copied.bytes);
//! # Ok(())
//! # }
//! ```
//!
//! # What TensorFlow Serving sees
//! TensorFlow Serving lists the folder of a model and loads each entry whose name is a number. An entry with another
//! name is passed over.
//!
//! - **Into a folder**, the files go into `.canary-<version>` beside their place. When all are there, read back and on
//!   disk, that folder is renamed to `<version>`. Within one file system this is one step: the version is there whole or
//!   not at all.
//! - **Into a bucket** there is no rename. The files go to their place, `saved_model.pb` last of all. No version can be
//!   loaded without that file, and it is written after everything else, so *a partial model is never loaded*. But the
//!   version is listed as soon as its first file is there, and a server that watches the folder meanwhile tries to load
//!   it, fails, and tries again as often as it is set to (`--max_num_load_retries`, 5 by default, a minute apart). It
//!   continues serving the version it has. After the last try it ignores the version. So copy first and then point a
//!   server at it, or raise its retries above the time that the copy takes.
//!
//! # What is checked
//! The source is a SavedModel: `saved_model.pb` is one from its first to its last byte, or there is a `saved_model.pbtxt`;
//! `variables/` has its index and every shard. The SHA-256 of each file is computed while it is read; then the file written
//! is read back and must have the same one. A source that changes meanwhile is an error, and so is a symbolic link in a folder
//! that leads out of it.
//!
//! # After an interruption
//! The same call continues where it was: files that are complete are not copied again. They are listed in the journal,
//! `.canary-<version>.json` beside the version, which is removed at the end.
//!
//! # Two copies at once
//! If two copies write to the same version, one of them is refused. On this machine the lock is the file
//! `.canary-<version>.lock` beside the version, which the system unlocks in every case when the process ends. In a
//! bucket the journal prevents them: it is written only while no other copy has written it. A copy from another source
//! is refused while the journal is there; one from the same source takes the journal over, as after a kill, and the
//! earlier copy is refused at its next file. The file `saved_model.pb` is written only by a copy that has just written
//! the journal.

mod copy;
mod errors;
mod journal;
mod links;
mod listing;
mod location;
mod lock;
mod progress;
mod saved_model;
mod transfer;
mod transport;

pub use canary_http::{Proxy, Settings, Tls};
pub use copy::{Copied, CopiedFile, CopyModel};
pub use location::Location;
/// The crate whose stores [`Location::within`] takes.
pub use object_store;
pub use progress::{Phase, Progress};
pub use transport::{http_connector, http_connector_with};
