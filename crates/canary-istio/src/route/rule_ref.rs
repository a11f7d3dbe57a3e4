//! References to rules, for decisions and explanations.

use serde::{Deserialize, Serialize};

/// A rule, and the entry of its `match`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleRef {
    /// The VirtualService or the route, as `VirtualService namespace/name` or `HTTPRoute namespace/name`.
    pub object: String,
    /// The place in it: `spec.http[0].match[1]`, or `spec.http[0]` for a rule without matches; in a route of the
    /// Gateway API `spec.rules[0].matches[1]`, or `spec.rules[0]` for a rule without matches in its text.
    pub path: String,
    /// Envoy's name of the route: those of rule and match, joined with a dot; empty when the rule has none. A rule
    /// without a name in a route of the Gateway API has the name `namespace.route.index`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The rule of a delegate that stands in for it, as object and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
}

impl std::fmt::Display for RuleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.object, self.path)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        if let Some(delegate) = &self.delegate {
            write!(f, " by {delegate}")?;
        }
        Ok(())
    }
}
