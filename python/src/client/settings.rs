//! The settings of a client, which `repr`, `==` and pickles share.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use canary_core::predict;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};

use super::{prediction::Chosen, tls};
use crate::{
    convert::{choice, proxy::Proxy},
    error::IntoPy,
    macros::arguments,
};

#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) model: String,
    pub(super) protocol: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) grpc_service: Option<String>,
    pub(super) outputs: Option<Vec<String>>,
    pub(super) prediction: Option<Chosen>,
    pub(super) signature: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) label: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) timeout: Option<f64>,
    pub(super) attempts: Option<u32>,
    pub(super) attempt_timeout: Option<f64>,
    pub(super) hedge: Option<f64>,
    pub(super) max_answer_bytes: Option<usize>,
    pub(super) form: Option<String>,
    pub(super) doubles: bool,
    pub(super) tls: tls::Settings,
    pub(super) proxy: Proxy,
    pub(super) allow_cleartext: bool,
}

impl Settings {
    /// The client.
    pub(super) fn client(&self) -> PyResult<predict::Client> {
        let mut core = predict::Client::new(&self.url).py()?.model(&self.model);
        if let Some(protocol) = &self.protocol {
            core = core.protocol(choice::protocol(protocol)?);
        }
        if let Some(encoding) = &self.encoding {
            core = core.encoding(choice::encoding(encoding)?);
        }
        if let Some(service) = &self.grpc_service {
            core = core.grpc_service(service);
        }
        if let Some(outputs) = &self.outputs {
            core = core.outputs(outputs);
        }
        if let Some(prediction) = &self.prediction {
            core = core.prediction(prediction.core());
        }
        if let Some(signature) = &self.signature {
            core = core.signature(signature);
        }
        if let Some(version) = self.version {
            core = core.version(version);
        }
        if let Some(label) = &self.label {
            core = core.label(label);
        }
        for (name, value) in &self.headers {
            core = core.header(name, value);
        }
        if let Some(timeout) = self.timeout {
            core = core.timeout(Duration::from_secs_f64(timeout));
        }
        if let Some(attempts) = self.attempts {
            core = core.retry(predict::Retry::default().attempts(attempts));
        }
        if let Some(timeout) = self.attempt_timeout {
            core = core.attempt_timeout(Duration::from_secs_f64(timeout));
        }
        if let Some(after) = self.hedge {
            core = core.hedge(Duration::from_secs_f64(after));
        }
        if let Some(bytes) = self.max_answer_bytes {
            core = core.max_answer_bytes(bytes);
        }
        if let Some(form) = &self.form {
            core = core.form(choice::form(form)?);
        }
        core = core.doubles(self.doubles).allow_cleartext(self.allow_cleartext);
        core = match &self.proxy {
            Proxy::Environment => core,
            Proxy::Direct => core.no_proxy(),
            Proxy::At(url) => core.proxy(url).py()?,
        };
        self.tls.apply(core)
    }

    /// The keyword arguments of which the client was made.
    pub(super) fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arguments = arguments!(
            py, self;
            model, protocol, encoding, grpc_service, outputs, signature, version, label, headers, timeout, attempts, attempt_timeout, hedge, max_answer_bytes, form,
            doubles, allow_cleartext
        );
        let prediction = self.prediction.as_ref().map(|chosen| chosen.argument(py));
        arguments.set_item("prediction", prediction)?;
        self.tls.arguments(&arguments)?;
        arguments.set_item("proxy", self.proxy.argument(py)?)?;
        Ok(arguments)
    }

    /// Refuses a pickle that would hold a secret.
    pub(super) fn can_be_stored(&self) -> PyResult<()> {
        if self.tls.holds_key() {
            return Err(PyTypeError::new_err(
                "cannot pickle a Client that holds the bytes of a private key; \
                 give identity= the key's path, and the path is pickled",
            ));
        }
        if self.proxy.holds_password() {
            return Err(PyTypeError::new_err(
                "cannot pickle a Client that holds the password of a proxy; \
                 give the proxy in the environment, as HTTPS_PROXY or HTTP_PROXY",
            ));
        }
        if let Some(name) = self.headers.keys().find(|name| predict::is_credential(name)) {
            return Err(PyTypeError::new_err(format!(
                "cannot pickle a Client that holds credentials in the header {name:?}; \
                 make it without that header, and add it by replace(headers=…) where it is used"
            )));
        }
        Ok(())
    }

    /// The settings in short. Headers may hold credentials: their names are shown, their values are not.
    pub(super) fn shown(&self) -> String {
        let mut text = format!("Client({:?}, model={:?}", self.url, self.model);
        if let Some(protocol) = &self.protocol {
            let _ = write!(text, ", protocol={protocol:?}");
        }
        if let Some(signature) = &self.signature {
            let _ = write!(text, ", signature={signature:?}");
        }
        if let Some(version) = self.version {
            let _ = write!(text, ", version={version}");
        }
        if let Some(label) = &self.label {
            let _ = write!(text, ", label={label:?}");
        }
        if !self.headers.is_empty() {
            let names: Vec<_> = self.headers.keys().map(String::as_str).collect();
            let _ = write!(text, ", headers=<{}>", names.join(", "));
        }
        text.push(')');
        text
    }
}
