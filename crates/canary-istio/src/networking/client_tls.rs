//! TLS from a client's proxy to a service.

use serde::{Deserialize, Serialize};

/// TLS from a client's proxy to a service.
///
/// Istio's [`ClientTLSSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientTlsSettings {
    /// The use of TLS, and the sides that show a certificate. Default `DISABLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ClientTlsMode>,
    /// The path of the client's certificate in the proxy. Required for `MUTUAL` with files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The path of the client's private key in the proxy. Required for `MUTUAL` with files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// The path of the authorities that the server's certificate is checked against. Default: the
    /// certificate is checked against the operating system's where the mesh says so, else not at
    /// all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// The secret with certificate, key and authorities, in place of the paths; for gateways, and
    /// for sidecars chosen by a `workload_selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// The names of which one must stand in the server's certificate. Default: derived from the
    /// service in the mesh, else any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_alt_names: Option<Vec<String>>,
    /// The server name sent in the handshake. Default: the `Host` header, else the destination's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Accept a server's certificate that does not verify. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
    /// The path of a list of revoked server certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<String>,
}

/// The use of TLS, and the sides that show a certificate.
///
/// Istio's [`TLSmode`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings-TLSmode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClientTlsMode {
    /// No TLS.
    #[default]
    #[serde(rename = "DISABLE")]
    Disable,
    /// The server shows a certificate.
    #[serde(rename = "SIMPLE")]
    Simple,
    /// Both sides show a certificate; the client's is given here.
    #[serde(rename = "MUTUAL")]
    Mutual,
    /// Both sides show the certificate that Istio issued to them; no other setting may be given.
    #[serde(rename = "ISTIO_MUTUAL")]
    IstioMutual,
}
