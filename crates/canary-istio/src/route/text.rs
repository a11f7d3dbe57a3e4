//! Compiled text conditions: Istio's `StringMatch`.

use std::sync::Arc;

use regex_automata::meta::Regex;

use super::expressions::Expressions;
use crate::networking::StringMatch;

/// A `StringMatch` with its expression compiled.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// Any value, also an empty one.
    Present,
    /// This value.
    Exact(Box<str>),
    /// Values with this prefix.
    Prefix(Box<str>),
    /// Values that the expression matches as a whole.
    Regex(Arc<Regex>, Box<str>),
}

impl Text {
    /// Compiles a condition; the error says what is wrong with the expression.
    pub(super) fn new(
        written: &StringMatch,
        expressions: &mut Expressions,
    ) -> Result<Self, String> {
        Ok(match written {
            StringMatch::Present => Self::Present,
            StringMatch::Exact(value) => Self::Exact(value.as_str().into()),
            StringMatch::Prefix(value) => Self::Prefix(value.as_str().into()),
            // Istio treats a single star as presence, although it is not a valid expression.
            StringMatch::Regex(value) if value == "*" => Self::Present,
            StringMatch::Regex(value) => {
                Self::Regex(expressions.full_match(value)?, value.as_str().into())
            }
        })
    }

    /// Returns true when a value that is there fulfils the condition.
    pub(super) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Exact(wanted) => value == &**wanted,
            Self::Prefix(wanted) => value.starts_with(&**wanted),
            Self::Regex(regex, _) => regex.is_match(value),
        }
    }

    /// The condition in words: `exactly "canary"`.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Present => "any value".to_owned(),
            Self::Exact(value) => format!("exactly {value:?}"),
            Self::Prefix(value) => format!("prefix {value:?}"),
            Self::Regex(_, source) => format!("a whole match of the expression {source}"),
        }
    }
}

/// Returns `true` for a condition that requires no value, in either of the forms that Istio has for it.
pub(super) fn is_presence(written: &StringMatch) -> bool {
    match written {
        StringMatch::Present => true,
        StringMatch::Regex(expression) => expression == "*",
        StringMatch::Exact(_) | StringMatch::Prefix(_) => false,
    }
}
