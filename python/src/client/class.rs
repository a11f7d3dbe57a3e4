//! `canary.Client`.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use canary_core::predict;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PyTuple},
};

use crate::{
    answer::Answer,
    codec, door,
    error::{IntoPy, to_py},
    examples, input,
    many::Answers,
    proxy::Proxy,
    time, tls,
    version_state::{VersionState, states},
    wait::{Waiter, ready},
};

/// The largest file that an answer keeps for its thumbnail.
const KEPT_IMAGE: usize = 256 << 10;

/// A client of one model server, or of a gateway in front of several.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Client {
    pub(crate) core: predict::Client,
    /// What the client was made from; `repr`, `==` and pickle share it.
    settings: Settings,
}

#[derive(Clone, PartialEq)]
struct Settings {
    url: String,
    model: String,
    signature: Option<String>,
    version: Option<u64>,
    label: Option<String>,
    headers: BTreeMap<String, String>,
    timeout: Option<f64>,
    attempts: Option<u32>,
    attempt_timeout: Option<f64>,
    hedge: Option<f64>,
    max_answer_bytes: Option<usize>,
    form: Option<String>,
    doubles: bool,
    tls: tls::Settings,
    proxy: Proxy,
}

impl Settings {
    fn client(self) -> PyResult<Client> {
        let mut core = predict::Client::new(&self.url).py()?.model(&self.model);
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
            core = core.form(codec::form(form)?);
        }
        core = core.doubles(self.doubles);
        core = match &self.proxy {
            Proxy::Environment => core,
            Proxy::Direct => core.no_proxy(),
            Proxy::At(url) => core.proxy(url).py()?,
        };
        core = self.tls.apply(core)?;
        Ok(Client { core, settings: self })
    }
}

/// Elements from which on a request takes milliseconds to be written, during which nothing else would be looked at.
const LARGE: usize = 1 << 20;

/// The input in memory of its own, and the file of which the answer shows a thumbnail.
fn read(image: &Bound<'_, PyAny>) -> PyResult<(predict::Input<'static>, Option<Vec<u8>>)> {
    Ok(match input::file(image)? {
        Some(file) => {
            let kept = (file.len() <= KEPT_IMAGE).then(|| file.clone());
            (predict::Input::from(file), kept)
        }
        None => (input::read(image)?, None),
    })
}

fn optional_seconds(value: Option<Bound<'_, PyAny>>) -> PyResult<Option<f64>> {
    value.map(|value| Ok(time::seconds(&value)?.as_secs_f64())).transpose()
}

impl Client {
    /// The arguments of which the client was made.
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<(String, Bound<'py, PyDict>)> {
        let Settings {
            url,
            model,
            signature,
            version,
            label,
            headers,
            timeout,
            attempts,
            attempt_timeout,
            hedge,
            max_answer_bytes,
            form,
            doubles,
            tls,
            proxy,
        } = self.settings.clone();
        let arguments = PyDict::new(py);
        arguments.set_item("model", model)?;
        arguments.set_item("signature", signature)?;
        arguments.set_item("version", version)?;
        arguments.set_item("label", label)?;
        arguments.set_item("headers", headers)?;
        arguments.set_item("timeout", timeout)?;
        arguments.set_item("attempts", attempts)?;
        arguments.set_item("attempt_timeout", attempt_timeout)?;
        arguments.set_item("hedge", hedge)?;
        arguments.set_item("max_answer_bytes", max_answer_bytes)?;
        arguments.set_item("form", form)?;
        arguments.set_item("doubles", doubles)?;
        tls.arguments(&arguments)?;
        arguments.set_item("proxy", proxy.argument(py)?)?;
        Ok((url, arguments))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (
        url, *, model, signature = None, version = None, label = None, headers = None, timeout = None, attempts = None,
        attempt_timeout = None, hedge = None, max_answer_bytes = None, form = None, doubles = false,
        ca_certificate = None, identity = None, system_authorities = true, proxy = None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        url: String,
        model: String,
        signature: Option<String>,
        version: Option<u64>,
        label: Option<String>,
        headers: Option<BTreeMap<String, String>>,
        timeout: Option<Bound<'_, PyAny>>,
        attempts: Option<u32>,
        attempt_timeout: Option<Bound<'_, PyAny>>,
        hedge: Option<Bound<'_, PyAny>>,
        max_answer_bytes: Option<usize>,
        form: Option<String>,
        doubles: bool,
        ca_certificate: Option<&Bound<'_, PyAny>>,
        identity: Option<&Bound<'_, PyAny>>,
        system_authorities: bool,
        proxy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let tls = tls::Settings::new(ca_certificate, identity, system_authorities)?;
        Settings {
            url,
            model,
            signature,
            version,
            label,
            headers: headers.unwrap_or_default(),
            timeout: optional_seconds(timeout)?,
            attempts,
            attempt_timeout: optional_seconds(attempt_timeout)?,
            hedge: optional_seconds(hedge)?,
            max_answer_bytes,
            form,
            doubles,
            tls,
            proxy: Proxy::new(proxy)?,
        }
        .client()
    }

    #[pyo3(signature = (input, *, headers = None))]
    fn predict(
        &self,
        py: Python<'_>,
        input: &Bound<'_, PyAny>,
        headers: Option<BTreeMap<String, String>>,
    ) -> PyResult<Answer> {
        let (input, image) = read(input)?;
        let core = with_headers(&self.core, headers);
        let large = input.elements() > LARGE;
        let asked = async move { core.predict(input).await };
        let answer =
            if large { door::block_on_apart(py, asked)? } else { door::block_on(py, asked)? };
        Ok(Answer { core: answer, image })
    }

    #[pyo3(signature = (input, *, headers = None))]
    fn predict_async<'py>(
        &self,
        py: Python<'py>,
        input: &Bound<'py, PyAny>,
        headers: Option<BTreeMap<String, String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (input, image) = read(input)?;
        let core = with_headers(&self.core, headers);
        door::later_py(py, async move {
            let answer = core.predict(input).await.map_err(to_py)?;
            Ok(Answer { core: answer, image })
        })
    }

