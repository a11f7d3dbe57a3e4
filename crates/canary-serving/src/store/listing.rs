//! The files of a model.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use object_store::{ObjectMeta, path::Path};

use super::{
    errors::{failed, refused},
    location::Opened,
};
use crate::Result;

/// More files than any SavedModel has.
const MOST: usize = 10_000;

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its path within the model, with slashes.
    pub(super) path: String,
    /// Where it is in its store.
    pub(super) at: Path,
    /// Its size in bytes.
    pub(super) size: u64,
    /// A text that changes with its contents: the entity tag, or the time of its last change.
    pub(super) tag: String,
    /// The entity tag, when a request can be made conditional on it.
    pub(super) e_tag: Option<String>,
}

impl File {
    pub(super) fn new(path: String, meta: ObjectMeta) -> Self {
        let strong = meta.e_tag.filter(|tag| !tag.starts_with("W/"));
        let tag = strong.clone().unwrap_or_else(|| meta.last_modified.to_rfc3339());
        Self { path, at: meta.location, size: meta.size, tag, e_tag: strong }
    }
}

/// True for `saved_model.pb`, without which the model cannot be loaded.
pub(super) fn is_last(path: &str) -> bool {
    path == "saved_model.pb" || path == "saved_model.pbtxt"
}

/// The files under a prefix, in the order of their paths. Empty when there are none.
pub(super) async fn list(opened: &Opened, prefix: &Path, action: &str) -> Result<Vec<File>> {
    let mut found = opened.store.list(Some(prefix));
    let mut files = Vec::new();
    while let Some(meta) = found.try_next().await.map_err(|error| failed(action, error))? {
        let Some(parts) = meta.location.prefix_match(prefix) else { continue };
        let path = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
        if path.is_empty() {
            continue;
        }
        check(&path).map_err(|reason| refused(action, reason))?;
        files.push(File::new(path, meta));
        if files.len() > MOST {
            let reason =
                format!("there are more than {MOST} files; name the folder of one version");
            return Err(refused(action, reason));
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    // Clouds' consoles make a folder as an empty object with the folder's name.
    let folders_of = |file: &File| {
        let slashes = file.path.match_indices('/');
        slashes.map(|(at, _)| file.path[..at].to_owned()).collect::<Vec<_>>()
    };
    let folders: BTreeSet<String> = files.iter().flat_map(folders_of).collect();
    files.retain(|file| file.size > 0 || !folders.contains(&file.path));
    Ok(files)
}

/// A path stays within the folder on every system.
fn check(path: &str) -> Result<(), String> {
    let bad = path.split('/').find(|part| {
        part.is_empty()
            || *part == "."
            || *part == ".."
            || part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    });
    match bad {
        Some(part) => {
            Err(format!("{path:?} is not a valid path for a model's file, because of {part:?}"))
        }
        None => Ok(()),
    }
}
