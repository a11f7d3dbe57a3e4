//! Shared by the examples in this folder; see README.md for their index.
