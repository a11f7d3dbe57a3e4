//! Files that are written whole or not at all.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Writes a file whole, or leaves what was there: the text is written beside it first, and takes its place at the end.
///
/// A link stays, and the file that it names is replaced. A pipe or a device is written to. A new file has the permissions
/// that the mask of the process leaves, another keeps its own.
///
/// # Errors
/// As of creating, writing and renaming files; the existing file is unchanged.
///
/// ```
/// let file = std::env::temp_dir().join(format!("canary-{}.txt", std::process::id()));
/// canary_cli::write_file(&file, "first")?;
/// canary_cli::write_file(&file, "second")?;
/// assert_eq!(std::fs::read_to_string(&file)?, "second");
/// std::fs::remove_file(&file)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_file(path: impl AsRef<Path>, text: &str) -> io::Result<()> {
    let path = path.as_ref();
    // The file that a link names, not the link.
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        // Nothing is there that could be lost.
        Err(_) if path.is_symlink() => return fs::write(path, text),
        Err(_) => path.to_owned(),
    };
    let there = fs::metadata(&path).ok();
    match &there {
        Some(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Some(found) if !found.is_file() => return fs::write(&path, text),
        _ => {}
    }
    let (mut file, beside) = create_beside(&path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| there.map_or(Ok(()), |found| file.set_permissions(found.permissions())))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &path));
    written.inspect_err(|_| {
        // Remove the incomplete file; the first error is the one to report.
        let _ = fs::remove_file(&beside);
    })
}

/// A new file in the same folder, under a name of its own.
fn create_beside(path: &Path) -> io::Result<(fs::File, PathBuf)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
        match fs::File::create_new(&beside) {
            // Of another process of that number, which ended before it could rename it.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, beside)),
        }
    }
}
