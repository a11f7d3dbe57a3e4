//! Waiting for a Deployment.

use std::time::Duration;

use pyo3::prelude::*;

use super::{settings::Settings, workload::Workload};
use crate::convert::time::Seconds;

/// The Deployment to wait for, and the longest wait.
pub(super) struct Wait {
    pub(super) namespace: String,
    pub(super) deployment: String,
    pub(super) timeout: Duration,
}

impl Wait {
    /// A Deployment by its name, or that of a workload.
    pub(super) fn new(
        settings: &Settings,
        what: &Bound<'_, PyAny>,
        timeout: Option<Seconds>,
    ) -> PyResult<Self> {
        let timeout = timeout.map_or(Duration::from_secs(300), Into::into);
        let (namespace, deployment) = match what.cast::<Workload>() {
            Ok(workload) => {
                let workload = &workload.get().0;
                (workload.namespace.clone(), workload.deployment_name())
            }
            Err(_) => (settings.namespace.clone(), what.extract()?),
        };
        Ok(Self { namespace, deployment, timeout })
    }
}
