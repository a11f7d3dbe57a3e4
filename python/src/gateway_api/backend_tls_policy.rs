//! `canary.BackendTlsPolicy`.

use pyo3::prelude::*;

use super::gateway_api_class;

gateway_api_class!(
    BackendTlsPolicy,
    BackendTlsPolicy,
    "BackendTLSPolicy",
    "BackendTlsPolicySpec",
    "The Gateway API's `BackendTLSPolicy`: TLS from a proxy to a backend.",
    {}
);
