//! `canary.GatewayClass`.

use pyo3::prelude::*;

use super::gateway_api_class;

gateway_api_class!(
    GatewayClass,
    GatewayClass,
    "GatewayClass",
    "GatewayClassSpec",
    "The Gateway API's `GatewayClass`: gateways with a common controller.",
    {}
);
