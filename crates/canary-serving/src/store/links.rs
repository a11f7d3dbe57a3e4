//! Links in the folder of a model.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::errors::{broken, named, refuse};
use crate::Result;

/// Refuses a folder with a symbolic link that leads out of it or nowhere: the file behind it is not a part of the
/// model, and a copy could expose it to others. The folder itself may be a link.
pub(super) fn check(folder: &Path, text: &str) -> Result<()> {
    let outside = outside(folder)
        .map_err(|cause| broken(&named(text), "its folder cannot be listed", cause))?;
    match outside {
        None => Ok(()),
        Some((link, target)) => Err(refuse(
            text,
            &format!(
                "the link {} leads to {}, which is not in the folder; copy the file itself there, or remove the link",
                link.display(),
                target.display()
            ),
        )),
    }
}

/// The first link that leaves the folder, and the path that it names.
fn outside(folder: &Path) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let root = folder.canonicalize()?;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let inside = path.canonicalize().is_ok_and(|target| target.starts_with(&root));
                if !inside {
                    let target = fs::read_link(&path)?;
                    return Ok(Some((path, target)));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_within_the_folder_are_part_of_the_model() {
        let around = std::env::temp_dir().join(format!("canary-links-{}", std::process::id()));
        let folder = around.join("1");
        fs::create_dir_all(folder.join("variables")).unwrap();
        fs::write(around.join("secret"), "hunter2").unwrap();
        fs::write(folder.join("saved_model.pb"), "").unwrap();
        symlink("../saved_model.pb", folder.join("variables/same")).unwrap();
        symlink(&folder, around.join("2")).unwrap();
        check(&folder, "m").unwrap();
        check(&around.join("2"), "m").unwrap();
        for target in ["../../secret", "/etc/passwd", "nowhere"] {
            let link = folder.join("variables/other");
            symlink(target, &link).unwrap();
            let error = check(&folder, "/models/1").unwrap_err().to_string();
            assert!(error.contains("variables/other") && error.contains(target), "{error}");
            fs::remove_file(link).unwrap();
        }
        fs::remove_dir_all(around).unwrap();
    }
}
