//! TLS of a gateway's server: modes, certificates, versions.

use serde::{Deserialize, Serialize};

/// The TLS settings of a gateway's port towards its clients.
///
/// Istio's [`ServerTLSSettings`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerTlsSettings {
    /// Answer every plain HTTP request with a 301 to `https`. For `HTTP` ports. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_redirect: Option<bool>,
    /// Which side shows a certificate, and whether TLS ends here. Default `PASSTHROUGH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ServerTlsMode>,
    /// The path of the server's certificate in the proxy. Required for `SIMPLE` and `MUTUAL` when
    /// no credential is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate: Option<String>,
    /// The path of the server's private key in the proxy. Required wherever `server_certificate`
    /// is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// The path of the authorities that sign acceptable client certificates. Required for `MUTUAL`
    /// with files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// The path of a list of revoked client certificates. For `MUTUAL` and `OPTIONAL_MUTUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<String>,
    /// The secret with certificate and key (and `ca.crt` for mutual TLS), in the gateway's
    /// namespace; for gateways on Kubernetes, in place of the paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// One or two secrets, as in `credential_name`; two when an RSA and an ECDSA certificate are
    /// offered. Excludes `credential_name` and `tls_certificates`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_names: Option<Vec<String>>,
    /// The secret or config map with the authorities alone (`ca.crt`), kept apart from the server's
    /// own certificate. For `MUTUAL` and `OPTIONAL_MUTUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert_credential_name: Option<String>,
    /// One or two certificates by path, for RSA and ECDSA together. Excludes `server_certificate`,
    /// `private_key`, `ca_certificates` and the credential names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificates: Option<Vec<TlsCertificate>>,
    /// The names of which one must stand in the client's certificate. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_alt_names: Option<Vec<String>>,
    /// Base64 SHA-256 digests of acceptable client public keys. With `verify_certificate_hash`,
    /// either match is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_certificate_spki: Option<Vec<String>>,
    /// Hexadecimal SHA-256 digests of acceptable client certificates, with or without colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_certificate_hash: Option<Vec<String>>,
    /// The lowest TLS version spoken. Default `TLS_AUTO`, which is 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_protocol_version: Option<TlsProtocol>,
    /// The highest TLS version spoken. Default `TLS_AUTO`, which is 1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_protocol_version: Option<TlsProtocol>,
    /// The cipher suites offered up to TLS 1.2, in Envoy's names. Default: Envoy's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_suites: Option<Vec<String>>,
    /// The curves offered for the key exchange, in Envoy's names. Default: Envoy's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecdh_curves: Option<Vec<String>>,
    /// Accept client certificates that do not verify. For `MUTUAL` and `OPTIONAL_MUTUAL`. Default
    /// `false`; weakens mutual TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
}

/// Which side shows a certificate, and whether TLS ends at the gateway.
///
/// Istio's [`TLSmode`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSmode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServerTlsMode {
    /// TLS is not ended here; the SNI chooses the `tls` route.
    #[default]
    #[serde(rename = "PASSTHROUGH")]
    Passthrough,
    /// The server shows a certificate.
    #[serde(rename = "SIMPLE")]
    Simple,
    /// Both sides show a certificate.
    #[serde(rename = "MUTUAL")]
    Mutual,
    /// As `PASSTHROUGH`, but the SNI itself names the destination; no `VirtualService` is needed.
    #[serde(rename = "AUTO_PASSTHROUGH")]
    AutoPassthrough,
    /// Both sides show the certificate that Istio issued to them; no other setting may be given.
    #[serde(rename = "ISTIO_MUTUAL")]
    IstioMutual,
    /// As `MUTUAL`, but a client without a certificate is let in.
    #[serde(rename = "OPTIONAL_MUTUAL")]
    OptionalMutual,
}

/// A version of TLS.
///
/// Istio's [`TLSProtocol`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSProtocol).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TlsProtocol {
    /// The version is left to Istio.
    #[default]
    #[serde(rename = "TLS_AUTO")]
    Auto,
    /// TLS 1.0.
    #[serde(rename = "TLSV1_0")]
    V1_0,
    /// TLS 1.1.
    #[serde(rename = "TLSV1_1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "TLSV1_2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "TLSV1_3")]
    V1_3,
}

/// One certificate of a server, by paths in the proxy.
///
/// Istio's [`TLSCertificate`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSCertificate).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsCertificate {
    /// The path of the certificate. Required for `SIMPLE` and `MUTUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate: Option<String>,
    /// The path of its private key. Required for `SIMPLE` and `MUTUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// The path of the authorities that sign acceptable client certificates. Required for `MUTUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
}
