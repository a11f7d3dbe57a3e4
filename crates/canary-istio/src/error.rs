//! The errors of this crate.

use crate::finding::Findings;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A text that is not an object, or an object that the mesh would refuse.
///
/// ```
/// use canary_core::{Manifest, manifest::Error};
///
/// let error = Manifest::read("kind: [").unwrap_err();
/// assert!(matches!(error, Error::Manifest { .. }), "{error}");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the YAML or JSON of the object expected: correct the text.
    #[error("cannot read {what}: {reason}")]
    Manifest {
        /// The file or object that was being read.
        what: String,
        /// The reason, with line and column where they are known.
        reason: String,
    },
    /// An object breaks rules of the mesh: every finding is listed.
    #[error("{0}")]
    Invalid(Findings),
}
