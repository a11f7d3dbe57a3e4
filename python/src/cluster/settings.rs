//! The settings of a cluster.

use std::path::PathBuf;

use canary_core::cluster::ObjectRef;
use pyo3::{exceptions::PyValueError, prelude::*};

/// The settings of a connection to a cluster; it is opened at the first call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) namespace: String,
}

impl Settings {
    /// The namespace given, or the cluster's own; empty for a kind that belongs to none.
    pub(super) fn namespace_of(&self, kind: &str, given: Option<String>) -> String {
        if ObjectRef::is_cluster_wide(kind) {
            return String::new();
        }
        given.unwrap_or_else(|| self.namespace.clone())
    }

    /// The reference of an object.
    pub(super) fn object(
        &self,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<ObjectRef> {
        let namespace = self.namespace_of(kind, namespace);
        Ok(ObjectRef::new(version_of(kind, api_version)?, kind, namespace, name))
    }
}

/// The version given, or that of the kind.
pub(super) fn version_of(kind: &str, given: Option<String>) -> PyResult<String> {
    let known = || ObjectRef::version_of(kind).map(str::to_owned);
    given.or_else(known).ok_or_else(|| {
        PyValueError::new_err(format!("{kind} is not a known kind; name its api_version too"))
    })
}
