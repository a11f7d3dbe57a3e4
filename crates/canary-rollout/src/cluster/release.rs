//! A person's commands to a release that another process drives.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Cluster, Driver, ObjectRef, Patch, Progress,
    driver::{held_by, lease_of},
};
use crate::{
    COMMAND_ANNOTATION, Command, CommandLine, CommandOutcome, CommandRecord, Error, Plan, Result,
    RouteKind, Verb, Verdict,
    evidence::Timestamp,
    json::{annotation, resource_version},
    patch::STATE_ANNOTATION,
};

/// The time between two polls for the acknowledgement.
const EVERY: Duration = Duration::from_millis(200);

/// The time within which a driver has to begin, or to continue in another process, before a command reports that none
/// runs.
const STARTING: Duration = Duration::from_secs(5);

/// The number of times that a command is written while somebody else keeps changing the object.
const ATTEMPTS: u32 = 8;

/// The maximum number of lines in the annotation, which are commands that no driver has read yet.
const LINES: usize = 5;

/// A release that a driver runs, here or in another process: pauses, resumes, approves, aborts and promotes it.
///
/// A command is written into an annotation of the `VirtualService` ([`COMMAND_ANNOTATION`]); the driver reads it, carries
/// it out and acknowledges it in the stored state. Each call waits for that. `kubectl annotate` does the same.
///
/// ```no_run
/// # async fn example(cluster: impl canary_core::cluster::Cluster + 'static) -> canary_core::Result<()> {
/// use canary_core::cluster::Release;
///
/// let release = Release::of(cluster, "pets").namespace("models").by("alice");
/// release.pause().await?;
/// println!("{}", release.resume().await?); // resume by alice, 2026-11-29 15:04:00 UTC: done
/// release.abort("the labels are shifted by one").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Release<C> {
    cluster: Arc<C>,
    /// The object that holds the release's state.
    object: ObjectRef,
    by: String,
    timeout: Duration,
    plan: Option<Plan>,
}

