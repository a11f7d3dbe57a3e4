//! The models of a run: those behind a client, or those that a caller's function reaches.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use canary_core::{
    evidence::{
        Predicted, PredictionFailure, PredictionRequest, PredictionResponse, PredictionRoute,
        Predictor,
    },
    predict::{self, Input, Value},
    rollout::{Error, Result},
};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBytes, PyDict, PyList},
};

use crate::{
    array,
    client::{Client, prediction_of},
    convert::given::{Refused, kind},
};

/// The models behind a client, or a function that sends requests to them.
#[derive(Clone)]
pub(crate) enum Models {
    Client(predict::Client),
    Function(Arc<Py<PyAny>>),
}

/// The result of a call of the function.
enum Called {
    /// The subset, and the prediction.
    Answer(Option<String>, Option<predict::Predicted>),
    /// The subset, and what the function raised.
    Failure(Option<String>, String),
    /// It gave something else than an answer, which is not a model's fault.
    Wrong(String),
}

impl Models {
    /// A client, or a function of an input and headers.
    pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(client) = given.cast::<Client>() {
            return client.get().core().map(Self::Client);
        }
        if given.is_callable() {
            return Ok(Self::Function(Arc::new(given.clone().unbind())));
        }
        let give =
            "a Client, or a function of an input and headers that gives (subset, prediction)";
        Err(Refused::kind(given, give).exception("client"))
    }
}

impl Predictor for Models {
    type Input = Input<'static>;

    async fn predict(
        &self,
        request: PredictionRequest<'_, Input<'static>>,
    ) -> Result<PredictionResponse> {
        match self {
            Self::Client(client) => Predictor::predict(client, request).await,
            Self::Function(function) => by_function(Arc::clone(function), request).await,
        }
    }

    fn read(&self, name: &str) -> std::result::Result<Input<'static>, String> {
        std::fs::read(name).map(Input::from).map_err(|error| format!("cannot read {name}: {error}"))
    }
}

/// The refusal of a function where versions are told apart by labels.
const BY_LABELS: &str = "a function cannot choose a version by its label; give a release by labels a Client, which asks by label itself";

async fn by_function(
    function: Arc<Py<PyAny>>,
    request: PredictionRequest<'_, Input<'static>>,
) -> Result<PredictionResponse> {
    let header = match request.route {
        PredictionRoute::Divided { .. } => None,
        PredictionRoute::Header(header) => Some((header.name.clone(), header.value.clone())),
        PredictionRoute::Label { .. } => {
            return Err(Error::Predictor(BY_LABELS.into()));
        }
    };
    let input = request.input.clone();
    // In a thread: it may wait, and other requests are under way.
    let called = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        // At the very end the interpreter no longer exists.
        let called = Python::try_attach(|py| call(py, &function, &input, header));
        let over = || Called::Failure(None, "the interpreter ends".to_owned());
        (called.unwrap_or_else(over), start.elapsed())
    });
    let (called, latency) = called.await.map_err(|error| Error::Predictor(Box::new(error)))?;
    response(called, latency)
}

fn response(called: Called, latency: Duration) -> Result<PredictionResponse> {
    match called {
        Called::Answer(subset, prediction) => {
            let outcome = Ok(Predicted { classes: Ok(vec![prediction]) });
            Ok(PredictionResponse { subset, latency, outcome })
        }
        Called::Failure(subset, problem) => {
            let error = problem.clone().into();
            let outcome = Err(PredictionFailure { problem, sent: true, error });
            Ok(PredictionResponse { subset, latency, outcome })
        }
        Called::Wrong(what) => Err(Error::Predictor(what.into())),
    }
}

fn call(
    py: Python<'_>,
    function: &Py<PyAny>,
    input: &Input<'static>,
    header: Option<(String, String)>,
) -> Called {
    let called = (|| {
        let headers = PyDict::new(py);
        if let Some((name, value)) = header {
            headers.set_item(name, value)?;
        }
        function.bind(py).call1((object(py, input)?, headers))
    })();
    let given = match called {
        Ok(given) => given,
        Err(error) => {
            let value = error.value(py);
            let subset = value.getattr("subset").and_then(|subset| subset.extract());
            return Called::Failure(subset.unwrap_or(None), error.to_string());
        }
    };
    let read = given.extract::<(Option<String>, Bound<'_, PyAny>)>();
    match read.and_then(|(subset, prediction)| Ok((subset, prediction_of(&prediction)?))) {
        Ok((subset, prediction)) => Called::Answer(subset, prediction),
        Err(error) => Called::Wrong(format!(
            "the function client gave {}; it must give (subset, prediction): the name of the subset that answered, and \
             a text or a number, or a tuple of it and its probability ({error})",
            kind(&given)
        )),
    }
}

/// The input as Python has it: the bytes of a file, an array, or several by name.
fn object<'py>(py: Python<'py>, input: &Input<'_>) -> PyResult<Bound<'py, PyAny>> {
    let one = |value: &Value<'_>| match value {
        Value::Files(files) => match files.as_slice() {
            [file] => Ok(PyBytes::new(py, file).into_any()),
            _ => PyList::new(py, files.iter().map(|file| PyBytes::new(py, file)))?
                .into_bound_py_any(py),
        },
        other => array::give(py, other.view().to_tensor()),
    };
    let named = PyDict::new(py);
    for (name, value) in input.values() {
        if name.is_empty() {
            return one(value);
        }
        named.set_item(name, one(value)?)?;
    }
    Ok(named.into_any())
}
