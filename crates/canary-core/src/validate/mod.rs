//! `validate`

pub(crate) mod re2;
