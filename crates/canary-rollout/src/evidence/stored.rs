//! Observations as a run stores them: one JSON object a line, with the splits that were in force.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{
    Timestamp,
    observation::{Observation, Seen},
};
use crate::{Error, Result, Split};

/// A line of the observations that a run stores, for [`Plan::replay`](crate::Plan::replay).
///
/// ```
/// use canary_core::{evidence::{Stored, Timestamp}, rollout::Split};
///
/// let split = Stored::Split { at: Timestamp(7), split: Split::new(30) };
/// let mut file = Vec::new();
/// split.write(&mut file)?;
/// assert_eq!(file, br#"{"split":{"at":7,"split":{"canary":30}}}
/// "#);
/// let lines: Vec<Stored> = Stored::read(&file[..]).collect::<Result<_, _>>()?;
/// assert_eq!(lines, [split]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Stored {
    /// A driver began, or went on after an interruption; the time before it counts for nothing.
    #[serde(rename_all = "camelCase")]
    Started {
        /// When.
        at: Timestamp,
        /// The stable subset.
        stable: String,
        /// The canary's subset.
        canary: String,
    },
    /// A split was in force from that moment on.
    Split {
        /// Since when.
        at: Timestamp,
        /// The split.
        split: Split,
    },
    /// Something was seen.
    Observed(Observation),
    /// A label came later than its pair.
    Labelled {
        /// When.
        at: Timestamp,
        /// The name of the pair's input.
        id: String,
        /// The true class.
        truth: String,
    },
}

impl Stored {
    /// Writes the line.
    ///
    /// # Errors
    /// As of writing.
    pub fn write(&self, file: &mut (impl Write + ?Sized)) -> std::io::Result<()> {
        // JSON cannot express such a score, and it is not evidence.
        if let Self::Observed(Observation { what: Seen::Score(score), .. }) = self
            && !score.value.is_finite()
        {
            return Ok(());
        }
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Reads the lines of a file.
    ///
    /// # Errors
    /// Each item: [`Error::Manifest`](Error) with the number of the line that cannot be read.
    pub fn read(file: impl BufRead) -> impl Iterator<Item = Result<Self>> {
        let numbered = file.lines().enumerate();
        numbered.filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty())).map(
            |(number, line)| {
                let wrong = |why: String| {
                    Error::manifest("stored observations", format!("line {}: {why}", number + 1))
                };
                let line = line.map_err(|error| wrong(error.to_string()))?;
                serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let text = "\n{\"split\": {\"at\": 1, \"split\": {\"canary\": 5}}}\n{\"cut";
        let lines: Vec<_> = Stored::read(text.as_bytes()).collect();
        assert!(lines[0].is_ok());
        let error = lines[1].as_ref().unwrap_err().to_string();
        assert!(error.contains("stored observations") && error.contains("line 3"), "{error}");
    }
}
