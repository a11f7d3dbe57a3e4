//! `canary.Prometheus`: counts of requests as evidence of a run.

use std::path::PathBuf;

use canary_core::{
    evidence::{
        Counts, Subsets, Timestamp,
        prometheus::{self as core, Auth, Matcher, Metrics, NewTargets, Reporter},
    },
    predict::Tls,
    rollout::{Error, Result},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use serde_json::json;

use crate::{door, error::IntoPy, file::File, json::Plain, proxy::Proxy, time};

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

/// The text of a PEM file.
fn pem(path: &File) -> PyResult<Vec<u8>> {
    path.read(|what, reason| Error::Plan(format!("{what} {reason}"))).py()
}

/// The settings of TLS, when any is given.
fn tls(files: &[Option<File>; 3]) -> PyResult<Option<Tls>> {
    let [ca_file, cert_file, key_file] = files.each_ref().map(Option::as_ref);
    if ca_file.is_none() && cert_file.is_none() && key_file.is_none() {
        return Ok(None);
    }
    let mut tls = Tls::default();
    if let Some(path) = ca_file {
        tls = tls.ca_certificate(pem(path)?);
    }
    match (cert_file, key_file) {
        (Some(certificate), Some(key)) => tls = tls.identity(pem(certificate)?, pem(key)?),
        (None, None) => {}
        _ => return Err(PyTypeError::new_err("cert_file and key_file belong together")),
    }
    Ok(Some(tls))
}

#[pymethods]
impl Prometheus {
    #[new]
    #[pyo3(signature = (url, service = None, *, stable, canary, namespace = "default", reporter = "source", subset_label = None, model = None, labels = None, slower_than = None, every = None, lag = None, lookback = None, timeout = None, new_targets_from_zero = false, accept_warnings = false, token = None, token_file = None, username = None, password = None, password_file = None, ca_file = None, cert_file = None, key_file = None, allow_cleartext = false, proxy = None))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
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
        ca_file: Option<File>,
        cert_file: Option<File>,
        key_file: Option<File>,
        allow_cleartext: bool,
        proxy: Option<&Bound<'_, PyAny>>,
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
        core = match Proxy::new(proxy)? {
            Proxy::Environment => core,
            Proxy::Direct => core.no_proxy().py()?,
            Proxy::At(url) => core.proxy(&url).py()?,
        };
        if let Some(tls) = tls(&[ca_file, cert_file, key_file])? {
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
        door::block_on(py, thresholds(self.core.clone()))
    }

    fn thresholds_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        door::later(py, thresholds(self.core.clone()))
    }

    #[pyo3(signature = (seconds = None, *, until = None))]
    fn counts(
        &self,
        py: Python<'_>,
        seconds: Option<&Bound<'_, PyAny>>,
        until: Option<f64>,
    ) -> PyResult<Option<Plain>> {
        let (since, until) = window(seconds, until)?;
        door::block_on(py, counts(self.core.clone(), since, until))
    }

    #[pyo3(signature = (seconds = None, *, until = None))]
    fn counts_async<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<&Bound<'py, PyAny>>,
        until: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (since, until) = window(seconds, until)?;
        door::later(py, counts(self.core.clone(), since, until))
    }

    fn __repr__(&self) -> String {
        format!("Prometheus({:?}, {})", self.core.url(), self.what)
    }
}

/// The beginning and the end of a window of that length.
fn window(
    seconds: Option<&Bound<'_, PyAny>>,
    until: Option<f64>,
) -> PyResult<(Timestamp, Timestamp)> {
    let length = seconds.map_or(Ok(std::time::Duration::from_secs(60)), time::seconds)?;
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
    Ok((Timestamp(until.0.saturating_sub(millis)), until))
}

async fn thresholds(core: core::Prometheus) -> Result<Vec<f64>> {
    Ok(core.thresholds().await?.iter().map(std::time::Duration::as_secs_f64).collect())
}

async fn counts(
    core: core::Prometheus,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Plain>> {
    let side = |counts: Counts| json!({"requests": counts.requests, "failed": counts.failed, "slow": counts.slow});
    let found = core.window(since, until).await?;
    Ok(found.map(|window| {
        Plain(json!({
            "stable": side(window.stable),
            "canary": side(window.canary),
            "unknown": window.unknown,
        }))
    }))
}
