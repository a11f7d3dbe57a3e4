//! The contents of a response to a prediction.

use super::Outputs;

/// The contents of a response to a prediction.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) outputs: Outputs,
    /// The version of the model that responded, where the response names it.
    pub(crate) version: Option<String>,
}

impl Reading {
    /// The outputs with the version that the response names; an empty name is none.
    pub(crate) fn new(outputs: Outputs, version: Option<String>) -> Self {
        Self { outputs, version: version.filter(|version| !version.is_empty()) }
    }
}

impl From<Outputs> for Reading {
    fn from(outputs: Outputs) -> Self {
        Self::new(outputs, None)
    }
}
