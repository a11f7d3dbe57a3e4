//! The names of the 1000 classes of the `ImageNet` challenge: the lemmas of their synsets.

use std::{collections::HashMap, fs, path::Path};

use canary_core::serving::{Error, Result};

use super::{efficientnet::CLASSES, files::ClassNames};

/// The names of the classes, in the order of the logits.
#[derive(Clone, Debug)]
pub struct Labels(Vec<String>);

impl Labels {
    /// Reads the names from their files.
    ///
    /// # Errors
    /// [`Error::Istio`] when a file cannot be read, or a class has no name.
    pub fn open(names: &ClassNames) -> Result<Self> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| {
                Error::manifest(
                    path.display().to_string(),
                    format!("cannot read the class names: {error}"),
                )
            })
        };
        let (what, labels) = match names {
            ClassNames::Numbered(file) => {
                (file.display().to_string(), Self::read_numbered(&read(file)?))
            }
            ClassNames::Synsets { synsets, lemmas } => (
                format!("{} and {}", synsets.display(), lemmas.display()),
                Self::read_synsets(&read(synsets)?, &read(lemmas)?),
            ),
        };
        labels.map_err(|reason| Error::manifest(what, reason))
    }

    fn read_numbered(text: &str) -> Result<Self, String> {
        let names: HashMap<usize, String> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        if names.len() != CLASSES {
            return Err(format!("{} classes, expected {CLASSES}", names.len()));
        }
        (0..CLASSES)
            .map(|class| {
                let names = names.get(&class).ok_or(format!("the class {class} has no name"))?;
                Ok(first(names))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn read_synsets(synsets: &str, lemmas: &str) -> Result<Self, String> {
        let names: HashMap<&str, &str> =
            lemmas.lines().filter_map(|line| line.split_once('\t')).collect();
        let labels: Vec<String> = synsets
            .lines()
            .map(str::trim)
            .filter(|synset| !synset.is_empty())
            .map(|synset| {
                names
                    .get(synset)
                    .map(|lemmas| first(lemmas))
                    .ok_or_else(|| format!("the synset {synset} has no name"))
            })
            .collect::<Result<_, _>>()?;
        if labels.len() != CLASSES {
            return Err(format!("{} classes, expected {CLASSES}", labels.len()));
        }
        Ok(Self(labels))
    }

    /// The first name of a class; a class beyond the last is `unknown`.
    pub fn name(&self, class: usize) -> &str {
        self.0.get(class).map_or("unknown", String::as_str)
    }
}

/// The first of some names with commas between them.
fn first(names: &str) -> String {
    names.split(',').next().unwrap_or(names).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lemma_is_the_name() {
        let synsets: Vec<String> = (0..CLASSES).map(|class| format!("n{class:08}")).collect();
        let lemmas: Vec<String> =
            (0..CLASSES).map(|class| format!("n{class:08}\tname {class}, other")).collect();
        let labels = Labels::read_synsets(&synsets.join("\n"), &lemmas.join("\n")).unwrap();
        assert_eq!(labels.name(652), "name 652");
        assert_eq!(labels.name(5000), "unknown");
    }

    #[test]
    fn numbered_names_are_the_same_names() {
        let names = |count: usize| {
            let names: HashMap<usize, String> =
                (0..count).map(|class| (class, format!("name {class}, other"))).collect();
            serde_json::to_string(&names).unwrap()
        };
        assert_eq!(Labels::read_numbered(&names(CLASSES)).unwrap().name(652), "name 652");
        let few = Labels::read_numbered(&names(3)).unwrap_err();
        assert_eq!(few, "3 classes, expected 1000");
        let gap = names(CLASSES).replacen("\"7\":", "\"7000\":", 1);
        assert_eq!(Labels::read_numbered(&gap).unwrap_err(), "the class 7 has no name");
        assert!(Labels::read_numbered("[]").is_err());
    }

    #[test]
    fn a_class_without_a_name_is_an_error() {
        assert!(Labels::read_synsets("n1\n", "n2\tcat\n").unwrap_err().contains("n1"));
        assert!(Labels::read_synsets("n1\n", "n1\tcat\n").unwrap_err().contains("expected 1000"));
    }
}