    #[pyo3(signature = (examples, *, context = None))]
    fn classify(
        &self,
        py: Python<'_>,
        examples: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Answer> {
        let (core, examples) = (self.core.clone(), examples::read(examples, context)?);
        let core = door::block_on(py, async move { core.classify(examples).await })?;
        Ok(Answer { core, image: None })
    }

    #[pyo3(signature = (examples, *, context = None))]
    fn classify_async<'py>(
        &self,
        py: Python<'py>,
        examples: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (core, examples) = (self.core.clone(), examples::read(examples, context)?);
        door::later_py(py, async move {
            Ok(Answer { core: core.classify(examples).await.map_err(to_py)?, image: None })
        })
    }

    #[pyo3(signature = (examples, *, context = None))]
    fn regress(
        &self,
        py: Python<'_>,
        examples: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Answer> {
        let (core, examples) = (self.core.clone(), examples::read(examples, context)?);
        let core = door::block_on(py, async move { core.regress(examples).await })?;
        Ok(Answer { core, image: None })
    }

    #[pyo3(signature = (examples, *, context = None))]
    fn regress_async<'py>(
        &self,
        py: Python<'py>,
        examples: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (core, examples) = (self.core.clone(), examples::read(examples, context)?);
        door::later_py(py, async move {
            Ok(Answer { core: core.regress(examples).await.map_err(to_py)?, image: None })
        })
    }

