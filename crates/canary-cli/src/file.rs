//! Atomic writes of files.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Writes a file completely, or leaves the existing one unchanged: the text is written to a temporary file beside it,
/// which is renamed at the end.
///
/// A symbolic link stays, and the file that it names is replaced. A pipe or a device is written to directly. A new file
/// gets the permissions of the process's mask, an existing one keeps its own.
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
    // Write to the file that a link names, not to the link.
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        // There is no existing content to protect.
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

/// A new temporary file in the same folder, with a unique name.
fn create_beside(path: &Path) -> io::Result<(fs::File, PathBuf)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
        match fs::File::create_new(&beside) {
            // A leftover of an earlier process with the same id, which ended before the rename.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, beside)),
        }
    }
}
