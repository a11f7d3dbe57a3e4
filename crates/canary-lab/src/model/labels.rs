//! The names of the 1000 classes: the synsets of the `ImageNet` challenge and their lemmas, from two text files.

use std::{collections::HashMap, fs, path::Path};

use canary_core::{Error, Result};

use super::efficientnet::CLASSES;

/// The names of the classes, in the order of the logits.
#[derive(Clone, Debug)]
pub struct Labels(Vec<String>);

impl Labels {
    /// Reads a file of synsets, one a line in the order of the classes, and a file of synsets with their lemmas.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a file cannot be read, or a class has no name.
    pub fn open(synsets: &Path, lemmas: &Path) -> Result<Self> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| Error::Manifest {
                what: path.display().to_string(),
                reason: format!("cannot read the class names: {error}"),
            })
        };
        Self::read(&read(synsets)?, &read(lemmas)?).map_err(|reason| Error::Manifest {
            what: format!("{} and {}", synsets.display(), lemmas.display()),
            reason,
        })
    }

    fn read(synsets: &str, lemmas: &str) -> Result<Self, String> {
        let names: HashMap<&str, &str> =
            lemmas.lines().filter_map(|line| line.split_once('\t')).collect();
        let labels: Vec<String> = synsets
            .lines()
            .map(str::trim)
            .filter(|synset| !synset.is_empty())
            .map(|synset| {
                names
                    .get(synset)
                    .map(|lemmas| lemmas.split(',').next().unwrap_or(lemmas).trim().to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lemma_is_the_name() {
        let synsets: Vec<String> = (0..CLASSES).map(|class| format!("n{class:08}")).collect();
        let lemmas: Vec<String> =
            (0..CLASSES).map(|class| format!("n{class:08}\tname {class}, other")).collect();
        let labels = Labels::read(&synsets.join("\n"), &lemmas.join("\n")).unwrap();
        assert_eq!(labels.name(652), "name 652");
        assert_eq!(labels.name(5000), "unknown");
    }

    #[test]
    fn a_class_without_a_name_is_an_error() {
        assert!(Labels::read("n1\n", "n2\tcat\n").unwrap_err().contains("n1"));
        assert!(Labels::read("n1\n", "n1\tcat\n").unwrap_err().contains("expected 1000"));
    }
}
