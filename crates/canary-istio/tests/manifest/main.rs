//! Text to objects and back: the seed's files, strictness, losslessness, hostile input.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

mod hostile;
mod lossless;
mod places;
mod schema;
mod seed;
mod strict;
