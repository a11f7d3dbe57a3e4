//! `predict`
