//! `BackendTLSPolicy`: TLS from a proxy to a backend.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{object, object_ref::LocalObjectRef, union};
use crate::resource::{Version, namespaced};

/// TLS from a proxy to a backend, and the names that its certificate must have.
///
/// The Gateway API's [`BackendTLSPolicy`](https://gateway-api.sigs.k8s.io/reference/spec/#backendtlspolicy), in the
/// standard channel since 1.4. A `DestinationRule` of the same host wins over it.
#[derive(Clone, Debug, Default)]
pub struct BackendTlsPolicy {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: BackendTlsPolicySpec,
    /// The state that controllers report, as JSON.
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    BackendTlsPolicy,
    BackendTlsPolicySpec,
    "BackendTLSPolicy",
    "backendtlspolicies",
    SINCE_V1,
    "v1",
    NamespaceResourceScope
);
namespaced!(BackendTlsPolicy);

/// The backends and the settings of TLS.
///
/// The Gateway API's [`BackendTLSPolicySpec`](https://gateway-api.sigs.k8s.io/reference/spec/#backendtlspolicyspec).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    /// The backends, 1 to 16. Required.
    pub target_refs: Vec<PolicyTargetRef>,
    /// The check of the backend's certificate. Required.
    pub validation: BackendTlsPolicyValidation,
    /// Options of the controller, 16 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
}

/// A backend of the same namespace that a policy is for.
///
/// The Gateway API's `LocalPolicyTargetReferenceWithSectionName`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTargetRef {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind, such as `Service`. Required.
    pub kind: String,
    /// The name. Required.
    pub name: String,
    /// The name of a port. Default: every port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
}

/// The check of a backend's certificate.
///
/// The Gateway API's `BackendTLSPolicyValidation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicyValidation {
    /// The authorities that sign acceptable certificates, 8 at most. Excludes the well-known ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate_refs: Option<Vec<LocalObjectRef>>,
    /// `System` for the authorities that the proxy's system trusts.
    #[serde(rename = "wellKnownCACertificates", skip_serializing_if = "Option::is_none")]
    pub well_known_ca_certificates: Option<String>,
    /// The name sent in TLS, which the certificate must have unless `subject_alt_names` says otherwise. Required.
    pub hostname: String,
    /// The names of which the certificate must have one, 5 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_alt_names: Option<Vec<SubjectAltName>>,
}

/// A name in a certificate.
///
/// The Gateway API's `SubjectAltName`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SubjectAltNameWire", into = "SubjectAltNameWire")]
pub enum SubjectAltName {
    /// `hostname`: a host name.
    Hostname(String),
    /// `uri`: a URI, such as a SPIFFE identity.
    Uri(String),
}

/// The fields of a name.
#[derive(Clone, Serialize, Deserialize)]
struct SubjectAltNameWire {
    /// The type of the name, which names the field that is given. Required.
    #[serde(rename = "type")]
    name: SubjectAltNameType,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum SubjectAltNameType {
    Hostname,
    #[serde(rename = "URI")]
    Uri,
}

impl TryFrom<SubjectAltNameWire> for SubjectAltName {
    type Error = String;

    fn try_from(wire: SubjectAltNameWire) -> Result<Self, String> {
        let SubjectAltNameWire { name, hostname, uri } = wire;
        let found = match name {
            SubjectAltNameType::Hostname => "Hostname",
            SubjectAltNameType::Uri => "URI",
        };
        let given = [("hostname", "Hostname", hostname.is_some()), ("uri", "URI", uri.is_some())];
        union::check("G153", found, &given)?;
        let hostname = hostname.map(Self::Hostname);
        hostname.or(uri.map(Self::Uri)).ok_or_else(|| "a name without a value".to_owned())
    }
}

impl From<SubjectAltName> for SubjectAltNameWire {
    fn from(name: SubjectAltName) -> Self {
        match name {
            SubjectAltName::Hostname(hostname) => {
                Self { name: SubjectAltNameType::Hostname, hostname: Some(hostname), uri: None }
            }
            SubjectAltName::Uri(uri) => {
                Self { name: SubjectAltNameType::Uri, hostname: None, uri: Some(uri) }
            }
        }
    }
}
