//! `canary.ModelConfig`.

use std::{borrow::Cow, collections::BTreeMap};

use canary_core::serving::{self, VersionPolicy};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    convert::given::{Given, Refused},
    error::IntoPy,
    finding::Finding,
    macros::pymethods,
    show,
};

/// One model of a server.
#[binding("ModelConfig(\"pets\", \"gs://bucket/pets\")")]
#[pyclass(frozen, eq, module = "canary")]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct ModelConfig(pub(crate) serving::ModelConfig);

/// `"all"`, or version numbers.
#[derive(IntoPyObject)]
pub(crate) enum Versions {
    All(String),
    Specific(Vec<i64>),
}

impl<'py> Given<'py> for Versions {
    fn wanted() -> Cow<'static, str> {
        "\"all\", or a list of version numbers such as [41, 42]".into()
    }

    fn several() -> Cow<'static, str> {
        "lists of version numbers".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        match String::read(value) {
            Ok(name) if name == "all" => Ok(Self::All(name)),
            Ok(_) => Err(Refused::kind(value, Self::wanted())),
            Err(_) => Vec::read(value).map(Self::Specific),
        }
    }
}

pymethods! {
    ModelConfig [value, card(render_value)]
    get |model| {
        name: &str = &model.0.name;
        base_path: &str = &model.0.base_path;
        platform: &str = &model.0.platform;
        latest: Option<u32> = match model.0.policy {
            VersionPolicy::Latest(count) => Some(count),
            _ => None,
        };
        versions: Option<Versions> = match &model.0.policy {
            VersionPolicy::All => Some(Versions::All("all".to_owned())),
            VersionPolicy::Specific(versions) => Some(Versions::Specific(versions.clone())),
            _ => None,
        };
        labels: BTreeMap<String, i64> = model.0.labels.clone();
    }
    methods {
        #[new]
        #[pyo3(signature = (name, base_path, *, latest = None, versions = None, labels = None, platform = "tensorflow"))]
        fn new(
            name: String,
            base_path: String,
            latest: Option<u32>,
            versions: Option<Versions>,
            labels: Option<BTreeMap<String, i64>>,
            platform: &str,
        ) -> PyResult<Self> {
            let mut model = serving::ModelConfig::new(name, base_path);
            model.policy = match (latest, versions) {
                (Some(_), Some(_)) => {
                    return Err(PyValueError::new_err(
                        "latest and versions are two ways of choosing the versions to serve; give one of them",
                    ));
                }
                (Some(count), None) => VersionPolicy::Latest(count),
                (None, Some(Versions::All(_))) => VersionPolicy::All,
                (None, Some(Versions::Specific(versions))) => VersionPolicy::Specific(versions),
                (None, None) => VersionPolicy::default(),
            };
            model.labels = labels.unwrap_or_default();
            platform.clone_into(&mut model.platform);
            model.validate().into_result().py()?;
            Ok(Self(model))
        }

        fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.0.validate().into_iter().map(Finding).collect())
        }

        fn __repr__(&self) -> String {
            let serving::ModelConfig { name, base_path, policy, labels, .. } = &self.0;
            let versions = match policy {
                VersionPolicy::Latest(1) => String::new(),
                VersionPolicy::Latest(count) => format!(", latest={count}"),
                VersionPolicy::Specific(versions) => format!(", versions={versions:?}"),
                _ => ", versions=\"all\"".to_owned(),
            };
            let labels = if labels.is_empty() { String::new() } else { format!(", labels={labels:?}") };
            format!("ModelConfig({name:?}, {base_path:?}{versions}{labels})")
        }
    }
}
