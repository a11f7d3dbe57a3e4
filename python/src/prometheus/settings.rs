//! The settings of a Prometheus.

use std::path::PathBuf;

use canary_core::{
    evidence::prometheus::{Auth, Metrics, Reporter},
    predict::Tls,
    rollout::Error,
};
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    convert::{choice::either, file::File},
    error::IntoPy,
};

/// At most one of a secret and the file it is in.
pub(super) fn one_of(
    text: Option<String>,
    file: Option<PathBuf>,
    what: &str,
) -> PyResult<Option<Secret>> {
    match (text, file) {
        (Some(_), Some(_)) => {
            Err(PyTypeError::new_err(format!("give {what} or {what}_file, not both")))
        }
        (Some(text), None) => Ok(Some(Secret::Text(text))),
        (None, Some(file)) => Ok(Some(Secret::File(file))),
        (None, None) => Ok(None),
    }
}

/// A secret, or where it is.
pub(super) enum Secret {
    Text(String),
    File(PathBuf),
}

/// The credentials, when any are given.
pub(super) fn auth(
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
pub(super) fn tls(files: &[Option<File>; 3]) -> PyResult<Option<Tls>> {
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

/// The requests that are counted, as the caller names them.
pub(super) struct Counted<'c> {
    pub(super) service: Option<String>,
    pub(super) model: Option<String>,
    pub(super) namespace: &'c str,
    pub(super) reporter: &'c str,
    /// The kind of names that `stable` and `canary` are.
    pub(super) arms: &'c str,
    pub(super) stable: &'c str,
    pub(super) canary: &'c str,
}

/// The metrics of a service in the mesh, of a Service for each version, or of a model of TensorFlow Serving, and their
/// name.
pub(super) fn metrics(counted: Counted<'_>) -> PyResult<(Metrics, String)> {
    let Counted { service, model, namespace, reporter, arms, stable, canary } = counted;
    let known = [("source", Reporter::Source), ("destination", Reporter::Destination)];
    let reporter = either("reporter", reporter, "give", known)?;
    let services = either("arms", arms, "give", [("subsets", false), ("services", true)])?;
    match (service, model, services) {
        (None, None, true) => {
            let metrics = Metrics::istio_services([stable, canary], namespace).reporter(reporter);
            Ok((metrics, format!("services {namespace}/{stable} and {namespace}/{canary}")))
        }
        (Some(service), None, false) => {
            let what = format!("service {namespace}/{service}");
            Ok((Metrics::istio(service, namespace).reporter(reporter), what))
        }
        (None, Some(model), false) => {
            let what = format!("model {model}");
            Ok((Metrics::tensorflow_serving(model, "version"), what))
        }
        _ => Err(PyTypeError::new_err(
            "give the service of Istio's metrics, or the model of TensorFlow Serving's, or arms=\"services\" where stable \
             and canary are Services",
        )),
    }
}
