//! A lab that has not started.

use std::{borrow::Cow, collections::BTreeMap, net::SocketAddr, path::PathBuf};

use canary_lab::{Lab, LabBuilder, model::ModelFiles};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyString};

use super::{
    envoy::{istio as control_plane, program},
    scripted_model::ScriptedModel,
};
use crate::{
    convert::given::{Given, Refused},
    error::IntoPy,
};

/// The folder in which pip put the files of the real models; their weights are converted for the lab once.
pub(crate) fn own_packages(py: Python<'_>) -> PyResult<PathBuf> {
    py.import("canary._weights")?.call_method0("packages")?.extract()
}

/// The model of a path: one that the lab serves, or the address of a server that runs already.
pub(super) enum Served {
    Model(ScriptedModel),
    Server(String),
}

impl<'py> Given<'py> for Served {
    fn wanted() -> Cow<'static, str> {
        let model = ScriptedModel::wanted();
        format!("{model}, or the address of a server, such as \"http://127.0.0.1:8080\"").into()
    }

    fn several() -> Cow<'static, str> {
        ScriptedModel::several()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        match value.cast::<PyString>() {
            Ok(url) => Ok(Self::Server(url.to_string_lossy().into_owned())),
            Err(_) if value.is_instance_of::<ScriptedModel>() => {
                ScriptedModel::read(value).map(Self::Model)
            }
            Err(_) => Err(Refused::kind(value, Self::wanted())),
        }
    }
}

/// The address in a URL such as `http://127.0.0.1:8080`.
fn address(url: &str) -> PyResult<SocketAddr> {
    let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    address.and_then(|address| address.parse().ok()).ok_or_else(|| {
        PyValueError::new_err(format!(
            "the server is {url:?}; give its address as http://127.0.0.1:8080, an IP address and a port"
        ))
    })
}

/// The settings of a lab that has not started.
pub(super) struct Setup(LabBuilder);

impl Setup {
    pub(super) fn new(
        py: Python<'_>,
        models: Option<BTreeMap<String, Served>>,
        model_files: Option<PathBuf>,
        scripted_when_missing: bool,
        seed: Option<u64>,
        envoy: Option<&Bound<'_, PyAny>>,
        istio: bool,
    ) -> PyResult<Self> {
        let mut builder = Lab::builder();
        for (path, model) in models.into_iter().flatten() {
            builder = match model {
                Served::Model(model) => builder.model(path, model.model()),
                Served::Server(url) => builder.server(path, address(&url)?),
            };
        }
        match model_files {
            Some(folder) => {
                py.import("canary._weights")?.call_method1("convert_all", (&folder,))?;
                builder = builder.model_files(ModelFiles::within(folder).py()?);
            }
            None => {
                if let Ok(files) = ModelFiles::within(own_packages(py)?) {
                    builder = builder.model_files(files);
                }
            }
        }
        if scripted_when_missing {
            builder = builder.scripted_when_missing();
        }
        if let Some(seed) = seed {
            builder = builder.seed(seed);
        }
        let envoy = envoy.map(|envoy| program(py, envoy)).transpose()?.flatten();
        if istio {
            builder = builder.istio(control_plane(py, envoy)?);
        } else if let Some(program) = envoy {
            builder = builder.envoy(program);
        }
        Ok(Self(builder))
    }

    /// Starts it.
    pub(super) fn start(self) -> PyResult<Lab> {
        self.0.start().py()
    }
}

/// The lab of the guide.
pub(super) fn seed(packages: PathBuf) -> PyResult<Lab> {
    let files = ModelFiles::within(packages).or_else(|_| ModelFiles::find());
    Lab::seed_with(files.ok()).py()
}
