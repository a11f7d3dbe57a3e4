//! Images: their decoding, and their preparation for a model.

pub(crate) mod decode;
pub(crate) mod models;
mod names;
pub(crate) mod preprocess;
mod repr;
mod settings;
mod source;