impl<C: Cluster + 'static> Release<C> {
    /// The release on the `VirtualService` of that name in the namespace `default`.
    pub fn of(cluster: C, virtual_service: impl Into<String>) -> Self {
        Self {
            cluster: Arc::new(cluster),
            object: ObjectRef::virtual_service("default", virtual_service),
            by: user(),
            timeout: Duration::from_secs(60),
            plan: None,
        }
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.object.namespace = namespace.into();
        self
    }

    /// Sets the kind of the object that holds the release's state: that of the first route of its plan.
    ///
    /// ```no_run
    /// # async fn example(cluster: impl canary_core::cluster::Cluster + 'static) -> canary_core::Result<()> {
    /// use canary_core::{cluster::Release, rollout::RouteKind};
    ///
    /// Release::of(cluster, "pets").kind(RouteKind::HttpRoute).pause().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn kind(mut self, kind: RouteKind) -> Self {
        let ObjectRef { namespace, name, .. } = self.object;
        self.object = ObjectRef::new(kind.api_version(), kind.as_str(), namespace, name);
        self
    }

    /// Names the person; by default the user and the host of this process.
    #[must_use]
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.by = name.into();
        self
    }

    /// Sets the longest time that a call waits for the driver; one minute by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Gives the plan of the release: with it, [`Release::abort`] goes back to the stable version also if no driver runs.
    #[must_use]
    pub fn plan(mut self, plan: Plan) -> Self {
        self.object = plan.target.state_object();
        self.plan = Some(plan);
        self
    }

    /// Pauses at the weights in force; the guardrails continue.
    ///
    /// # Errors
    /// As [`Release::send`].
    pub async fn pause(&self) -> Result<CommandRecord> {
        self.send(Verb::Pause, "").await
    }

    /// Resumes after a pause.
    ///
    /// # Errors
    /// As [`Release::send`].
    pub async fn resume(&self) -> Result<CommandRecord> {
        self.send(Verb::Resume, "").await
    }

    /// Approves the step that waits.
    ///
    /// # Errors
    /// As [`Release::send`]; it is refused where no step waits.
    pub async fn approve(&self) -> Result<CommandRecord> {
        self.send(Verb::Approve, "").await
    }

    /// Goes back to the stable version now. When this returns, everything is at the stable version.
    ///
    /// # Errors
    /// As [`Release::send`].
    pub async fn abort(&self, why: &str) -> Result<CommandRecord> {
        self.send(Verb::Abort, why).await
    }

    /// Ends the release with all traffic at the canary. It is recorded as this person's decision
    /// ([`Verdict::PromotedByPerson`]), not as a verdict of the statistics.
    ///
    /// # Errors
    /// As [`Release::send`]; it is refused where the evidence has decided otherwise, where nothing shows that the canary
    /// serves, and where its pods are not ready.
    pub async fn promote(&self, why: &str) -> Result<CommandRecord> {
        self.send(Verb::Promote, why).await
    }

    /// Gives a command with a reason, and waits until the driver has carried it out.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such `VirtualService`; [`Error::Refused`] when no release is under way, when
    /// the driver refuses the command, or when a later command replaced it; [`Error::NotReady`] when no driver runs
    /// and none begins within five seconds, or when none acknowledges it in time: the command stays in the object, and the
    /// driver that comes next carries it out.
    pub async fn send(&self, verb: Verb, why: &str) -> Result<CommandRecord> {
        let nonce = nonce();
        let now = Timestamp::now();
        let command = Command::new(verb, nonce.as_str()).by(self.by.as_str()).at(now).why(why);
        self.write(&command).await?;
        // An abort that needs no driver waits for none.
        let alone = verb == Verb::Abort && self.plan.is_some();
        let starting = if alone { Duration::ZERO } else { STARTING.min(self.timeout) };
        let began = tokio::time::Instant::now();
        let mut driven = false;
        loop {
            driven = driven || self.is_driven().await?;
            // Read after the lock: a driver that carried the command out, and ended with it, has released the lock.
            if let Some(record) = self.record_of(&nonce).await? {
                return self.outcome(record);
            }
            let waited = began.elapsed();
            if !driven && waited >= starting {
                return self.without_driver(command).await;
            }
            if waited >= self.timeout {
                return Err(self.unacknowledged(verb, "its driver did not acknowledge it in time"));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The last commands that a driver has read, with their outcomes, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such `VirtualService`; [`Error::Cluster`] when it cannot be read.
    pub async fn commands(&self) -> Result<Vec<CommandRecord>> {
        Ok(records(&self.live().await?))
    }

    fn action(&self, verb: Verb) -> String {
        format!("{verb} the release of {}", self.object)
    }

    async fn live(&self) -> Result<Value> {
        self.cluster.get(&self.object).await?.ok_or_else(|| Error::NotFound {
            object: self.object.to_string(),
            help: format!("name the {} of the release, and its namespace", self.object.kind),
        })
    }

    /// Adds the command to those that no driver has read yet.
    async fn write(&self, command: &Command) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let live = self.live().await?;
            self.check_under_way(command.verb, &live)?;
            let read = state_of(&live);
            let known = |nonce: &str| {
                let heard =
                    read["heard"].as_array().is_some_and(|all| all.iter().any(|one| one == nonce));
                heard || records(&live).iter().any(|record| record.nonce == nonce)
            };
            let before = annotation(&live, COMMAND_ANNOTATION).unwrap_or_default();
            let before = Command::read_all(before);
            let unread = before.iter().filter_map(CommandLine::command);
            let mut lines: Vec<String> =
                unread.filter(|one| !known(&one.nonce)).map(ToString::to_string).collect();
            lines.push(command.to_string());
            lines.drain(..lines.len().saturating_sub(LINES));
            match self.cluster.patch(&self.object, &annotate(&live, &lines.join("\n"))?).await {
                Err(Error::Conflict { .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
                }
                done => return done.map(drop),
            }
        }
    }

    /// Checks that a release is stored on the object, and not over.
    fn check_under_way(&self, verb: Verb, live: &Value) -> Result<()> {
        let state = state_of(live);
        let reason = if state.is_null() {
            "no release is under way on it"
        } else if let Some(done) = state.pointer("/phase/done") {
            let verdict = done["verdict"].as_str().unwrap_or("unknown");
            &format!(
                "the release is over: {verdict}; to change the weights now, write them yourself"
            )
        } else {
            return Ok(());
        };
        Err(Error::Refused { action: self.action(verb), reason: reason.to_owned() })
    }

    /// Returns `true` when a driver holds the lock. Where the lock cannot be read, one is taken to run.
    async fn is_driven(&self) -> Result<bool> {
        let lease =
            match self.cluster.get(&lease_of(&self.object.namespace, &self.object.name)).await {
                Err(Error::Forbidden { .. }) => return Ok(true),
                found => found?,
            };
        let now = Timestamp::now();
        Ok(lease.as_ref().and_then(held_by).is_some_and(|(_, until)| until > now))
    }

    async fn record_of(&self, nonce: &str) -> Result<Option<CommandRecord>> {
        let found = match self.commands().await {
            Err(error) if error.is_retryable() => return Ok(None),
            found => found?,
        };
        Ok(found.into_iter().find(|record| record.nonce == nonce))
    }

    fn outcome(&self, record: CommandRecord) -> Result<CommandRecord> {
        let reason = match &record.outcome {
            CommandOutcome::Done => return Ok(record),
            CommandOutcome::Superseded => "a later command replaced it".to_owned(),
            CommandOutcome::Refused(why) => why.clone(),
        };
        let action = format!("{} the release of {}", record.command, self.object);
        Err(Error::Refused { action, reason })
    }

    fn unacknowledged(&self, verb: Verb, why: &str) -> Error {
        let back = match verb {
            Verb::Abort => {
                "; give the plan to abort without a driver, or write the weights yourself"
            }
            _ => "",
        };
        Error::NotReady {
            action: self.action(verb),
            reason: format!(
                "{why}; the command stays in the annotation, and the next driver carries it out{back}"
            ),
        }
    }

    /// No driver runs: an abort is carried out here if the plan is known.
    async fn without_driver(&self, command: Command) -> Result<CommandRecord> {
        let (verb, nonce) = (command.verb, command.nonce.clone());
        let Some(plan) = self.plan.clone().filter(|_| verb == Verb::Abort) else {
            return Err(self.unacknowledged(verb, "no driver runs it"));
        };
        let driver = Driver::shared(Arc::clone(&self.cluster), plan)?.aborting();
        // Boxed, because it is large and rarely used.
        let (mut run, _control) = Box::pin(driver.start()).await?;
        while let Some(progress) = futures_util::StreamExt::next(&mut run).await {
            if let Progress::Finished { verdict, .. } = progress?
                && !matches!(verdict, Verdict::Rollback { .. })
            {
                return Err(Error::Refused {
                    action: self.action(verb),
                    reason: verdict.to_string(),
                });
            }
        }
        match self.record_of(&nonce).await? {
            Some(record) => self.outcome(record),
            None => Err(self.unacknowledged(verb, "its record is missing")),
        }
    }
}

/// The stored state as JSON; null without one.
fn state_of(live: &Value) -> Value {
    let text = annotation(live, STATE_ANNOTATION).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

fn records(live: &Value) -> Vec<CommandRecord> {
    let mut state = state_of(live);
    serde_json::from_value(state["commands"].take()).unwrap_or_default()
}

/// The patch that sets the annotation on the object as it was read.
fn annotate(live: &Value, text: &str) -> Result<Patch> {
    let mut operations = Vec::new();
    if let Some(version) = resource_version(live) {
        operations
            .push(json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
    }
    // A release that is under way has the annotation of its state.
    let path = format!("/metadata/annotations/{}", COMMAND_ANNOTATION.replace('/', "~1"));
    operations.push(json!({"op": "add", "path": path, "value": text}));
    serde_json::from_value(Value::Array(operations))
        .map_err(|error| Error::Plan(format!("the command cannot be written: {error}")))
}

/// The user and the host, as far as the environment names them.
fn user() -> String {
    let of = |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok());
    let user = of(["USER", "USERNAME"]).unwrap_or_else(|| "somebody".to_owned());
    match of(["HOSTNAME", "COMPUTERNAME"]) {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}

/// A word that is unique to this command.
fn nonce() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    format!("{:x}-{process:x}-{count:x}", nanos & 0xff_ffff_ffff)
}
