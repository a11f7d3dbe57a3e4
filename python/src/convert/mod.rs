//! Values of Python as the core's, and the core's as Python's.

pub(crate) mod choice;
pub(crate) mod file;
pub(crate) mod given;
pub(crate) mod names;
pub(crate) mod percent;
pub(crate) mod plain;
pub(crate) mod proxy;
pub(crate) mod time;
pub(crate) mod value;
