//! The requests that a rollout leads to the canary beside those with the plan's header.

use std::collections::BTreeMap;

use canary_istio::networking::StringMatch;
use serde::{Deserialize, Serialize};

/// A condition on requests that go to the canary at any weight: all parts given must hold.
///
/// The conditions are in the route that the driver makes for the plan's header
/// ([`HeaderRoute`](super::HeaderRoute)) and go with it at the end. A request that fulfils one is sent to the canary with
/// the plan's header added, so that the service behind, and Istio's metrics once
/// `mark_header` is in the mesh, can tell these requests from those that the weights divide.
///
/// ```
/// use canary_core::{Plan, istio::StringMatch, rollout::CanaryMatch};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .canary_match(CanaryMatch::new().header("x-team", StringMatch::prefix("ml-")))
///     .canary_match(CanaryMatch::new().cookie("beta", "1"));
/// assert!(plan.to_yaml()?.contains("cookie:"));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryMatch {
    /// Request headers by name, in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, StringMatch>,
    /// A cookie with its exact value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<Cookie>,
    /// Query parameters by name; the first value of a name counts. Not for a `GRPCRoute`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query_params: BTreeMap<String, StringMatch>,
    /// Labels of the workload that sends the request: for sidecars, and for a `VirtualService` alone
    /// (`HTTPMatchRequest.sourceLabels`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_labels: BTreeMap<String, String>,
}

impl CanaryMatch {
    /// A condition without parts, to which at least one is added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition on a request header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, condition: StringMatch) -> Self {
        self.headers.insert(name.into(), condition);
        self
    }

    /// Sets the cookie.
    #[must_use]
    pub fn cookie(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.cookie = Some(Cookie { name: name.into(), value: value.into() });
        self
    }

    /// Adds a condition on a query parameter.
    #[must_use]
    pub fn query_param(mut self, name: impl Into<String>, condition: StringMatch) -> Self {
        self.query_params.insert(name.into(), condition);
        self
    }

    /// Adds a label of the workload that sends the request.
    #[must_use]
    pub fn source_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.source_labels.insert(name.into(), value.into());
        self
    }

    /// `true` without any part, which every request would fulfil.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A cookie of a request, with its exact value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cookie {
    /// The cookie's name.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
}

impl Cookie {
    /// The condition on the header `cookie`, in which a client lists its cookies (RFC 6265, section 4.2.1).
    pub(crate) fn condition(&self) -> StringMatch {
        let pair = canary_istio::validate::literal(&format!("{}={}", self.name, self.value));
        StringMatch::regex(format!("(.*; ?)?{pair}(;.*)?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_istio::validate::is_full_match;

    #[test]
    fn a_cookie_is_found_among_others_and_by_its_whole_name_and_value() {
        let StringMatch::Regex(expression) =
            Cookie { name: "beta".into(), value: "1.0".into() }.condition()
        else {
            panic!("an expression");
        };
        for there in ["beta=1.0", "a=b; beta=1.0", "beta=1.0; c=d", "a=b;beta=1.0;c=d"] {
            assert_eq!(is_full_match(&expression, there), Some(true), "{there}");
        }
        for other in ["", "beta=1x0", "xbeta=1.0", "a=beta=1.0", "beta=1.00", "beta=1"] {
            assert_eq!(is_full_match(&expression, other), Some(false), "{other}");
        }
    }
}
