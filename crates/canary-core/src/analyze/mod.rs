//! `analyze`
