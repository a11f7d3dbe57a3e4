//! Hands the events of a run to those who want to hear of it.

use std::time::Duration;

use anyhow::Result;
use canary_core::{
    Plan,
    cluster::{Cluster, Progress},
    evidence::Timestamp,
    notify::{Notifier, Webhook},
    rollout::Notices,
};

use crate::{commands::run::notify_options::NotifyOptions, input::Unusable, output};

/// The longest time that the end of a run waits for its notices.
const FLUSH: Duration = Duration::from_secs(10);

/// The notices of one run and their recipients.
pub(super) struct Teller {
    notices: Notices,
    notifier: Notifier,
}

impl Teller {
    /// None where nobody is to be told. It must be called inside the runtime.
    pub(super) fn new<C: Cluster + Clone + 'static>(
        options: &NotifyOptions,
        plan: &Plan,
        cluster: &C,
    ) -> Result<Option<Self>> {
        if options.notify.is_empty() && !options.events {
            return Ok(None);
        }
        let mut webhooks = Vec::new();
        for address in &options.notify {
            let webhook = Webhook::parse(&address.0).map_err(unusable)?;
            webhooks.push(match &options.notify_token_file {
                Some(file) if !webhook.is_slack() => webhook.bearer_from_file(file),
                _ => webhook,
            });
        }
        let mut notifier = Notifier::spawn(webhooks).map_err(unusable)?;
        if options.events {
            notifier = notifier.events(cluster.clone());
        }
        let mut notices = Notices::new(plan);
        if let Some(link) = &options.notify_link {
            notices = notices.link(link);
        }
        Ok(Some(Self { notices, notifier }))
    }

    /// Hands one event on.
    pub(super) fn tell(&mut self, progress: &Progress) {
        if let Some(notice) = self.notices.of(progress, Timestamp::now()) {
            self.notifier.notice(&notice);
        }
    }

    /// The notices so far: delivered, and given up.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.notifier.counts()
    }

    /// Sends what waits, and says on standard error what was not delivered; the notices that were, and those that were
    /// not.
    pub(super) async fn finish(self) -> (u64, u64) {
        let meant = self.notifier.meant();
        let problems = self.notifier.finish(FLUSH).await;
        for problem in &problems {
            output::message(&format!("--notify: {problem}"));
        }
        let undelivered = problems.iter().map(|problem| problem.undelivered).sum();
        (meant - undelivered, undelivered)
    }
}

fn unusable(error: canary_core::notify::Error) -> anyhow::Error {
    let error = anyhow::Error::from(error);
    Unusable::error(format!("--notify: {error:#}"))
}
