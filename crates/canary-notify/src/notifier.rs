//! The notifier: hands notices to every recipient, and never waits.

use std::time::Duration;

use canary_http::{Client, MAX_TIMEOUT, Settings};
use canary_rollout::{Notice, cluster::Cluster};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    Error, Problem, Result, Webhook,
    events::Events,
    recipient::{Attempts, Recipient},
    send::Post,
};

/// The attempts at one Event: together they take some 15 s, after which Events are of little use.
const EVENT_ATTEMPTS: Attempts = Attempts { most: 5, first_pause: Duration::from_secs(1) };

/// Sends notices in the background, to each recipient in the order in which they came.
///
/// When it is dropped, the notices that wait are still sent, as long as the runtime lives; [`Notifier::finish`] waits
/// for that and reports the rest.
#[derive(Debug)]
pub struct Notifier {
    runtime: Handle,
    recipients: Vec<Recipient>,
}

impl Notifier {
    /// Starts one task for each webhook, in the runtime of the caller.
    ///
    /// The environment's proxies are used, as [`canary_http::Client`] does it.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a tokio runtime, [`Error::Cleartext`] when credentials would be sent without
    /// encryption ([`Webhook::allow_cleartext`]), [`Error::Client`] when a proxy of the environment cannot be used.
    pub fn spawn(webhooks: impl IntoIterator<Item = Webhook>) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let webhooks: Vec<Webhook> = webhooks.into_iter().collect();
        webhooks.iter().try_for_each(Webhook::check_cleartext)?;
        let client = Client::new(&Settings::default()).map_err(Error::Client)?;
        let recipients = webhooks.into_iter().map(|webhook| {
            let attempts = Attempts { most: webhook.attempts, first_pause: webhook.first_pause };
            let name = webhook.host().to_owned();
            let post = Post { client: client.clone(), webhook };
            Recipient::spawn(&runtime, name, attempts, post)
        });
        let recipients = recipients.collect();
        Ok(Self { runtime, recipients })
    }

    /// Writes each notice as an Event on its `VirtualService` too
    /// ([`record_event`](canary_rollout::cluster::record_event)).
    #[must_use]
    pub fn events(mut self, cluster: impl Cluster + 'static) -> Self {
        let name = "Kubernetes Events".to_owned();
        let events = Recipient::spawn(&self.runtime, name, EVENT_ATTEMPTS, Events(cluster));
        self.recipients.push(events);
        self
    }

    /// Hands a notice to every recipient. It does not wait. A recipient with 256 waiting notices does not get this one,
    /// which [`Notifier::problems`] counts.
    pub fn notice(&self, notice: &Notice) {
        self.recipients.iter().for_each(|recipient| recipient.put(notice));
    }

    /// The recipients that have missed notices so far, with the number and the last reason. Notices that wait or are
    /// tried again are not counted.
    pub fn problems(&self) -> Vec<Problem> {
        self.recipients.iter().filter_map(Recipient::problem).collect()
    }

    /// The notices so far over all recipients: those that were delivered, and those that were given up.
    pub fn counts(&self) -> (u64, u64) {
        let counts = self.recipients.iter().map(Recipient::counts);
        counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The number of notices handed to all recipients so far.
    pub fn meant(&self) -> u64 {
        self.recipients.iter().map(Recipient::meant).sum()
    }

    /// Sends the waiting notices for at most this time, and reports those that were not delivered.
    pub async fn finish(self, within: Duration) -> Vec<Problem> {
        let deadline = Instant::now() + within.min(MAX_TIMEOUT);
        let mut problems = Vec::new();
        // Each task continues while another is waited for.
        for recipient in self.recipients {
            problems.extend(recipient.finish(deadline).await);
        }
        problems
    }
}
