//! A copy of a SavedModel from one place to another.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use canary_core::serving::store::{self, CopyModel, Location, Progress, Settings};
use futures_util::future::{Either, select};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use tokio::sync::Notify;

use crate::{
    convert::{given::kind, plain::Plain, proxy::Proxy, value},
    error::IntoPy,
};

/// The location of a path, of whatever `os.fspath` takes, or of a URL.
fn location(name: &str, value: &Bound<'_, PyAny>, settings: &Settings) -> PyResult<Location> {
    if let Ok(text) = value.extract::<String>() {
        return Location::parse_with(&text, settings).py();
    }
    let folder: std::path::PathBuf = value.extract().map_err(|_| {
        PyTypeError::new_err(format!(
            "{name} is {}; give a path, or a URL such as gs://bucket/model/1",
            kind(value)
        ))
    })?;
    Ok(Location::folder(folder))
}

/// A copy that has not begun, and the exception of its callback.
pub(super) struct Job {
    copy: CopyModel,
    raised: Arc<Mutex<Option<PyErr>>>,
    stop: Arc<Notify>,
}

impl Job {
    pub(super) fn new(
        source: &Bound<'_, PyAny>,
        target: &Bound<'_, PyAny>,
        progress: Option<Py<PyAny>>,
        concurrency: usize,
        read_back: bool,
        proxy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let proxy = match Proxy::new(proxy)? {
            Proxy::Environment => store::Proxy::from_environment(),
            Proxy::Direct => store::Proxy::direct(),
            Proxy::At(url) => {
                store::Proxy::at(&url).map_err(|error| PyValueError::new_err(error.to_string()))?
            }
        };
        let settings = Settings::default().proxy(proxy);
        let (raised, stop) = (Arc::<Mutex<Option<PyErr>>>::default(), Arc::new(Notify::new()));
        let mut copy = CopyModel::new(
            location("source", source, &settings)?,
            location("target", target, &settings)?,
        )
        .concurrency(concurrency);
        if !read_back {
            copy = copy.without_read_back();
        }
        if let Some(progress) = progress {
            let (raised, stop) = (Arc::clone(&raised), Arc::clone(&stop));
            copy = copy.on_progress(move |at: &Progress| {
                let called = Python::attach(|py| {
                    progress.call1(py, (at.file.as_str(), at.bytes, at.total_bytes)).map(drop)
                });
                if let Err(error) = called {
                    raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    stop.notify_one();
                }
            });
        }
        Ok(Self { copy, raised, stop })
    }

    /// Copies; an exception of the callback ends the copy.
    pub(super) async fn run(self) -> PyResult<Plain> {
        let copied = match select(pin!(self.copy.run()), pin!(self.stop.notified())).await {
            Either::Left((copied, _)) => Some(copied.py()?),
            Either::Right(_) => None,
        };
        match self.raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(Plain(value::json(&copied)?)),
        }
    }
}
