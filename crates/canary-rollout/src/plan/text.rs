//! A plan as text, and the digest of its contents.

use super::Plan;
use crate::{Error, Result};

impl Plan {
    /// A digest of the plan's contents, equal on every platform for equal plans: 32 hexadecimal digits.
    ///
    /// It is XXH3 (128 bits) of the plan's JSON with sorted keys. It distinguishes a changed plan from the one that a
    /// stored state belongs to; it does not protect against forgery.
    pub fn hash(&self) -> String {
        // `Value` keeps keys sorted, so the text does not depend on the order of fields in this file.
        let text = serde_json::to_value(self).unwrap_or_default().to_string();
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }

    /// Reads a plan from YAML or JSON; unknown fields are errors.
    ///
    /// Reading checks only the form; call [`Plan::validate`] for the rules of a plan.
    ///
    /// # Errors
    /// [`Error::Manifest`] with line and column when the text is not a plan.
    pub fn from_yaml(text: &str) -> Result<Self> {
        Ok(canary_istio::manifest::read_document("plan", text)?)
    }

    /// Reads a plan from JSON; unknown fields are errors.
    ///
    /// # Errors
    /// [`Error::Manifest`] with line and column when the text is not a plan.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::manifest("plan", error.to_string()))
    }

    /// The plan as YAML.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a number in it cannot be written.
    pub fn to_yaml(&self) -> Result<String> {
        serde_saphyr::to_string(self).map_err(|error| Error::manifest("plan", error.to_string()))
    }
}
