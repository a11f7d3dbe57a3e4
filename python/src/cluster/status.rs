//! `canary.Status`.

use canary_core::cluster;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{macros::pymethods, rollout::verdict::Verdict};

/// The state of a rollout on a cluster.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Status {
    pub(super) core: cluster::Status,
}

pymethods! {
    Status [value, dict, card(render_status)]
    get |status| {
        verdict: Option<Verdict> =
            status.core.rollout.as_ref().map(|rollout| Verdict { core: rollout.verdict.clone(), stored: None });
        driver: Option<&str> = status.core.driver.as_deref();
    }
    methods {
        fn __str__(&self) -> String {
            self.core.to_string()
        }

        fn __repr__(&self) -> String {
            format!("Status({:?})", self.core.object)
        }
    }
}
