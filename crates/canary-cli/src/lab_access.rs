//! The kubeconfig by which another process reaches a lab of this one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use canary_lab::Lab;

use crate::input::Unusable;

/// The context of every lab's kubeconfig.
const CONTEXT: &str = "canary-lab";

/// A copy of a lab's kubeconfig at the place that a person chose; dropping it removes the file.
#[derive(Debug)]
pub(crate) struct LabAccess {
    file: PathBuf,
    text: String,
}

impl LabAccess {
    /// Writes it, where a place is given. A file there is replaced only if it is the kubeconfig of a lab.
    pub(crate) fn write(lab: &Lab, file: Option<&Path>) -> Result<Option<Self>> {
        let Some(file) = file else { return Ok(None) };
        let cannot = || format!("cannot write the lab's kubeconfig to {}", file.display());
        let text = fs::read_to_string(lab.kubeconfig()?).with_context(cannot)?;
        if let Ok(found) = fs::read_to_string(file) {
            if !is_of_a_lab(&found) {
                return Err(Unusable::error(format!(
                    "{} is not the kubeconfig of a lab and would be lost; give the name of a new file",
                    file.display()
                )));
            }
            fs::remove_file(file).with_context(cannot)?;
        }
        let mut written = private(file).with_context(cannot)?;
        written.write_all(text.as_bytes()).with_context(cannot)?;
        Ok(Some(Self { file: file.to_owned(), text }))
    }
}

impl Drop for LabAccess {
    fn drop(&mut self) {
        // Another lab may have written its own there.
        if fs::read_to_string(&self.file).is_ok_and(|found| found == self.text) {
            let _ = fs::remove_file(&self.file);
        }
    }
}

fn is_of_a_lab(text: &str) -> bool {
    let read: Result<serde_json::Value, _> = serde_json::from_str(text);
    read.is_ok_and(|config| config["current-context"] == CONTEXT)
}

/// A new file that only this user can read.
fn private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(file)
}
