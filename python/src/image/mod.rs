//! Images: their decoding, and their preparation for a model.

pub(crate) mod decode;
pub(crate) mod preprocess;
mod settings;
mod source;
