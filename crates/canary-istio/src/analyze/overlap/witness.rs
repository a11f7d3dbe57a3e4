//! A request that proves a claim.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Witness {
    /// The method, such as `GET`.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host, with a port if need be.
    pub authority: String,
    /// The path, with the query.
    pub path: String,
    /// The headers, by their name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The port of the listener that it comes to.
    pub port: u16,
    /// The gateway that it comes to, as the `VirtualService` names it, or `mesh`.
    pub gateway: String,
    /// The namespace of the workload that sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// The labels of the workload that sends it.
    pub source_labels: BTreeMap<String, String>,
    /// Claims of its token, by the name of the header that matches them.
    pub claims: BTreeMap<String, String>,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}://{}{}`", self.method, self.scheme, self.authority, self.path)?;
        for (name, value) in &self.headers {
            write!(f, " with {name}: {value:?}")?;
        }
        for (name, value) in &self.claims {
            write!(f, " with claim {name} {value:?}")?;
        }
        if let Some(namespace) = &self.source_namespace {
            write!(f, " from namespace {namespace}")?;
        }
        for (name, value) in &self.source_labels {
            write!(f, " from a workload with {name}={value}")?;
        }
        Ok(())
    }
}
