//! `manifest`
