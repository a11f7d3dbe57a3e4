//! `canary.InferenceService`.

use canary_core::serving::{self, DeploymentMode};
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyDict};
use serde::{Deserialize, Serialize};

use crate::{error::IntoPy, json, macros::pymethods};

/// KServe's object for a model.
#[binding("InferenceService.from_dict(object)")]
#[pyclass(frozen, eq, module = "canary")]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct InferenceService(serving::InferenceService);

pymethods! {
    InferenceService [value, card(render_value)]
    get |service| {
        name: &str = &service.0.name;
        namespace: &str = &service.0.namespace;
        deployment_name: String = service.0.deployment_name();
        mode: &'static str = match service.0.mode {
            DeploymentMode::Standard => "Standard",
            _ => "Knative",
        };
        model_format: Option<&str> = service.0.predictor.model_format.as_deref();
        protocol_version: Option<&str> = service.0.predictor.protocol_version.as_deref();
        runtime: Option<&str> = service.0.predictor.runtime.as_deref();
        storage_uri: Option<&str> = service.0.predictor.storage_uri.as_deref();
        canary_percent: Option<u8> = service.0.predictor.traffic_percent;
        ready: Option<bool> = service.0.ready;
        url: Option<&str> = service.0.url.as_deref();
    }
    methods {
        #[staticmethod]
        fn from_dict(object: &Bound<'_, PyAny>) -> PyResult<Self> {
            serving::InferenceService::from_value(&json::from_python(object)?).map(Self).py()
        }

        #[staticmethod]
        fn from_text(text: &str) -> PyResult<Self> {
            text.parse().map(Self).py()
        }

        fn traffic<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
            let row = |share: serving::TrafficShare| {
                let row = PyDict::new(py);
                row.set_item("revision", share.revision)?;
                row.set_item("percent", share.percent)?;
                row.set_item("latest", share.latest)?;
                Ok(row)
            };
            self.0.traffic().into_iter().map(row).collect()
        }

        fn __repr__(&self) -> String {
            let traffic: Vec<_> = self.0.traffic().iter().map(ToString::to_string).collect();
            format!("<InferenceService {}/{}: {}>", self.0.namespace, self.0.name, traffic.join(", "))
        }
    }
}
