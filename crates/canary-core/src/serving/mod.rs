//! `serving`
