//! `canary.Client`.

use std::{collections::BTreeMap, fmt::Write};

use canary_core::{Error, error::Origin, predict};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use serde_json::Value;

use crate::{
    answer::Answer,
    door,
    error::{IntoPy, to_py},
    input, json,
    many::Answers,
    time,
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
    max_answer_bytes: Option<usize>,
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
            core = core.timeout(std::time::Duration::from_secs_f64(timeout));
        }
        if let Some(attempts) = self.attempts {
            core = core.retry(predict::Retry::default().attempts(attempts));
        }
        if let Some(bytes) = self.max_answer_bytes {
            core = core.max_answer_bytes(bytes);
        }
        Ok(Client { core, settings: self })
    }
}

impl Client {
    /// Reads the input and writes the request, with the GIL held: arrays may change as soon as it is released.
    fn prepare(&self, image: &Bound<'_, PyAny>) -> PyResult<(predict::Prepared, Option<Vec<u8>>)> {
        let (input, kept) = match input::file(image)? {
            Some(file) => {
                let kept = (file.len() <= KEPT_IMAGE).then(|| file.clone());
                (predict::Input::from(file), kept)
            }
            None => (input::read(image)?, None),
        };
        // The runtime's context: the client may open connections lazily.
        let _context = door::runtime()?.enter();
        Ok((self.core.prepare(input).py()?, kept))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (url, *, model, signature = None, version = None, label = None, headers = None, timeout = None, attempts = None, max_answer_bytes = None))]
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
        max_answer_bytes: Option<usize>,
    ) -> PyResult<Self> {
        Settings {
            url,
            model,
            signature,
            version,
            label,
            headers: headers.unwrap_or_default(),
            timeout: timeout
                .map(|timeout| time::seconds(&timeout))
                .transpose()?
                .map(|t| t.as_secs_f64()),
            attempts,
            max_answer_bytes,
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
        let (prepared, image) = self.prepare(input)?;
        let core = with_headers(&self.core, headers);
        let answer = door::block_on(py, async move { core.send(&prepared).await })?;
        Ok(Answer { core: answer, image })
    }

    #[pyo3(signature = (input, *, headers = None))]
    fn predict_async<'py>(
        &self,
        py: Python<'py>,
        input: &Bound<'py, PyAny>,
        headers: Option<BTreeMap<String, String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (prepared, image) = self.prepare(input)?;
        let core = with_headers(&self.core, headers);
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            let answer = core.send(&prepared).await.map_err(to_py)?;
            Ok(Answer { core: answer, image })
        })
    }

    #[pyo3(signature = (items, *, concurrency = 32, progress = None))]
    fn predict_many(
        &self,
        items: &Bound<'_, PyAny>,
        concurrency: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Answers> {
        if concurrency == 0 {
            return Err(PyValueError::new_err(
                "concurrency is 0; allow at least one request in flight",
            ));
        }
        Answers::new(self.core.clone(), items, concurrency, progress)
    }

    fn status(&self, py: Python<'_>) -> PyResult<BTreeMap<i64, String>> {
        let core = self.core.clone();
        Ok(states(&door::block_on(py, async move { core.status().await })?))
    }

    fn status_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core.clone();
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            Ok(states(&core.status().await.map_err(to_py)?))
        })
    }

    fn ready(&self, py: Python<'_>) -> PyResult<bool> {
        let core = self.core.clone();
        match door::block_on(py, async move { Ok(core.status().await) })? {
            Ok(status) => Ok(status.ready()),
            // A server that is not there, or does not know the model yet, is not ready.
            Err(Error::Predict(error)) if error.origin != Origin::Request => Ok(false),
            Err(error) => Err(to_py(error)),
        }
    }

    #[pyo3(signature = (timeout = None))]
    fn wait(
        &self,
        py: Python<'_>,
        timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<BTreeMap<i64, String>> {
        let timeout =
            timeout.map_or(Ok(std::time::Duration::from_secs(60)), |t| time::seconds(&t))?;
        let core = self.core.clone();
        Ok(states(&door::block_on(py, async move { core.wait(timeout, |_| {}).await })?))
    }

    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core.clone();
        let metadata = door::block_on(py, async move { core.metadata().await })?;
        json::to_python(py, &signatures(&metadata))
    }

    fn check(&self, py: Python<'_>, input: &Bound<'_, PyAny>) -> PyResult<()> {
        let (core, input) = (self.core.clone(), input::read(input)?);
        door::block_on(py, async move { core.check(input).await })
    }

    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        let py = slf.py();
        let (url, arguments) = slf.get().__getnewargs_ex__(py)?;
        if let Some(changes) = changes {
            arguments.update(changes.as_mapping())?;
        }
        let url = match arguments.get_item("url")? {
            Some(url) => {
                arguments.del_item("url")?;
                url.extract()?
            }
            None => url.0,
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
        let Settings {
            url,
            model,
            signature,
            version,
            label,
            headers,
            timeout,
            attempts,
            max_answer_bytes,
        } = self.settings.clone();
        let arguments = PyDict::new(py);
        arguments.set_item("model", model)?;
        arguments.set_item("signature", signature)?;
        arguments.set_item("version", version)?;
        arguments.set_item("label", label)?;
        arguments.set_item("headers", headers)?;
        arguments.set_item("timeout", timeout)?;
        arguments.set_item("attempts", attempts)?;
        arguments.set_item("max_answer_bytes", max_answer_bytes)?;
        Ok(((url,), arguments))
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

/// The state of each version by its number.
fn states(status: &predict::ModelStatus) -> BTreeMap<i64, String> {
    status.versions.iter().map(|version| (version.version, version.state.to_string())).collect()
}

/// The signatures with their inputs and outputs, as `DT_FLOAT[?, 224, 224, 3]`.
fn signatures(metadata: &predict::Metadata) -> Value {
    let infos = |infos: &BTreeMap<String, predict::TensorInfo>| -> Value {
        infos.iter().map(|(name, info)| (name.clone(), Value::String(info.to_string()))).collect()
    };
    metadata
        .signatures
        .iter()
        .map(|(name, signature)| {
            let parts = serde_json::json!({
                "method": signature.method,
                "inputs": infos(&signature.inputs),
                "outputs": infos(&signature.outputs),
            });
            (name.clone(), parts)
        })
        .collect()
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
