//! `canary.VersionLabels`.

use canary_core::rollout::{self, Target};
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{convert::value, macros::pymethods};

/// The labels of two versions of one model in the same TensorFlow Servings. As text it is a plan's target.
#[binding("VersionLabels(\"pets\", 42, deployment=\"classifiers-v1\", service=\"classifiers\")")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Target", into = "Target")]
pub(crate) struct VersionLabels {
    pub(crate) core: rollout::VersionLabels,
}

impl From<VersionLabels> for Target {
    fn from(labels: VersionLabels) -> Self {
        labels.core.into()
    }
}

impl TryFrom<Target> for VersionLabels {
    type Error = &'static str;

    fn try_from(target: Target) -> Result<Self, Self::Error> {
        match target {
            Target::VersionLabels(core) => Ok(Self { core }),
            _ => Err("the target is not versionLabels; see canary.Target for routes"),
        }
    }
}

pymethods! {
    VersionLabels [value, dict, card(render_value)]
    get |labels| {
        model: &str = &labels.core.model;
        version: i64 = labels.core.version;
        deployment: &str = &labels.core.deployment;
        service: &str = &labels.core.service;
        namespace: &str = &labels.core.namespace;
        config_map: &str = &labels.core.config_map;
        file: &str = &labels.core.file;
        state_object: String = labels.core.config_map_ref().to_string();
    }
    methods {
        #[new]
        #[pyo3(signature = (model, version, *, deployment, service, namespace = "default", config_map = None, file = None))]
        fn new(
            model: &str,
            version: i64,
            deployment: &str,
            service: &str,
            namespace: &str,
            config_map: Option<String>,
            file: Option<String>,
        ) -> Self {
            let mut core = rollout::VersionLabels::new(model, version)
                .deployment(deployment)
                .service(service)
                .namespace(namespace);
            core.config_map = config_map.unwrap_or(core.config_map);
            core.file = file.unwrap_or(core.file);
            Self { core }
        }

        fn __repr__(&self) -> PyResult<String> {
            Ok(format!("VersionLabels({})", value::json(&Target::from(self.core.clone()))?))
        }
    }
}
