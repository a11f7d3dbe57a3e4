//! `canary.MonitoringConfig`.

use canary_core::serving;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{error::IntoPy, finding::Finding, macros::pymethods, show};

/// Metrics of TensorFlow Serving.
#[binding("MonitoringConfig()")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct MonitoringConfig(pub(crate) serving::MonitoringConfig);

pymethods! {
    MonitoringConfig [value, card(render_value)]
    get |monitoring| {
        path: &str = &monitoring.0.path;
        enable: bool = monitoring.0.enable;
    }
    methods {
        #[new]
        #[pyo3(signature = (path = "/monitoring/prometheus/metrics", *, enable = true))]
        fn new(path: &str, enable: bool) -> PyResult<Self> {
            let monitoring = serving::MonitoringConfig { enable, path: path.to_owned() };
            monitoring.validate().into_result().py()?;
            Ok(Self(monitoring))
        }

        #[staticmethod]
        fn from_text(text: &str) -> PyResult<Self> {
            text.parse().map(Self).py()
        }

        fn to_text(&self) -> String {
            self.0.to_text()
        }

        fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.0.validate().into_iter().map(Finding).collect())
        }

        fn __repr__(&self) -> String {
            let enable = if self.0.enable { "" } else { ", enable=False" };
            format!("MonitoringConfig({:?}{enable})", self.0.path)
        }
    }
}
