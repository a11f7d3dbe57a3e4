//! The metrics of one run, fed with what happens.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use canary_rollout::{Result, cluster::Progress, evidence::Timestamp};
use futures_core::Stream;
use futures_util::StreamExt;

use crate::{
    Measured,
    measured::{Answer, Route, Sent, Verb},
    record::Record,
};

/// The metrics of one run. A clone is another handle of the same run.
///
/// Recording only takes a short lock and writes to memory: it never waits for a scrape, and it cannot fail.
///
/// ```
/// use canary_core::{Plan, cluster::Progress, evidence::Timestamp, metrics::{Format, Metrics}, rollout::Split};
///
/// let metrics = Metrics::new();
/// let run = metrics.run(&Plan::new("pets", "v1", "v2"));
/// let split = Split::new(30);
/// run.record(&Progress::Written { step: 1, split }, Timestamp::now());
/// let text = metrics.text(Format::OpenMetrics);
/// let sample = r#"canary_rollout_weight{namespace="default",object="pets",subset="v2"} 30"#;
/// assert!(text.contains(sample));
/// ```
#[derive(Clone)]
pub struct RunMetrics {
    record: Arc<Mutex<Record>>,
}

impl fmt::Debug for RunMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.lock();
        f.debug_struct("RunMetrics")
            .field("namespace", &record.namespace)
            .field("object", &record.object)
            .finish_non_exhaustive()
    }
}

impl RunMetrics {
    pub(crate) fn new(record: Record) -> Self {
        Self { record: Arc::new(Mutex::new(record)) }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // A panic elsewhere leaves complete values behind.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> Record {
        self.lock().clone()
    }

    /// Returns `true` for a run on this object.
    pub(crate) fn is_on(&self, namespace: &str, object: &str) -> bool {
        let record = self.lock();
        record.namespace == namespace && record.object == object
    }

    /// Records an event of the run that happened at this moment.
    pub fn record(&self, progress: &Progress, at: Timestamp) {
        self.lock().record(progress, at);
    }

    /// Records that the driver ended with an error: nothing watches the canary until the plan is run again.
    pub fn fail(&self) {
        self.lock().fail();
    }

    /// Records the notices of the run so far: those that were delivered, and those that were given up.
    pub fn notices(&self, delivered: u64, undelivered: u64) {
        self.lock().notices = Some([delivered, undelivered]);
    }

    /// Records each event of a run as it passes, and its error.
    ///
    /// ```no_run
    /// # async fn run(cluster: impl canary_core::cluster::Cluster + 'static, plan: canary_core::Plan)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use canary_core::{cluster::Driver, metrics::{Measured, Metrics}};
    /// use futures_util::StreamExt;
    ///
    /// let metrics = Metrics::new();
    /// let server = metrics.serve("127.0.0.1:9464").await?;
    /// let of_run = metrics.run(&plan);
    /// let cluster = Measured::new(cluster, of_run.clone());
    /// let (run, control) = Driver::new(cluster, plan)?.start().await?;
    /// let mut run = of_run.follow(run);
    /// while let Some(progress) = run.next().await {
    ///     println!("{}", progress?);
    /// }
    /// # drop((server, control));
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow<S>(&self, run: S) -> impl Stream<Item = Result<Progress>> + use<S>
    where
        S: Stream<Item = Result<Progress>>,
    {
        let metrics = self.clone();
        run.inspect(move |item| match item {
            Ok(progress) => metrics.record(progress, Timestamp::now()),
            Err(_) => metrics.fail(),
        })
    }

    /// Counts the requests to a cluster, or those of a predictor, as [`Measured::new`] does.
    pub fn measure<T>(&self, what: T) -> Measured<T> {
        Measured::new(what, self.clone())
    }

    pub(crate) fn called(&self, verb: Verb, answer: Answer, took: Option<Duration>) {
        self.lock().calls.add(verb, answer, took);
    }

    pub(crate) fn predicted(&self, route: Route, sent: Sent) {
        self.lock().predictions.add(route, sent);
    }
}
