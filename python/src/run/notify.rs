//! The recipients of a run's notices: the arguments that name them, and the notices of one run.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::{
    cluster::{Cluster, Progress},
    notify::{Recipients, Teller},
    rollout::{Error, Plan, Result},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyString,
};
use tokio::task::JoinHandle;

use super::raised::lock;

/// The longest time that the notices which wait at the end of a run are sent.
pub(super) const FLUSH: Duration = Duration::from_secs(10);

/// The notices that are still sent after their run has ended.
static FLUSHING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// The arguments that name the recipients of a run's notices.
pub(crate) struct Notify<'a, 'py> {
    pub(crate) addresses: Option<&'a Bound<'py, PyAny>>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) cleartext: bool,
    pub(crate) link: Option<String>,
    pub(crate) events: bool,
}

impl Notify<'_, '_> {
    /// Reads the addresses. No message repeats one: it may be a secret.
    pub(super) fn read(self) -> PyResult<Recipients> {
        let addresses = self.addresses.map_or_else(|| Ok(Vec::new()), addresses)?;
        let mut recipients = Recipients::new(&addresses)
            .map_err(|error| PyValueError::new_err(format!("notify: {}", chain(&error))))?
            .events(self.events)
            .allow_cleartext(self.cleartext);
        if let Some(file) = self.token_file {
            recipients = recipients.token_file(file);
        }
        if let Some(link) = self.link {
            recipients = recipients.link(link);
        }
        Ok(recipients)
    }
}

/// One address, or a sequence of them.
fn addresses(given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(one) = given.cast::<PyString>() {
        return Ok(vec![one.to_string()]);
    }
    given.extract().map_err(|_| {
        PyTypeError::new_err(
            "notify: give an address, such as env:SLACK_WEBHOOK or https://events.example.com/rollouts, or a list of them",
        )
    })
}

fn chain(error: &canary_core::notify::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The notices of a run, from one driver to the next.
#[derive(Default)]
pub(crate) struct Notices {
    recipients: Recipients,
    teller: Mutex<Option<Teller>>,
    /// The notices that the drivers before did not deliver, in words.
    undelivered: Arc<Mutex<Vec<String>>>,
}

impl Notices {
    pub(super) fn new(recipients: Recipients) -> Self {
        Self { recipients, ..Self::default() }
    }

    /// Starts the notices of a driver that starts. It must be called inside the runtime.
    pub(super) fn begin(&self, plan: &Plan, cluster: impl Cluster + 'static) -> Result<()> {
        if !self.recipients.is_empty() {
            let teller = self.recipients.begin(plan, cluster);
            let teller =
                teller.map_err(|error| Error::Plan(format!("notify: {}", chain(&error))))?;
            *lock(&self.teller) = Some(teller);
        }
        Ok(())
    }

    pub(super) fn tell(&self, progress: &Progress) {
        if let Some(teller) = &mut *lock(&self.teller) {
            teller.tell(progress);
        }
    }

    /// Sends what waits, in the background. It must be called inside the runtime.
    pub(super) fn flush(&self) {
        let Some(teller) = lock(&self.teller).take() else { return };
        let undelivered = Arc::clone(&self.undelivered);
        let task = tokio::spawn(async move {
            let problems = teller.finish(FLUSH).await;
            lock(&undelivered).extend(problems.iter().map(ToString::to_string));
        });
        let mut flushing = lock(&FLUSHING);
        flushing.retain(|task| !task.is_finished());
        flushing.push(task);
    }

    /// The notices that were not delivered so far, one line for each recipient.
    pub(super) fn undelivered(&self) -> Vec<String> {
        let mut all = lock(&self.undelivered).clone();
        let problems = lock(&self.teller).as_ref().map(Teller::problems).unwrap_or_default();
        all.extend(problems.iter().map(ToString::to_string));
        all
    }
}

/// The notices that are still sent, for the end of the interpreter to wait for.
pub(super) fn flushing() -> Vec<JoinHandle<()>> {
    std::mem::take(&mut *lock(&FLUSHING))
}
