//! Conditions on text.

use serde::{Deserialize, Serialize};

use super::oneof;

/// A condition on a text: path, header, query parameter and so on.
///
/// Istio's [`StringMatch`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch).
///
/// ```
/// use canary_core::istio::StringMatch;
///
/// let group: StringMatch = serde_json::from_str(r#"{"exact": "canary"}"#)?;
/// assert_eq!(group, StringMatch::exact("canary"));
/// assert_eq!(serde_json::to_string(&StringMatch::Present)?, "{}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StringMatchWire", into = "StringMatchWire")]
pub enum StringMatch {
    /// `exact`: the whole text, letter by letter.
    Exact(String),
    /// `prefix`: the text begins with this.
    Prefix(String),
    /// `regex`: the whole text matches this expression, in RE2 syntax.
    Regex(String),
    /// `{}`: the text is present, with any value.
    #[default]
    Present,
}

impl StringMatch {
    /// The whole text, letter by letter.
    pub fn exact(text: impl Into<String>) -> Self {
        Self::Exact(text.into())
    }

    /// The text begins with this.
    pub fn prefix(text: impl Into<String>) -> Self {
        Self::Prefix(text.into())
    }

    /// The whole text matches this expression, in RE2 syntax.
    pub fn regex(expression: impl Into<String>) -> Self {
        Self::Regex(expression.into())
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StringMatchWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
}

impl TryFrom<StringMatchWire> for StringMatch {
    type Error = String;

    fn try_from(wire: StringMatchWire) -> Result<Self, String> {
        let given = oneof::at_most_one([
            ("exact", wire.exact.map(Self::Exact)),
            ("prefix", wire.prefix.map(Self::Prefix)),
            ("regex", wire.regex.map(Self::Regex)),
        ])?;
        Ok(given.unwrap_or(Self::Present))
    }
}

impl From<StringMatch> for StringMatchWire {
    fn from(condition: StringMatch) -> Self {
        let mut wire = Self::default();
        match condition {
            StringMatch::Exact(text) => wire.exact = Some(text),
            StringMatch::Prefix(text) => wire.prefix = Some(text),
            StringMatch::Regex(expression) => wire.regex = Some(expression),
            StringMatch::Present => {}
        }
        wire
    }
}
