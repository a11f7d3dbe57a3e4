//! `canary.ModelServerConfig`.

use canary_core::serving;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use super::model_config::ModelConfig;
use crate::{error::IntoPy, finding::Finding, macros::pymethods, show};

/// The models of a server.
#[binding("ModelServerConfig([canary.ModelConfig(\"pets\", \"gs://bucket/pets\")])")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct ModelServerConfig(pub(crate) serving::ModelServerConfig);

impl ModelServerConfig {
    /// The names of the models, as one looks at the value.
    pub(crate) fn text(&self) -> String {
        let names: Vec<_> = self.0.models.iter().map(|model| format!("{:?}", model.name)).collect();
        format!("<ModelServerConfig of {}>", names.join(", "))
    }
}

pymethods! {
    ModelServerConfig [value, card(render_value)]
    get |config| {
        models: Vec<ModelConfig> = config.0.models.iter().cloned().map(ModelConfig).collect();
    }
    methods {
        #[new]
        fn new(models: Vec<Bound<'_, ModelConfig>>) -> PyResult<Self> {
            let models = models.into_iter().map(|model| model.get().0.clone());
            let config = serving::ModelServerConfig::new(models);
            config.validate().into_result().py()?;
            Ok(Self(config))
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
            self.text()
        }
    }
}
