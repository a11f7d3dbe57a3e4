//! The settings of a driver, and the check that its sources provide what the plan needs.

use std::{collections::BTreeSet, io::Write, sync::Arc, time::Duration};

use futures_core::Stream;
use futures_util::stream::BoxStream;

use super::{
    super::{Cluster, ModelServers},
    clock::{Clock, SystemClock},
    probe::Probe,
    store::Store,
};
use crate::{
    Check, Error, Machine, Plan, Result,
    evidence::{Kind, Score, Source},
};

/// Labels that come later: the name of the pair's input, and the true class.
pub(in crate::cluster) type LabelStream = BoxStream<'static, Result<(String, String)>>;

/// Runs a plan on a [`Cluster`].
///
/// The order is make before break: the canary's subset, then the header route, then a probe of it, then the gates, then
/// the first weight; and back: routes first, then the subset. Every weight is written in one patch with the state that
/// it leads to, pinned to what was last seen. So a driver can be killed at any moment and started again with the same
/// plan: it continues with the same experiment and the same α. Somebody else's changes are never overwritten; the verdict
/// is then [`crate::Verdict::ExternalEdit`]; a watch on the object reports it at once.
///
/// A request that the cluster does not answer is repeated without end, with growing pauses: each failure is reported as
/// [`Progress::Waiting`](crate::cluster::Progress::Waiting), and a decision, a rollback above all, is carried out as soon as it can be.
///
/// ```no_run
/// # async fn run(cluster: impl canary_core::cluster::Cluster + 'static) -> canary_core::Result<()> {
/// use canary_core::{Plan, cluster::{Driver, Progress}, evidence::{Kind, Recorder, Subsets}};
/// use canary_core::rollout::{Guardrail, Hold};
/// use futures_util::StreamExt;
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .weights([5, 30, 100], Hold::requests(4_000))
///     .guardrail(Guardrail::error_ratio(1.0))
///     .guardrail(Guardrail::agreement(0.95));
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let (recorder, recorded) =
///     Recorder::channel("client", subsets, [Kind::Requests, Kind::Pairs], 1_024);
/// let (mut run, control) = Driver::new(cluster, plan)?
///     .source(recorded)
///     .probe(|| async { Ok(()) }) // ask the header route here
///     .start()
///     .await?;
/// while let Some(progress) = run.next().await {
///     if let Progress::Finished { verdict, .. } = progress? {
///         println!("{verdict}");
///     }
/// }
/// # drop((recorder, control));
/// # Ok(())
/// # }
/// ```
pub struct Driver<C> {
    pub(super) cluster: Arc<C>,
    pub(super) machine: Machine,
    pub(super) sources: Vec<Box<dyn Source>>,
    pub(super) scores: Vec<(Arc<str>, Box<dyn Score>)>,
    pub(super) labels: Option<LabelStream>,
    pub(super) store: Option<Store>,
    pub(super) probe: Option<Box<dyn Probe>>,
    pub(super) servers: Option<Arc<dyn ModelServers>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) holder: String,
    pub(super) tick: Duration,
    pub(super) save_every: Duration,
    pub(super) lease: Duration,
    pub(super) anew: bool,
    /// `true` when it only carries out an abort that is written in the object.
    pub(super) aborting: bool,
}

