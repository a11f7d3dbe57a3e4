//! Copies of requests for another backend.

use serde::{Deserialize, Serialize};

use super::backend_object_ref::BackendObjectRef;

/// A backend that gets a copy of requests; its responses are dropped.
///
/// The Gateway API's
/// [`HTTPRequestMirrorFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httprequestmirrorfilter).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestMirror {
    /// The backend. Required.
    pub backend_ref: BackendObjectRef,
    /// The share of requests, in percent, 0 to 100. Excludes `fraction`. Default: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<i32>,
    /// The share of requests, as a fraction. Excludes `percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<Fraction>,
}

/// A share.
///
/// The Gateway API's [`Fraction`](https://gateway-api.sigs.k8s.io/reference/spec/#fraction).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fraction {
    /// 0 or more, and the denominator at most. Required.
    pub numerator: i32,
    /// 1 or more. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denominator: Option<i32>,
}

impl RequestMirror {
    /// Copies of all requests for this backend.
    pub fn new(backend_ref: BackendObjectRef) -> Self {
        Self { backend_ref, ..Self::default() }
    }

    /// Sets the share of requests, in percent.
    #[must_use]
    pub fn percent(mut self, percent: i32) -> Self {
        self.percent = Some(percent);
        self.fraction = None;
        self
    }

    /// Sets the share of requests, as a fraction.
    #[must_use]
    pub fn fraction(mut self, numerator: i32, denominator: i32) -> Self {
        self.fraction = Some(Fraction { numerator, denominator: Some(denominator) });
        self.percent = None;
        self
    }
}

impl Fraction {
    /// The denominator, or its default of 100.
    pub fn denominator_or_default(&self) -> i32 {
        self.denominator.unwrap_or(100)
    }
}
