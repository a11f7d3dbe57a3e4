//! `canary.Client`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use canary_core::{predict, serving::Result};
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyRuntimeError, PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PyTuple, PyType},
};

use super::{
    examples,
    prediction::Chosen,
    read::{Request, with_headers},
    settings::Settings,
    signatures::Signatures,
    tls,
    version_state::states,
    wait::Waiter,
};
use crate::{
    answer::{Answer, Answers},
    convert::{
        proxy::Proxy,
        time::Seconds,
        value::{changed, hash_of},
    },
    door::{Call, Task},
    input,
    macros::pymethods,
};

/// A client of one model server, or of a gateway in front of several.
#[binding("Client(url, model=\"…\")")]
#[pyclass(frozen, eq, module = "canary")]
pub(crate) struct Client {
    /// The client, until it is closed.
    open: Mutex<Option<predict::Client>>,
    settings: Settings,
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Client {
    fn lock(&self) -> MutexGuard<'_, Option<predict::Client>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, for a call that runs without the interpreter; an error when it is closed.
    pub(crate) fn core(&self) -> PyResult<predict::Client> {
        self.lock().clone().ok_or_else(|| {
            PyRuntimeError::new_err(format!(
                "the client of {} is closed; replace() gives one with the same settings that is open",
                self.settings.url
            ))
        })
    }
}

/// The gRPC service of the Open Inference Protocol that a client calls unless another is named.
const OPEN_INFERENCE: &str = "inference.GRPCInferenceService";

/// The client with these settings, in the protocol of its server.
fn detecting(
    class: &Bound<'_, PyType>,
    url: &str,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<Task<impl Future<Output = Result<Client>> + Send + use<>>> {
    let client = class.call((url,), settings)?;
    let client = client.cast::<Client>()?.get();
    let (core, settings) = (client.core()?, client.settings.clone());
    let given = [&settings.protocol, &settings.encoding, &settings.grpc_service];
    if given.into_iter().any(Option::is_some) {
        return Err(PyTypeError::new_err(
            "detect finds protocol, encoding and grpc_service out; leave them out, or make a Client with them",
        ));
    }
    Ok(Task::new(async move {
        let core = core.detected().await?;
        let protocol = Some(core.spoken().as_str().to_owned());
        let encoding = Some(core.encoded().as_str().to_owned());
        let usual = core.service_name() == OPEN_INFERENCE;
        let grpc_service = (!usual).then(|| core.service_name().to_owned());
        let settings = Settings { protocol, encoding, grpc_service, ..settings };
        Ok(Client { open: Mutex::new(Some(core)), settings })
    }))
}

/// An answer to a request without an image.
fn plain(answer: Result<predict::Answer>) -> Result<Answer> {
    answer.map(|core| Answer { core, image: None })
}

fn optional_seconds(value: Option<Seconds>) -> Option<f64> {
    value.map(|Seconds(duration)| duration.as_secs_f64())
}

pymethods! {
    Client [card(render_value)]
    get |client| {
        url: &str = &client.settings.url;
        model: &str = &client.settings.model;
        protocol: &str = client.settings.protocol.as_deref().unwrap_or(predict::Protocol::default().as_str());
        signature: Option<&str> = client.settings.signature.as_deref();
        version: Option<u64> = client.settings.version;
        label: Option<&str> = client.settings.label.as_deref();
        is_closed: bool = client.lock().is_none();
    }
    twins |client, py| {
        #[pyo3(signature = (input, *, headers = None))]
        predict, predict_async (input: &Bound<'py, PyAny>, headers: Option<BTreeMap<String, String>>) = {
            let request = Request::read(input)?;
            let (core, large) = (with_headers(&client.core()?, headers), request.is_large());
            let Request { input, image } = request;
            Task::new(async move { core.predict(input).await.map(|core| Answer { core, image }) }).apart(large)
        };
        #[pyo3(signature = (examples, *, context = None))]
        classify, classify_async (examples: &Bound<'py, PyAny>, context: Option<&Bound<'py, PyAny>>) = {
            let (core, examples) = (client.core()?, examples::read(examples, context)?);
            Task::new(async move { plain(core.classify(examples).await) })
        };
        #[pyo3(signature = (examples, *, context = None))]
        regress, regress_async (examples: &Bound<'py, PyAny>, context: Option<&Bound<'py, PyAny>>) = {
            let (core, examples) = (client.core()?, examples::read(examples, context)?);
            Task::new(async move { plain(core.regress(examples).await) })
        };
        status, status_async () = {
            let core = client.core()?;
            Task::new(async move { core.status().await.map(|status| states(&status)) })
        };
        ready, ready_async () = {
            let core = client.core()?;
            Task::new(async move { core.is_ready().await })
        };
        #[pyo3(signature = (timeout = None, *, progress = None))]
        wait, wait_async (timeout: Option<Seconds>, progress: Option<&Bound<'py, PyAny>>) =
            Task::new(Waiter::new(client.core()?, timeout, progress)?.wait());
        metadata, metadata_async () = {
            let core = client.core()?;
            Task::new(async move { core.metadata().await.map(Signatures) })
        };
        check, check_async (input: &Bound<'py, PyAny>) = {
            let (core, input) = (client.core()?, input::read(input)?);
            Task::new(async move { core.check(input).await.map(|()| None::<bool>) })
        };
    }
    methods {
        #[new]
        #[pyo3(signature = (
            url, *, model, protocol = None, encoding = None, grpc_service = None, outputs = None, prediction = None, signature = None,
            version = None, label = None, headers = None, timeout = None, attempts = None,
            attempt_timeout = None, hedge = None, max_answer_bytes = None, form = None, doubles = false,
            ca_certificate = None, identity = None, system_authorities = true, proxy = None,
            allow_cleartext = false
        ))]
        #[allow(clippy::too_many_arguments)]
        fn new(
            url: String,
            model: String,
            protocol: Option<String>,
            encoding: Option<String>,
            grpc_service: Option<String>,
            outputs: Option<Vec<String>>,
            prediction: Option<&Bound<'_, PyAny>>,
            signature: Option<String>,
            version: Option<u64>,
            label: Option<String>,
            headers: Option<BTreeMap<String, String>>,
            timeout: Option<Seconds>,
            attempts: Option<u32>,
            attempt_timeout: Option<Seconds>,
            hedge: Option<Seconds>,
            max_answer_bytes: Option<usize>,
            form: Option<String>,
            doubles: bool,
            ca_certificate: Option<&Bound<'_, PyAny>>,
            identity: Option<&Bound<'_, PyAny>>,
            system_authorities: bool,
            proxy: Option<&Bound<'_, PyAny>>,
            allow_cleartext: bool,
        ) -> PyResult<Self> {
            let tls = tls::Settings::new(ca_certificate, identity, system_authorities)?;
            let settings = Settings {
                url,
                model,
                protocol,
                encoding,
                grpc_service,
                outputs,
                prediction: prediction.map(Chosen::read).transpose()?,
                signature,
                version,
                label,
                headers: headers.unwrap_or_default(),
                timeout: optional_seconds(timeout),
                attempts,
                attempt_timeout: optional_seconds(attempt_timeout),
                hedge: optional_seconds(hedge),
                max_answer_bytes,
                form,
                doubles,
                tls,
                proxy: Proxy::new(proxy)?,
                allow_cleartext,
            };
            Ok(Self { open: Mutex::new(Some(settings.client()?)), settings })
        }

        #[classmethod]
        #[pyo3(signature = (url, **settings))]
        fn detect<'py>(
            class: &Bound<'py, PyType>,
            url: &str,
            settings: Option<&Bound<'py, PyDict>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            detecting(class, url, settings)?.wait(class.py())
        }

