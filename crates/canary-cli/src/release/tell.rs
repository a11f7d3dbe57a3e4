//! Hands the events of a run to the recipients of its notices.

use std::time::Duration;

use anyhow::Result;
use canary_core::{
    Plan,
    cluster::{Cluster, Progress},
    notify::{Recipients, Teller as Told},
};

use crate::{commands::run::notify_options::NotifyOptions, input::Unusable, output};

/// The longest time that the end of a run waits for its notices.
const FLUSH: Duration = Duration::from_secs(10);

/// The notices of one run and their recipients.
pub(super) struct Teller(Told);

impl Teller {
    /// `None` without recipients. It must be called inside the runtime.
    pub(super) fn new<C: Cluster + Clone + 'static>(
        options: &NotifyOptions,
        plan: &Plan,
        cluster: &C,
    ) -> Result<Option<Self>> {
        let recipients = recipients(options).map_err(unusable)?;
        if recipients.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self(recipients.begin(plan, cluster.clone()).map_err(unusable)?)))
    }

    /// Hands one event on.
    pub(super) fn tell(&mut self, progress: &Progress) {
        self.0.tell(progress);
    }

    /// The notices so far: delivered, and given up.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.0.counts()
    }

    /// Sends the waiting notices and reports on standard error those that were not delivered. Returns the numbers of
    /// delivered and undelivered notices.
    pub(super) async fn finish(self) -> (u64, u64) {
        let meant = self.0.meant();
        let problems = self.0.finish(FLUSH).await;
        for problem in &problems {
            output::message(&format!("--notify: {problem}"));
        }
        let undelivered = problems.iter().map(|problem| problem.undelivered).sum();
        (meant - undelivered, undelivered)
    }
}

fn recipients(options: &NotifyOptions) -> canary_core::notify::Result<Recipients> {
    let mut recipients = Recipients::new(options.notify.iter().map(|address| &address.0))?
        .events(options.events)
        .allow_cleartext(options.notify_cleartext);
    if let Some(file) = &options.notify_token_file {
        recipients = recipients.token_file(file);
    }
    if let Some(link) = &options.notify_link {
        recipients = recipients.link(link);
    }
    Ok(recipients)
}

fn unusable(error: canary_core::notify::Error) -> anyhow::Error {
    let error = anyhow::Error::from(error);
    Unusable::error(format!("--notify: {error:#}"))
}