    #[pyo3(signature = (items, *, concurrency = 32, progress = None))]
    fn predict_many<'py>(
        slf: &Bound<'py, Self>,
        items: &Bound<'py, PyAny>,
        concurrency: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if concurrency == 0 {
            return Err(PyValueError::new_err(
                "concurrency is 0; allow at least one request in flight",
            ));
        }
        let py = slf.py();
        if items.hasattr("__aiter__")? && !items.hasattr("__iter__")? {
            // Only the caller's event loop can take items of an async iterator.
            let answers = py.import("canary._many")?.getattr("answers")?;
            return answers.call1((slf.getattr("predict_async")?, items, concurrency, progress));
        }
        let answers = Answers::new(slf.get().core.clone(), items, concurrency, progress)?;
        Ok(Bound::new(py, answers)?.into_any())
    }

    fn status(&self, py: Python<'_>) -> PyResult<BTreeMap<i64, VersionState>> {
        let core = self.core.clone();
        Ok(states(&door::block_on(py, async move { core.status().await })?))
    }

    fn status_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core.clone();
        door::later_py(py, async move { Ok(states(&core.status().await.map_err(to_py)?)) })
    }

    fn ready(&self, py: Python<'_>) -> PyResult<bool> {
        let core = self.core.clone();
        door::block_on(py, async move { ready(&core).await })
    }

    fn ready_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core.clone();
        door::later_py(py, async move { ready(&core).await.map_err(to_py) })
    }

    #[pyo3(signature = (timeout = None, *, progress = None))]
    fn wait(
        &self,
        py: Python<'_>,
        timeout: Option<Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<BTreeMap<i64, VersionState>> {
        let waiter = Waiter::new(&self.core, timeout, progress)?;
        door::block_on(py, async move { Ok::<_, canary_core::Error>(waiter.wait().await) })?
    }

    #[pyo3(signature = (timeout = None, *, progress = None))]
    fn wait_async<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<Bound<'py, PyAny>>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let waiter = Waiter::new(&self.core, timeout, progress)?;
        door::later_py(py, waiter.wait())
    }

    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let core = self.core.clone();
        let metadata = door::block_on(py, async move { core.metadata().await })?;
        signatures(py, &metadata)
    }

    fn metadata_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core.clone();
        door::later_py(py, async move {
            let metadata = core.metadata().await.map_err(to_py)?;
            Python::attach(|py| Ok(signatures(py, &metadata)?.unbind()))
        })
    }

    fn check(&self, py: Python<'_>, input: &Bound<'_, PyAny>) -> PyResult<()> {
        let (core, input) = (self.core.clone(), input::read(input)?);
        door::block_on(py, async move { core.check(input).await })
    }

    fn check_async<'py>(
        &self,
        py: Python<'py>,
        input: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (core, input) = (self.core.clone(), input::read(input)?);
        door::later_py(py, async move {
            core.check(input).await.map_err(to_py)?;
            Ok(None::<Py<PyAny>>)
        })
    }

    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        let py = slf.py();
        let (url, arguments) = slf.get().arguments(py)?;
        if let Some(changes) = changes {
            arguments.update(changes.as_mapping())?;
        }
        let url = match arguments.get_item("url")? {
            Some(url) => {
                arguments.del_item("url")?;
                url.extract()?
            }
            None => url,
        };
        Ok(py.get_type::<Self>().call((url,), Some(&arguments))?.extract()?)
    }

    #[getter]
    fn url(&self) -> &str {
        &self.settings.url
    }

    #[getter]
    fn model(&self) -> &str {
        &self.settings.model
    }

    #[getter]
    fn signature(&self) -> Option<&str> {
        self.settings.signature.as_deref()
    }

    #[getter]
    fn version(&self) -> Option<u64> {
        self.settings.version
    }

    #[getter]
    fn label(&self) -> Option<&str> {
        self.settings.label.as_deref()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (&self.settings.url, &self.settings.model, &self.settings.signature).hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String,), Bound<'py, PyDict>)> {
        if self.settings.tls.holds_key() {
            return Err(PyTypeError::new_err(
                "cannot pickle a Client that holds the bytes of a private key; \
                 give identity= the key's path, and the path is pickled",
            ));
        }
        if self.settings.proxy.holds_password() {
            return Err(PyTypeError::new_err(
                "cannot pickle a Client that holds the password of a proxy; \
                 give the proxy in the environment, as HTTPS_PROXY or HTTP_PROXY",
            ));
        }
        let (url, arguments) = self.arguments(py)?;
        Ok(((url,), arguments))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Headers may hold credentials: their names are shown, their values are not.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_value")
    }

    fn __repr__(&self) -> String {
        let settings = &self.settings;
        let mut text = format!("Client({:?}, model={:?}", settings.url, settings.model);
        if let Some(signature) = &settings.signature {
            let _ = write!(text, ", signature={signature:?}");
        }
        if let Some(version) = settings.version {
            let _ = write!(text, ", version={version}");
        }
        if let Some(label) = &settings.label {
            let _ = write!(text, ", label={label:?}");
        }
        if !settings.headers.is_empty() {
            let names: Vec<_> = settings.headers.keys().map(String::as_str).collect();
            let _ = write!(text, ", headers=<{}>", names.join(", "));
        }
        text.push(')');
        text
    }
}

/// The signatures with their inputs and outputs, which are texts such as `DT_FLOAT[?, 224, 224, 3]`.
fn signatures<'py>(py: Python<'py>, metadata: &predict::Metadata) -> PyResult<Bound<'py, PyDict>> {
    let class = py.import("canary._tensor_info")?.getattr("TensorInfo")?;
    let infos = |infos: &BTreeMap<String, predict::TensorInfo>| {
        let all = PyDict::new(py);
        for (name, info) in infos {
            let shape = info.shape.as_ref().map(|shape| PyTuple::new(py, shape)).transpose()?;
            all.set_item(name, class.call1((info.to_string(), &info.dtype_name, shape))?)?;
        }
        PyResult::Ok(all)
    };
    let all = PyDict::new(py);
    for (name, signature) in &metadata.signatures {
        let parts = PyDict::new(py);
        parts.set_item("method", &signature.method)?;
        parts.set_item("inputs", infos(&signature.inputs)?)?;
        parts.set_item("outputs", infos(&signature.outputs)?)?;
        all.set_item(name, parts)?;
    }
    Ok(all)
}

fn with_headers(
    client: &predict::Client,
    headers: Option<BTreeMap<String, String>>,
) -> predict::Client {
    headers
        .into_iter()
        .flatten()
        .fold(client.clone(), |client, (name, value)| client.header(name, value))
}