        #[classmethod]
        #[pyo3(signature = (url, **settings))]
        fn detect_async<'py>(
            class: &Bound<'py, PyType>,
            url: &str,
            settings: Option<&Bound<'py, PyDict>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            detecting(class, url, settings)?.awaitable(class.py())
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
            let answers = Answers::new(slf.get().core()?, items, concurrency, progress)?;
            Ok(Bound::new(py, answers)?.into_any())
        }

        #[pyo3(signature = (**changes))]
        fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
            let settings = &slf.get().settings;
            let arguments = settings.arguments(slf.py())?;
            arguments.set_item("url", &settings.url)?;
            changed(slf, &arguments, changes)
        }

        fn close(&self, py: Python<'_>) {
            let core = self.lock().take();
            py.detach(|| drop(core));
        }

        fn __enter__(slf: Py<Self>) -> Py<Self> {
            slf
        }

        #[pyo3(signature = (*_exception))]
        fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
            self.close(py);
        }

        fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
            let (py, client) = (slf.py(), slf.unbind());
            Task::new(async move { PyResult::Ok(client) }).awaitable(py)
        }

        #[pyo3(signature = (*_exception))]
        fn __aexit__<'py>(&self, py: Python<'py>, _exception: &Bound<'_, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
            self.close(py);
            Task::new(async { PyResult::Ok(None::<bool>) }).awaitable(py)
        }

        fn __hash__(&self) -> u64 {
            hash_of(&(&self.settings.url, &self.settings.model, &self.settings.signature))
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String,), Bound<'py, PyDict>)> {
            self.settings.can_be_stored()?;
            Ok(((self.settings.url.clone(),), self.settings.arguments(py)?))
        }

        fn __copy__(slf: Py<Self>) -> Py<Self> {
            slf
        }

        fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
            slf
        }

        fn __repr__(&self) -> String {
            self.settings.shown()
        }
    }
}
