//! The recipients of a run's notices: webhooks and Kubernetes Events.

use std::{path::PathBuf, time::Duration};

use canary_rollout::{
    Notices, Plan,
    cluster::{Cluster, Progress},
    evidence::Timestamp,
};

use crate::{Notifier, Problem, Result, Webhook};

/// The recipients of a run's notices, with the same settings in the command, in Rust and in Python.
///
/// ```
/// use canary_notify::Recipients;
///
/// let recipients = Recipients::new(["slack:https://hooks.slack.example/hunter2"])?.link("https://reports.example/7");
/// assert!(!recipients.is_empty());
/// assert!(!format!("{recipients:?}").contains("hunter2"));
/// # Ok::<(), canary_notify::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recipients {
    webhooks: Vec<Webhook>,
    events: bool,
    link: Option<String>,
}

impl Recipients {
    /// Reads the addresses of webhooks, each as [`Webhook::parse`] takes it; none where only Events are wanted.
    ///
    /// # Errors
    /// Those of [`Webhook::parse`].
    pub fn new<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Result<Self> {
        let parsed = addresses.into_iter().map(|address| Webhook::parse(address.as_ref()));
        Ok(Self { webhooks: parsed.collect::<Result<_>>()?, ..Self::default() })
    }

    /// Sends the bearer token in a file to the webhooks that get CloudEvents ([`Webhook::bearer_from_file`]).
    #[must_use]
    pub fn token_file(self, file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        self.each(
            |webhook| {
                if webhook.is_slack() { webhook } else { webhook.bearer_from_file(&file) }
            },
        )
    }

    /// Sends credentials by `http://` to other machines too ([`Webhook::allow_cleartext`]).
    #[must_use]
    pub fn allow_cleartext(self, allow: bool) -> Self {
        self.each(|webhook| webhook.allow_cleartext(allow))
    }

    /// Writes the notices as Kubernetes Events too.
    #[must_use]
    pub fn events(mut self, events: bool) -> Self {
        self.events = events;
        self
    }

    /// Gives every notice the address of a report or a dashboard.
    #[must_use]
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// Returns `true` when there are no recipients.
    pub fn is_empty(&self) -> bool {
        self.webhooks.is_empty() && !self.events
    }

    /// Starts the notices of a run of this plan, in the runtime of the caller; Events are written in `cluster`.
    ///
    /// # Errors
    /// Those of [`Notifier::spawn`].
    pub fn begin(&self, plan: &Plan, cluster: impl Cluster + 'static) -> Result<Teller> {
        let mut notifier = Notifier::spawn(self.webhooks.clone())?;
        if self.events {
            notifier = notifier.events(cluster);
        }
        let notices = Notices::new(plan);
        let notices = match &self.link {
            Some(link) => notices.link(link),
            None => notices,
        };
        Ok(Teller { notices, notifier })
    }

    fn each(mut self, change: impl Fn(Webhook) -> Webhook) -> Self {
        self.webhooks = self.webhooks.into_iter().map(change).collect();
        self
    }
}

/// Hands the events of one run to its recipients, and never waits for them.
#[derive(Debug)]
pub struct Teller {
    notices: Notices,
    notifier: Notifier,
}

impl Teller {
    /// Hands an event on if notices are sent for it.
    pub fn tell(&mut self, progress: &Progress) {
        if let Some(notice) = self.notices.of(progress, Timestamp::now()) {
            self.notifier.notice(&notice);
        }
    }

    /// The recipients that did not get notices so far, as [`Notifier::problems`].
    pub fn problems(&self) -> Vec<Problem> {
        self.notifier.problems()
    }

    /// The notices so far over all recipients: those that were delivered, and those that were given up.
    pub fn counts(&self) -> (u64, u64) {
        self.notifier.counts()
    }

    /// The number of notices handed to all recipients so far.
    pub fn meant(&self) -> u64 {
        self.notifier.meant()
    }

    /// Sends the waiting notices for at most this time, and reports those that were not delivered.
    pub async fn finish(self, within: Duration) -> Vec<Problem> {
        self.notifier.finish(within).await
    }
}
