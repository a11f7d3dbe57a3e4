//! Helpers shared by the workspace tests.

pub mod apiserver;
pub mod parts;
