//! `canary.Prometheus`: counts of requests as evidence of a run.

use std::path::{Path, PathBuf};

use canary_core::{
    evidence::{
        Counts, Subsets, Timestamp,
        prometheus::{self as core, Auth, Matcher, Metrics, NewTargets, Reporter},
    },
    predict::Tls,
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyDict,
};

use crate::{door, error::IntoPy, time};

/// A Prometheus, and what is asked of it.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Prometheus {
    pub(crate) core: core::Prometheus,
    what: String,
    subsets: (String, String),
}

/// At most one of a secret and the file it is in.
fn one_of(text: Option<String>, file: Option<PathBuf>, what: &str) -> PyResult<Option<Secret>> {
    match (text, file) {
        (Some(_), Some(_)) => {
            Err(PyTypeError::new_err(format!("give {what} or {what}_file, not both")))
        }
        (Some(text), None) => Ok(Some(Secret::Text(text))),
        (None, Some(file)) => Ok(Some(Secret::File(file))),
        (None, None) => Ok(None),
    }
}

enum Secret {
    Text(String),
    File(PathBuf),
}

fn auth(
    token: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
) -> PyResult<Option<Auth>> {
    match (token, username, password) {
        (None, None, None) => Ok(None),
        (Some(Secret::Text(token)), None, None) => Ok(Some(Auth::bearer(token))),
        (Some(Secret::File(path)), None, None) => Ok(Some(Auth::bearer_file(path))),
        (None, Some(user), Some(Secret::Text(password))) => Ok(Some(Auth::basic(user, password))),
        (None, Some(user), Some(Secret::File(path))) => Ok(Some(Auth::basic_file(user, path))),
        (Some(_), ..) => Err(PyTypeError::new_err("give a token or a password, not both")),
        (None, ..) => Err(PyTypeError::new_err("username and password belong together")),
    }
}

fn file(path: &Path) -> PyResult<Vec<u8>> {
    std::fs::read(path)
        .map_err(|cause| PyValueError::new_err(format!("cannot read {}: {cause}", path.display())))
}

/// The settings of TLS, when any is given.
fn tls(
    ca_file: Option<&Path>,
    cert_file: Option<&Path>,
    key_file: Option<&Path>,
) -> PyResult<Option<Tls>> {
    if ca_file.is_none() && cert_file.is_none() && key_file.is_none() {
        return Ok(None);
    }
    let mut tls = Tls::default();
    if let Some(path) = ca_file {
        tls = tls.ca_certificate(file(path)?);
    }
    match (cert_file, key_file) {
        (Some(certificate), Some(key)) => tls = tls.identity(file(certificate)?, file(key)?),
        (None, None) => {}
        _ => return Err(PyTypeError::new_err("cert_file and key_file belong together")),
    }
    Ok(Some(tls))
}

