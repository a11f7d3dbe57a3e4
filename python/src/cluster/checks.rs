//! The checks of a preflight.

use canary_core::cluster::PreflightOptions;
use pyo3::prelude::*;

use super::{settings::Settings, workload::Workload};
use crate::rollout::plan::Plan;

/// The checks for what is given.
pub(super) fn checks(
    settings: &Settings,
    plan: Option<&Bound<'_, Plan>>,
    virtual_service: Option<&str>,
    workload: Option<&Bound<'_, Workload>>,
    istio_namespace: &str,
) -> PreflightOptions {
    let mut checks = PreflightOptions::new(&settings.namespace);
    istio_namespace.clone_into(&mut checks.istio_namespace);
    if let Some(name) = virtual_service {
        checks = checks.virtual_service(name);
    }
    if let Some(plan) = plan {
        checks = checks.plan(&plan.get().core);
    }
    if let Some(workload) = workload {
        checks = checks.workload(workload.get().0.clone());
    }
    checks
}
