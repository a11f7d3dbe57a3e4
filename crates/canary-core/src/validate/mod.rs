//! `validate`
