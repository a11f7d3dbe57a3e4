//! Waiting until a version of a model answers.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use canary_core::predict;
use futures_util::future::{Either, select};
use pyo3::prelude::*;

use super::version_state::{VersionState, states};
use crate::{convert::time::Seconds, error::to_py};

/// A wait for a version, and the callback that is given each look.
pub(crate) struct Waiter {
    core: predict::Client,
    timeout: Duration,
    watcher: Option<Py<PyAny>>,
}

impl Waiter {
    pub(crate) fn new(
        core: predict::Client,
        timeout: Option<Seconds>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let timeout = timeout.map_or(Duration::from_secs(60), Into::into);
        let watcher = match progress {
            None => None,
            Some(progress) => {
                let watcher = progress.py().import("canary._progress")?.getattr("watcher")?;
                let watcher = watcher.call1((progress,))?;
                (!watcher.is_none()).then(|| watcher.unbind())
            }
        };
        Ok(Self { core, timeout, watcher })
    }

    /// The states when one version answers; an exception of the watcher ends it.
    pub(crate) async fn wait(self) -> PyResult<BTreeMap<i64, VersionState>> {
        let Self { core, timeout, watcher } = self;
        let (raise, mut raised) = tokio::sync::mpsc::unbounded_channel();
        let waiting = core.wait(timeout, |look| {
            let Some(watcher) = &watcher else { return };
            let told = Python::attach(|py| {
                let seen = match look.seen {
                    Ok(status) => states(status).into_pyobject(py)?.into_any(),
                    Err(error) => error.to_string().into_pyobject(py)?.into_any(),
                };
                watcher.call1(py, (look.elapsed.as_secs_f64(), seen)).map(drop)
            });
            if let Err(error) = told {
                // The other end waits as long as this does.
                _ = raise.send(error);
            }
        });
        match select(pin!(waiting), pin!(raised.recv())).await {
            Either::Right((Some(error), _)) => Err(error),
            Either::Right((None, waiting)) => Ok(states(&waiting.await.map_err(to_py)?)),
            Either::Left((status, _)) => Ok(states(&status.map_err(to_py)?)),
        }
    }
}
