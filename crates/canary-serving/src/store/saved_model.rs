//! Checks that files are a SavedModel.
//!
//! Sources: `saved_model.proto` (field 1 the schema's version, field 2 the graphs), the naming of checkpoints in
//! `tensor_bundle/naming.cc`, and the magic number of an index in `lib/io/format.h` of TensorFlow.

use std::collections::{BTreeMap, BTreeSet};

use object_store::{ObjectStore, ObjectStoreExt};

use super::{
    errors::{failed, refused},
    listing::{File, is_last},
    location::Opened,
};
use crate::Result;

/// The last eight bytes of a table, which `variables.index` is.
const TABLE: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

/// A limit above the number of graphs of any SavedModel; each graph has a set of tags.
const MOST_GRAPHS: u32 = 64;

/// Checks that the files are those of one whole SavedModel.
///
/// # Errors
/// [`crate::Error::Store`] that says what is missing or broken.
pub(super) async fn check(opened: &Opened, files: &[File], action: &str) -> Result<()> {
    let refuse = |reason: String| refused(action, format!("this is not a SavedModel: {reason}"));
    shape(files).map_err(refuse)?;
    let store = &*opened.store;
    for file in files {
        if file.path == "saved_model.pb" {
            walk(store, file, action).await?.map_err(refuse)?;
        } else if file.path == "saved_model.pbtxt" {
            let head = read(store, file, 0, 4096, action).await?;
            let text = String::from_utf8_lossy(&head);
            if !text.contains("meta_graphs") && !text.contains("saved_model_schema_version") {
                return Err(refuse(
                    "saved_model.pbtxt does not begin as one in text format".to_owned(),
                ));
            }
        } else if file.path == "variables/variables.index" {
            let start = file.size.saturating_sub(8);
            let tail = read(store, file, start, 8, action).await?;
            if tail[..] != TABLE {
                return Err(refuse(
                    "variables/variables.index does not end as an index; it may be cut off"
                        .to_owned(),
                ));
            }
        }
    }
    Ok(())
}

/// Checks the names and sizes.
fn shape(files: &[File]) -> Result<(), String> {
    let named = |path: &str| files.iter().any(|file| file.path == path);
    if !named("saved_model.pb") && !named("saved_model.pbtxt") {
        let versions: BTreeSet<&str> = files
            .iter()
            .filter_map(|file| file.path.strip_suffix("/saved_model.pb"))
            .filter(|rest| !rest.contains('/'))
            .collect();
        return Err(if versions.is_empty() {
            "it has no saved_model.pb".to_owned()
        } else {
            let all: Vec<&str> = versions.into_iter().collect();
            format!("it holds the versions {}; name one of them", all.join(", "))
        });
    }
    if let Some(empty) = files.iter().find(|file| file.size == 0 && is_last(&file.path)) {
        return Err(format!("{} is empty", empty.path));
    }
    let variables: Vec<&str> =
        files.iter().filter_map(|file| file.path.strip_prefix("variables/")).collect();
    if variables.is_empty() {
        // A graph of constants has none.
        return Ok(());
    }
    if !variables.contains(&"variables.index") {
        return Err("variables/ has no variables.index".to_owned());
    }
    let mut shards: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in &variables {
        if let Some((shard, of)) =
            name.strip_prefix("variables.data-").and_then(|rest| rest.split_once("-of-"))
        {
            shards.entry(of).or_default().insert(shard);
        }
    }
    let mut sets = shards.into_iter();
    let (Some((of, present)), None) = (sets.next(), sets.next()) else {
        return Err(
            "variables/ has no variables.data-…-of-…, or shards of more than one set".to_owned()
        );
    };
    let count: u32 = of.parse().map_err(|_| format!("-of-{of} is not a number of shards"))?;
    let missing = (0..count.min(100_000))
        .map(|shard| format!("{shard:0width$}", width = of.len()))
        .find(|shard| !present.contains(shard.as_str()));
    match missing {
        Some(shard) => Err(format!("variables/variables.data-{shard}-of-{of} is missing")),
        None => Ok(()),
    }
}

/// Walks over the outermost fields of `saved_model.pb`, which must end with the file.
async fn walk(store: &dyn ObjectStore, file: &File, action: &str) -> Result<Result<(), String>> {
    let bad = |what: &str| Ok(Err(format!("saved_model.pb {what}")));
    let (mut at, mut graphs) = (0, 0);
    while at < file.size {
        let head = read(store, file, at, 24, action).await?;
        let mut rest = &head[..];
        match (varint(&mut rest), varint(&mut rest)) {
            // The version of the schema.
            (Some(0x08), Some(_)) => at += (head.len() - rest.len()) as u64,
            // A graph.
            (Some(0x12), Some(length)) => {
                graphs += 1;
                let next =
                    at.saturating_add((head.len() - rest.len()) as u64).saturating_add(length);
                if next > file.size {
                    return bad("is cut off");
                }
                at = next;
            }
            _ => {
                return bad(&format!(
                    "is not one: byte {at} does not begin a field of a SavedModel"
                ));
            }
        }
        if graphs > MOST_GRAPHS {
            return bad("has too many graphs");
        }
    }
    if graphs == 0 { bad("has no graph") } else { Ok(Ok(())) }
}

/// A variable-length integer of protobuf.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

async fn read(
    store: &dyn ObjectStore,
    file: &File,
    start: u64,
    length: u64,
    action: &str,
) -> Result<bytes::Bytes> {
    let end = file.size.min(start + length);
    if start >= end {
        return Ok(bytes::Bytes::new());
    }
    store.get_range(&file.at, start..end).await.map_err(|error| failed(action, error))
}
