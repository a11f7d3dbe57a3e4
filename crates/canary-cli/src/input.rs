//! Files, folders and standard input.

use std::{
    fmt::Display,
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use canary_core::{Manifest, Object, Plan};

/// An input that cannot be used: the same command fails again until it is corrected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(pub(crate) String);

impl Unusable {
    pub(crate) fn error(text: impl Display) -> anyhow::Error {
        Self(text.to_string()).into()
    }
}

/// A text and the name of its file.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The name of standard input in messages and reports.
const STDIN: &str = "stdin";

/// The files that arguments name: a folder stands for the `.yaml`, `.yml` and `.json` files in it and below it.
pub(crate) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        walk(path, &mut found)
            .map_err(|error| Unusable::error(format!("cannot read {}: {error}", path.display())))?;
        if found.len() == before {
            let path = path.display();
            return Err(Unusable::error(format!("{path} has no .yaml, .yml or .json file in it")));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        // A link to a folder is not followed: it may lead back.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> anyhow::Result<Text> {
    let mut text = String::new();
    let (name, read) = if path == Path::new("-") {
        (STDIN.to_owned(), std::io::stdin().read_to_string(&mut text).map(drop))
    } else {
        let name = path.display().to_string();
        (name, fs::read_to_string(path).map(|read| text = read))
    };
    read.map_err(|error| {
        let reason = match error.kind() {
            ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        Unusable::error(format!("cannot read {name}: {reason}"))
    })?;
    // A byte order mark, which some editors write, is not part of the text.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Text { name, text })
}

/// The objects of all files.
pub(crate) fn objects(paths: &[PathBuf]) -> anyhow::Result<Vec<Object>> {
    let mut objects = Vec::new();
    for path in files(paths)? {
        let Text { name, text } = text(&path)?;
        objects.extend(manifest(&name, &text)?);
    }
    Ok(objects)
}

/// The objects of a text, read strictly.
pub(crate) fn manifest(name: &str, text: &str) -> anyhow::Result<Manifest> {
    Manifest::read_named(name, text).map_err(|error| match error {
        canary_core::manifest::Error::Invalid(findings) => {
            Unusable::error(format!("{name}: {findings}"))
        }
        error => Unusable::error(error),
    })
}

/// The plan of a file, validated.
pub(crate) fn plan(path: &Path) -> anyhow::Result<Plan> {
    let Text { name, text } = text(path)?;
    let plan = Plan::from_yaml(&text).and_then(Plan::validated);
    plan.map_err(|error| Unusable::error(format!("{name}: {error}")))
}
