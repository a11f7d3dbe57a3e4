//! One recipient: its queue, its task, and its count of missed notices.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use canary_http::milliseconds;
use canary_rollout::Notice;
use tokio::{
    runtime::Handle,
    sync::mpsc::{Sender, channel},
    task::JoinHandle,
    time::Instant,
};

/// The number of notices that may wait for one recipient.
const ROOM: usize = 256;

/// The longest pause between two attempts, unless a server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A way to deliver a notice.
pub(crate) trait Deliver: Send + Sync + 'static {
    /// One attempt.
    fn deliver(&self, notice: &Notice) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The reason, without secrets.
    pub(crate) reason: String,
    /// `true` when another attempt may succeed.
    pub(crate) again: bool,
    /// The pause that the other side asks for.
    pub(crate) wait: Option<Duration>,
}

impl Failure {
    /// A failure that another attempt cannot fix.
    pub(crate) fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: false, wait: None }
    }
}

/// The attempts at one notice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    pub(crate) most: u32,
    pub(crate) first_pause: Duration,
}

/// Notices that a recipient did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The recipient: the host of a webhook, or `Kubernetes Events`.
    pub recipient: String,
    /// Notices that it did not get.
    pub undelivered: u64,
    /// Notices that were meant for it.
    pub of: u64,
    /// The reason of the last failure.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recipient, undelivered, of, reason } = self;
        write!(f, "{recipient}: {undelivered} of {of} notices not delivered: {reason}")
    }
}

/// The notices of one recipient, counted.
#[derive(Debug, Default)]
struct Tally {
    meant: u64,
    delivered: u64,
    given_up: u64,
    reason: Option<String>,
}

impl Tally {
    /// Counts a notice whose attempts are over.
    fn ended(&mut self, delivered: bool) {
        if !delivered {
            self.given_up += 1;
            return;
        }
        self.delivered += 1;
        // A failure that a later attempt corrected is not a reason.
        if self.given_up == 0 {
            self.reason = None;
        }
    }
}

/// A recipient with its task.
#[derive(Debug)]
pub(crate) struct Recipient {
    name: String,
    queue: Sender<Notice>,
    task: JoinHandle<()>,
    tally: Arc<Mutex<Tally>>,
}

impl Recipient {
    pub(crate) fn spawn(
        runtime: &Handle,
        name: String,
        attempts: Attempts,
        way: impl Deliver,
    ) -> Self {
        let (queue, mut waiting) = channel::<Notice>(ROOM);
        let tally = Arc::<Mutex<Tally>>::default();
        let (counts, recipient) = (Arc::clone(&tally), name.clone());
        let task = runtime.spawn(async move {
            while let Some(notice) = waiting.recv().await {
                let delivered = attempt(&recipient, &way, &notice, attempts, &counts).await;
                let mut tally = locked(&counts);
                tally.ended(delivered);
            }
        });
        Self { name, queue, task, tally }
    }

    /// Adds a notice to the queue; if the queue is full, it is given up.
    pub(crate) fn put(&self, notice: &Notice) {
        let mut tally = locked(&self.tally);
        tally.meant += 1;
        if self.queue.try_send(notice.clone()).is_err() {
            tally.given_up += 1;
            tally.reason.get_or_insert_with(|| format!("{ROOM} notices were waiting"));
            let (recipient, kind) = (self.name.as_str(), notice.kind.name());
            let reason = format_args!("{ROOM} notices were waiting");
            tracing::warn!(recipient, kind, attempts = 0, %reason, "notice not delivered");
        }
    }

    /// The notices so far: delivered, and given up.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let tally = locked(&self.tally);
        (tally.delivered, tally.given_up)
    }

    /// The notices that were meant for it so far.
    pub(crate) fn meant(&self) -> u64 {
        locked(&self.tally).meant
    }

    /// The notices that were given up so far.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let tally = locked(&self.tally);
        problem(&self.name, &tally, tally.given_up)
    }

    /// Sends the notices that wait, until the deadline; what the recipient did not get then.
    pub(crate) async fn finish(self, deadline: Instant) -> Option<Problem> {
        let Self { name, queue, mut task, tally } = self;
        drop(queue);
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
        }
        let tally = locked(&tally);
        problem(&name, &tally, tally.meant - tally.delivered)
    }
}

fn problem(name: &str, tally: &Tally, undelivered: u64) -> Option<Problem> {
    let unknown = || "no attempt ended in time".to_owned();
    (undelivered > 0).then(|| Problem {
        recipient: name.to_owned(),
        undelivered,
        of: tally.meant,
        reason: tally.reason.clone().unwrap_or_else(unknown),
    })
}

/// Attempts to deliver one notice; `true` when one succeeded.
async fn attempt(
    recipient: &str,
    way: &impl Deliver,
    notice: &Notice,
    attempts: Attempts,
    tally: &Mutex<Tally>,
) -> bool {
    let kind = notice.kind.name();
    let mut pause = attempts.first_pause;
    for attempt in 1.. {
        let Err(failure) = way.deliver(notice).await else {
            tracing::debug!(recipient, kind, attempt, "notice delivered");
            return true;
        };
        let reason = failure.reason.as_str();
        if !failure.again || attempt >= attempts.most {
            tracing::warn!(recipient, kind, attempts = attempt, reason, "notice not delivered");
            locked(tally).reason = Some(failure.reason);
            break;
        }
        // Between half of the pause and the whole, so that many runs do not call their recipients at the same moment.
        let jittered = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
        let wait = failure.wait.unwrap_or(jittered);
        let pause_ms = milliseconds(wait);
        tracing::debug!(recipient, kind, attempt, reason, pause_ms, "notice is sent again");
        locked(tally).reason = Some(failure.reason);
        tokio::time::sleep(wait).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
    false
}

fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
