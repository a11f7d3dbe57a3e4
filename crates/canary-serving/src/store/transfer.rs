//! One file from one store into another, in bounded memory.

use futures_util::TryStreamExt;
use object_store::{
    GetOptions, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path,
};
use ring::digest::{Context, Digest, SHA256};

use super::listing::File;

/// A file up to this size is written in one request, a larger one in parts of this size.
const PART: u64 = 8 << 20;
/// Parts of one file that are under way at once.
const PARTS: usize = 2;
/// S3 takes 10 000 parts at most.
const MOST_PARTS: u64 = 9_000;

/// Copies a file and returns its SHA-256 in hexadecimal. `progress` is called with the bytes as they are read.
pub(super) async fn copy(
    from: &dyn ObjectStore,
    file: &File,
    to: &dyn ObjectStore,
    target: &Path,
    progress: impl Fn(u64),
) -> object_store::Result<String> {
    // The tag makes a changed source an error instead of a mixture of two models.
    let options = GetOptions { if_match: file.e_tag.clone(), ..GetOptions::default() };
    let got = from.get_opts(&file.at, options).await?;
    let changed = || object_store::Error::Precondition {
        path: file.at.to_string(),
        source: "its size is not what was listed".into(),
    };
    if got.meta.size != file.size {
        return Err(changed());
    }
    let mut stream = got.into_stream();
    let mut digest = Context::new(&SHA256);
    let mut size = 0;
    if file.size <= PART {
        let mut chunks = Vec::new();
        while let Some(chunk) = stream.try_next().await? {
            size += chunk.len() as u64;
            digest.update(&chunk);
            progress(chunk.len() as u64);
            chunks.push(chunk);
        }
        if size != file.size {
            return Err(changed());
        }
        to.put(target, PutPayload::from_iter(chunks)).await?;
        return Ok(hex(&digest.finish()));
    }
    let part = usize::try_from(PART.max(file.size.div_ceil(MOST_PARTS))).unwrap_or(usize::MAX);
    let upload = to.put_multipart(target).await?;
    let mut write = WriteMultipart::new_with_chunk_size(upload, part);
    let read = async {
        while let Some(chunk) = stream.try_next().await? {
            size += chunk.len() as u64;
            digest.update(&chunk);
            progress(chunk.len() as u64);
            write.wait_for_capacity(PARTS).await?;
            write.put(chunk);
        }
        if size == file.size { Ok(()) } else { Err(changed()) }
    };
    match read.await {
        Ok(()) => write.finish().await?,
        Err(error) => {
            // Abort the upload, because its parts cost storage.
            let _ = write.abort().await;
            return Err(error);
        }
    };
    Ok(hex(&digest.finish()))
}

/// The SHA-256 of what is in a store, in hexadecimal.
pub(super) async fn sha256(store: &dyn ObjectStore, at: &Path) -> object_store::Result<String> {
    let mut stream = store.get(at).await?.into_stream();
    let mut digest = Context::new(&SHA256);
    while let Some(chunk) = stream.try_next().await? {
        digest.update(&chunk);
    }
    Ok(hex(&digest.finish()))
}

fn hex(digest: &Digest) -> String {
    use std::fmt::Write as _;

    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
