//! Answers to browsers that ask for cross-origin access.

use serde::{Deserialize, Serialize};

/// The origins, methods and headers that browsers may use from pages of other origins.
///
/// The Gateway API's [`HTTPCORSFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter), in the standard
/// channel since 1.5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cors {
    /// Origins such as `https://shop.example.com` or `https://*.example.com`, or `*` alone; 64 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_origins: Option<Vec<String>>,
    /// Allow requests with cookies. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Methods in capitals, or `*` alone; 9 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_methods: Option<Vec<String>>,
    /// Headers of requests, or `*` alone; 64 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_headers: Option<Vec<String>>,
    /// Headers of responses that pages can read; 64 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<Vec<String>>,
    /// The seconds for which a browser may keep the answer, 1 or more. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i32>,
}
