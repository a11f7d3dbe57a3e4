//! Secrets from the environment and from files.

use std::{
    fs::File,
    io::{Error as IoError, Read},
    path::Path,
};

use crate::{Error, Result};

/// The largest file that is read as a secret.
const LARGEST: u64 = 64 << 10;

/// The value of an environment variable, without white space at its ends.
pub(crate) fn from_env(name: &str) -> Result<String> {
    let value = std::env::var(name).map_err(|_| Error::Environment { name: name.to_owned() })?;
    Ok(value.trim().to_owned())
}

/// The text of a file, without white space at its ends.
pub(crate) fn from_file(path: &Path) -> Result<String> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(IoError::other(format!("it has more than {LARGEST} bytes")));
        }
        match text.trim() {
            "" => Err(IoError::other("it is empty")),
            text => Ok(text.to_owned()),
        }
    };
    read().map_err(|source| Error::File { file: path.display().to_string(), source })
}