impl<C> std::fmt::Debug for Driver<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Driver")
            .field("plan", self.machine.plan())
            .field("sources", &sources)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl<C: Cluster + 'static> Driver<C> {
    /// A driver of a plan on a cluster, with no source of observations yet.
    ///
    /// # Errors
    /// [`Error::Istio`] when the plan has an error.
    pub fn new(cluster: C, plan: Plan) -> Result<Self> {
        Self::shared(Arc::new(cluster), plan)
    }

    pub(in crate::cluster) fn shared(cluster: Arc<C>, plan: Plan) -> Result<Self> {
        Ok(Self {
            cluster,
            machine: Machine::new(plan)?,
            sources: Vec::new(),
            scores: Vec::new(),
            labels: None,
            store: None,
            probe: None,
            servers: None,
            clock: Arc::new(SystemClock),
            holder: default_holder(),
            tick: Duration::from_millis(500),
            save_every: Duration::from_secs(10),
            lease: Duration::from_secs(30),
            anew: false,
            aborting: false,
        })
    }

    /// Continues a stored rollout only to abort it: without sources, since evidence is no longer awaited.
    pub(in crate::cluster) fn aborting(mut self) -> Self {
        self.aborting = true;
        self
    }

    /// Adds a source of observations.
    #[must_use]
    pub fn source(self, source: impl Source + 'static) -> Self {
        self.boxed_source(Box::new(source))
    }

    pub(in crate::cluster) fn boxed_source(mut self, source: Box<dyn Source>) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds the score of the custom guardrail of that name.
    #[must_use]
    pub fn score(self, guardrail: impl Into<Arc<str>>, score: impl Score + 'static) -> Self {
        self.boxed_score(guardrail.into(), Box::new(score))
    }

    pub(in crate::cluster) fn boxed_score(
        mut self,
        guardrail: Arc<str>,
        score: Box<dyn Score>,
    ) -> Self {
        self.scores.push((guardrail, score));
        self
    }

    /// Adds labels that come after the pairs, each with the name of the pair's input; see
    /// [`Plan::labels`](crate::Plan::labels). Their end and their errors are reported; the run continues.
    #[must_use]
    pub fn labels(
        self,
        labels: impl Stream<Item = Result<(String, String)>> + Send + 'static,
    ) -> Self {
        self.boxed_labels(Box::pin(labels))
    }

    pub(in crate::cluster) fn boxed_labels(mut self, labels: LabelStream) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Stores the observations of the run in `file`, one JSON object a line ([`Stored`](crate::evidence::Stored)), for
    /// [`Plan::replay`](crate::Plan::replay). A run that continues appends to what is there: open the file for that.
    #[must_use]
    pub fn store(mut self, file: impl Write + Send + 'static) -> Self {
        self.store = Some(Store::new(Box::new(file)));
        self
    }

    /// Sets the calls on the model servers whose labels are moved; needed by a plan of
    /// [`VersionLabels`](crate::VersionLabels).
    #[must_use]
    pub fn model_servers(mut self, servers: impl ModelServers + 'static) -> Self {
        self.servers = Some(Arc::new(servers));
        self
    }

    pub(in crate::cluster) fn shared_servers(mut self, servers: Arc<dyn ModelServers>) -> Self {
        self.servers = Some(servers);
        self
    }

    /// Sets the probe that sends a request to the canary through the header route; needed by every plan with a header.
    #[must_use]
    pub fn probe(mut self, probe: impl Probe + 'static) -> Self {
        self.probe = Some(Box::new(probe));
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the name under which the lock is held. A driver that is restarted under the same name takes its own lock at
    /// once; under another name it has to wait until the old lock has expired. By default the name is unique to this
    /// process.
    #[must_use]
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// Sets the interval at which the clock is read and progress reported; half a second by default.
    #[must_use]
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick.max(Duration::from_millis(1));
        self
    }

    /// Sets the interval at which the state is stored, in addition to the writes of weights; ten seconds by default.
    /// After an interruption, later observations are read again if the source can repeat them, and lost otherwise.
    #[must_use]
    pub fn save_every(mut self, time: Duration) -> Self {
        self.save_every = time;
        self
    }

    /// Sets the time after which the lock expires without renewal; half a minute by default.
    #[must_use]
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_secs(1));
        self
    }

    /// Starts a new run even when a rollout of this plan is stored. The weights must be back at the stable subset.
    #[must_use]
    pub fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    /// Every guardrail and hold must have a source, because missing data must not look like success.
    pub(super) fn check_evidence(&self) -> Result<()> {
        if self.aborting {
            return Ok(());
        }
        let plan = self.machine.plan();
        let mut names = BTreeSet::new();
        if let Some(twice) = self.sources.iter().find(|source| !names.insert(source.name())) {
            return Err(Error::Plan(format!("two sources have the name {}", twice.name())));
        }
        for sends in &self.sources {
            for counts in &self.sources {
                if let Some(wrong) = sends.own_requests().clash(counts.own_requests()) {
                    let (sends, counts) = (sends.name(), counts.name());
                    return Err(Error::Plan(format!("the sources {sends} and {counts}: {wrong}")));
                }
            }
        }
        let mut provided: BTreeSet<Kind> =
            self.sources.iter().flat_map(|source| source.provides()).collect();
        if plan.labels.is_some() && provided.contains(&Kind::Pairs) {
            provided.insert(Kind::Labels);
        }
        if plan.labels.is_none() && self.labels.is_some() {
            let why =
                "labels come later, but the plan states no time for them; give labels: {within: …}";
            return Err(Error::Plan(why.to_owned()));
        }
        let mut missing = Vec::new();
        for (index, guardrail) in plan.guardrails.iter().enumerate() {
            let kind = guardrail.check.needs();
            let takes_scores = matches!(guardrail.check, Check::Custom(_) | Check::Mean(_));
            let scored =
                takes_scores && self.scores.iter().any(|(name, _)| **name == *guardrail.name);
            let counted = matches!(&guardrail.check, Check::SlowRatio(slow) if slow.threshold.is_some())
                && provided.contains(&Kind::SlowCounts);
            if !provided.contains(&kind) && !scored && !counted {
                missing.push(format!("guardrails[{index}] ({}) needs {kind}", guardrail.name));
            }
        }
        for (index, step) in plan.steps.iter().enumerate() {
            let requests = step.hold.requests.or(step.hold.total_requests);
            for (wanted, kind) in [(requests, Kind::Requests), (step.hold.pairs, Kind::Pairs)] {
                if wanted.is_some() && !provided.contains(&kind) {
                    missing.push(format!("steps[{index}].hold needs {kind}"));
                }
            }
        }
        if plan.users.is_some() && !provided.contains(&Kind::Users) {
            missing.push(format!("users needs {}", Kind::Users));
        }
        if plan.header.is_some() && self.probe.is_none() {
            missing.push("header needs a probe".to_owned());
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Plan(format!("no source provides what it needs: {}", missing.join("; "))))
    }
}

/// A unique name for this process.
fn default_holder() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "driver".to_owned());
    let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    format!("{host}-{}-{:x}", std::process::id(), nanos & 0xffff_ffff)
}
