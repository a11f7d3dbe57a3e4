//! TLS settings of a whole gateway.

use serde::{Deserialize, Serialize};

use super::object_ref::{ObjectRef, SecretRef};

/// TLS settings of a whole gateway, towards backends and clients.
///
/// The Gateway API's [`GatewayTLSConfig`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewaytlsconfig).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayTls {
    /// Settings towards backends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendTls>,
    /// Settings towards clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontend: Option<FrontendTls>,
}

/// TLS settings towards backends.
///
/// The Gateway API's `GatewayBackendTLS`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTls {
    /// The certificate that the gateway shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<SecretRef>,
}

/// TLS settings towards clients.
///
/// The Gateway API's `FrontendTLSConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTls {
    /// Settings of every port that `per_port` does not name. Required.
    pub default: FrontendTlsConfig,
    /// Settings of single ports, 64 at most, with different ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_port: Option<Vec<FrontendTlsPort>>,
}

/// TLS settings of one port towards clients.
///
/// The Gateway API's `TLSPortConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTlsPort {
    /// The port, 1 to 65535. Required.
    pub port: u32,
    /// Its settings. Required.
    pub tls: FrontendTlsConfig,
}

/// Settings of TLS towards clients.
///
/// The Gateway API's `TLSConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTlsConfig {
    /// The check of client certificates. Default: none is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<FrontendValidation>,
}

/// The check of client certificates.
///
/// The Gateway API's `FrontendTLSValidation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendValidation {
    /// The authorities that sign acceptable certificates, 1 to 16. Required.
    pub ca_certificate_refs: Vec<ObjectRef>,
    /// The treatment of other clients. Default: `AllowValidOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<FrontendValidationMode>,
}

/// The treatment of clients without an acceptable certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FrontendValidationMode {
    /// They are refused.
    #[default]
    AllowValidOnly,
    /// They are let in.
    AllowInsecureFallback,
}