#[pymethods]
impl Prometheus {
    #[new]
    #[pyo3(signature = (url, service = None, *, stable, canary, namespace = "default", reporter = "source", subset_label = None, model = None, labels = None, slower_than = None, every = None, lag = None, lookback = None, timeout = None, new_targets_from_zero = false, accept_warnings = false, token = None, token_file = None, username = None, password = None, password_file = None, ca_file = None, cert_file = None, key_file = None, allow_cleartext = false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        url: &str,
        service: Option<String>,
        stable: String,
        canary: String,
        namespace: &str,
        reporter: &str,
        subset_label: Option<String>,
        model: Option<String>,
        labels: Option<std::collections::BTreeMap<String, String>>,
        slower_than: Option<Bound<'_, PyAny>>,
        every: Option<Bound<'_, PyAny>>,
        lag: Option<Bound<'_, PyAny>>,
        lookback: Option<Bound<'_, PyAny>>,
        timeout: Option<Bound<'_, PyAny>>,
        new_targets_from_zero: bool,
        accept_warnings: bool,
        token: Option<String>,
        token_file: Option<PathBuf>,
        username: Option<String>,
        password: Option<String>,
        password_file: Option<PathBuf>,
        ca_file: Option<PathBuf>,
        cert_file: Option<PathBuf>,
        key_file: Option<PathBuf>,
        allow_cleartext: bool,
    ) -> PyResult<Self> {
        let (mut metrics, what) = match (service, model) {
            (Some(service), None) => {
                let reporter = match reporter {
                    "source" => Reporter::Source,
                    "destination" => Reporter::Destination,
                    other => {
                        return Err(PyValueError::new_err(format!(
                            "reporter is {other:?}; give \"source\" or \"destination\""
                        )));
                    }
                };
                let what = format!("service {namespace}/{service}");
                (Metrics::istio(service, namespace).reporter(reporter), what)
            }
            (None, Some(model)) => {
                let what = format!("model {model}");
                (Metrics::tensorflow_serving(model, "version"), what)
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "give the service of Istio's metrics, or the model of TensorFlow Serving's",
                ));
            }
        };
        if let Some(label) = subset_label {
            metrics = metrics.subset_label(label);
        }
        for (label, value) in labels.into_iter().flatten() {
            metrics = metrics.with(Matcher::equal(label, value));
        }
        let subsets = (stable.clone(), canary.clone());
        let mut core = core::Prometheus::new(url, metrics, Subsets::new(stable, canary)).py()?;
        if let Some(threshold) = slower_than {
            core = core.slower_than(time::seconds(&threshold)?);
        }
        if let Some(every) = every {
            core = core.every(time::seconds(&every)?);
        }
        if let Some(lag) = lag {
            core = core.lag(time::seconds(&lag)?);
        }
        if let Some(lookback) = lookback {
            core = core.lookback(time::seconds(&lookback)?);
        }
        if let Some(timeout) = timeout {
            core = core.timeout(time::seconds(&timeout)?);
        }
        if new_targets_from_zero {
            core = core.new_targets(NewTargets::FromZero);
        }
        if accept_warnings {
            core = core.accept_warnings();
        }
        let token = one_of(token, token_file, "token")?;
        let password = one_of(password, password_file, "password")?;
        if let Some(auth) = auth(token, username, password)? {
            core = core.auth(auth);
        }
        if let Some(tls) = tls(ca_file.as_deref(), cert_file.as_deref(), key_file.as_deref())? {
            core = core.tls(tls).py()?;
        }
        if allow_cleartext {
            core = core.allow_cleartext();
        }
        Ok(Self { core, what, subsets })
    }

    #[getter]
    fn url(&self) -> String {
        self.core.url()
    }

    /// What is counted, and the two values of the subset's label.
    fn _about(&self) -> (&str, &str, &str) {
        (&self.what, &self.subsets.0, &self.subsets.1)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_prometheus")
    }

    fn thresholds(&self, py: Python<'_>) -> PyResult<Vec<f64>> {
        let found = door::block_on(py, self.core.thresholds())?;
        Ok(found.iter().map(std::time::Duration::as_secs_f64).collect())
    }

    #[pyo3(signature = (seconds = None, *, until = None))]
    fn counts<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<Bound<'py, PyAny>>,
        until: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let length = match seconds {
            Some(seconds) => time::seconds(&seconds)?,
            None => std::time::Duration::from_secs(60),
        };
        let until = match until {
            Some(until) if (0.0..1e11).contains(&until) =>
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked above"
                )]
                Timestamp((until * 1e3) as u64)
            }
            Some(until) => {
                return Err(PyValueError::new_err(format!("{until} is no time since the epoch")));
            }
            None => Timestamp::now(),
        };
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let since = Timestamp(until.0.saturating_sub(millis));
        let Some(window) = door::block_on(py, self.core.window(since, until))? else {
            return Ok(None);
        };
        let side = |counts: Counts| -> PyResult<Bound<'py, PyDict>> {
            let side = PyDict::new(py);
            side.set_item("requests", counts.requests)?;
            side.set_item("failed", counts.failed)?;
            side.set_item("slow", counts.slow)?;
            Ok(side)
        };
        let counts = PyDict::new(py);
        counts.set_item("stable", side(window.stable)?)?;
        counts.set_item("canary", side(window.canary)?)?;
        counts.set_item("unknown", window.unknown)?;
        Ok(Some(counts))
    }

    fn __repr__(&self) -> String {
        format!("Prometheus({:?}, {})", self.core.url(), self.what)
    }
}
