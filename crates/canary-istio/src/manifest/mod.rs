//! YAML and JSON text to objects and back: the only door through which text becomes an object.
//!
//! [`Manifest::read`] is strict: an unknown field, a value of the wrong type, a duplicate key or a
//! text that YAML takes for a number is an error with its path, line and remedy, and all of them are
//! reported together. [`Manifest::read_lenient`] gives what can be read and the findings.
//!
//! The text may be one document or several, in YAML or JSON, and may wrap objects into a `List`.
//! Scalars are understood as Kubernetes' own YAML reader understands them, which is YAML 1.1: `yes`,
//! `on` and `0644` are not texts.

mod documents;
mod json;
mod nearest;
mod notes;
mod object;
mod problem;
mod read;
mod reader;
mod scalar;
mod source;
mod tree;
mod typed;
mod variant;
mod yaml;

pub use crate::error::{Error, Result};
pub use documents::Manifest;
pub use nearest::nearest;
pub use object::{Object, ToObject};
pub use source::{Source, locate};
pub use typed::read_document;
