//! The wiring of a run: a plan, the models, the evidence and a cluster become one driver.

use std::{io::Write, sync::Arc, time::Duration};

use futures_core::Stream;

use super::{Cluster, Driver, HeaderProbe, ModelServers, driver::LabelStream};
use crate::{
    Plan, Result,
    evidence::{
        Disagreements, Mirrored, Predictor, Reach, Sample, Samples, Score, Source, Traffic,
    },
};

/// The requests that a rollout sends itself.
struct Requests<P: Predictor> {
    predictor: P,
    probe: Sample<P::Input>,
    samples: Samples<P::Input>,
}

/// A plan with all that its run needs: the predictor, the inputs, and further sources.
///
/// The sources of a run's evidence are decided here, in the same way for every program:
///
/// - Without [`counted`](Self::counted) evidence the rollout sends the inputs and observes its own requests.
/// - With it, requests are counted only there; the rollout sends inputs only if the plan compares pairs through a
///   header, and reports only the pairs.
/// - Mirrored traffic gives the pairs of a plan without a header, where nothing is counted elsewhere.
/// - Both versions are probed with one input before the first weight wherever there is a predictor.
///
/// ```no_run
/// # async fn run(cluster: impl canary_core::cluster::Cluster + 'static) -> canary_core::Result<()> {
/// use canary_core::{Plan, cluster::Rollout, evidence::Sample, predict::Client};
/// use canary_core::rollout::{Guardrail, Hold};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .weights([5, 30, 100], Hold::requests(4_000))
///     .guardrail(Guardrail::error_ratio(1.0));
/// let client = Client::new("http://34.1.2.3")?.model("image_classifier");
/// let photo = Sample::new("cat.jpg", std::fs::read("cat.jpg").expect("a photo"));
/// let samples = futures_util::stream::iter(std::iter::repeat(photo.clone()).map(Ok));
/// let (run, control) =
///     Rollout::of(plan).requests(client, photo, samples).on(cluster)?.start().await?;
/// # drop((run, control));
/// # Ok(())
/// # }
/// ```
#[must_use = "a rollout does nothing before its driver is started and polled"]
pub struct Rollout<P: Predictor> {
    plan: Plan,
    requests: Option<Requests<P>>,
    counted: Vec<Box<dyn Source>>,
    mirrored: Option<Box<dyn FnOnce() -> Mirrored + Send>>,
    scores: Vec<(Arc<str>, Box<dyn Score>)>,
    labels: Option<LabelStream>,
    store: Option<Box<dyn Write + Send>>,
    servers: Option<Arc<dyn ModelServers>>,
    concurrency: usize,
    tick: Option<Duration>,
    anew: bool,
    disagreements: Disagreements,
}

impl<P: Predictor> std::fmt::Debug for Rollout<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollout")
            .field("plan", &self.plan)
            .field("requests", &self.requests.is_some())
            .field("counted", &self.counted.len())
            .finish_non_exhaustive()
    }
}

impl<P: Predictor> Rollout<P> {
    /// A run of this plan that has no evidence yet.
    pub fn of(plan: Plan) -> Self {
        Self {
            plan,
            requests: None,
            counted: Vec::new(),
            mirrored: None,
            scores: Vec::new(),
            labels: None,
            store: None,
            servers: None,
            concurrency: 4,
            tick: None,
            anew: false,
            disagreements: Disagreements::default(),
        }
    }

    /// Sends these inputs through `predictor`; `probe` is sent to both versions before the first weight.
    pub fn requests(
        mut self,
        predictor: P,
        probe: Sample<P::Input>,
        samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    ) -> Self {
        self.requests = Some(Requests { predictor, probe, samples: Box::pin(samples) });
        self
    }

    /// Adds a source that counts the requests of others, such as Prometheus.
    pub fn counted(mut self, source: impl Source + 'static) -> Self {
        self.counted.push(Box::new(source));
        self
    }

    /// Adds the pairs of mirrored traffic; `mirrored` is called only where the plan compares pairs without a header.
    pub fn mirrored(mut self, mirrored: impl FnOnce() -> Mirrored + Send + 'static) -> Self {
        self.mirrored = Some(Box::new(mirrored));
        self
    }

    /// Adds the score of the custom guardrail of that name.
    pub fn score(mut self, guardrail: impl Into<Arc<str>>, score: impl Score + 'static) -> Self {
        self.scores.push((guardrail.into(), Box::new(score)));
        self
    }

    /// Adds labels that come after the pairs; see [`Driver::labels`].
    pub fn labels(
        mut self,
        labels: impl Stream<Item = Result<(String, String)>> + Send + 'static,
    ) -> Self {
        self.labels = Some(Box::pin(labels));
        self
    }

    /// Stores the observations in `file`, for [`Plan::replay`]; see [`Driver::store`].
    pub fn store(mut self, file: impl Write + Send + 'static) -> Self {
        self.store = Some(Box::new(file));
        self
    }

    /// Sets the calls on the model servers whose labels are moved; see [`Driver::model_servers`].
    pub fn model_servers(mut self, servers: impl ModelServers + 'static) -> Self {
        self.servers = Some(Arc::new(servers));
        self
    }

    /// Sets the most inputs under way at a time; 4 by default.
    pub fn concurrency(mut self, inputs: usize) -> Self {
        self.concurrency = inputs;
        self
    }

    /// Sets the time between two reports of progress; that of [`Driver::tick`] by default.
    pub fn tick(mut self, tick: impl Into<Option<Duration>>) -> Self {
        self.tick = tick.into();
        self
    }

    /// Starts a new run even when a rollout of this plan is stored; see [`Driver::anew`].
    pub fn anew(mut self, anew: bool) -> Self {
        self.anew = anew;
        self
    }

    /// Collects the disagreements of its pairs there, for a report.
    pub fn disagreements(mut self, disagreements: &Disagreements) -> Self {
        self.disagreements = disagreements.clone();
        self
    }

    /// The driver of this run on a cluster.
    ///
    /// # Errors
    /// [`crate::Error::Istio`] when the plan has an error.
    pub fn on<C: Cluster + 'static>(self, cluster: C) -> Result<Driver<C>> {
        let Self { plan, requests, counted, mirrored, scores, labels, store, concurrency, .. } =
            self;
        let mut driver = Driver::new(cluster, plan.clone())?;
        let counts_elsewhere = !counted.is_empty();
        for source in counted {
            driver = driver.boxed_source(source);
        }
        if let Some(Requests { predictor, probe, samples }) = requests {
            let labelled = probe.label.is_some();
            driver = driver.probe(HeaderProbe::shared(&plan, &predictor, Arc::clone(&probe.input)));
            let traffic = traffic(&plan, &predictor, samples, counts_elsewhere, self.disagreements);
            if let Some(traffic) = traffic {
                let traffic = if labelled { traffic.labelled() } else { traffic };
                driver = driver.source(traffic.concurrency(concurrency));
            }
        }
        if plan.pairs_are_mirrored()
            && !counts_elsewhere
            && let Some(mirrored) = mirrored
        {
            driver = driver.source(mirrored());
        }
        if let Some(servers) = self.servers {
            driver = driver.shared_servers(servers);
        }
        for (guardrail, score) in scores {
            driver = driver.boxed_score(guardrail, score);
        }
        if let Some(labels) = labels {
            driver = driver.boxed_labels(labels);
        }
        if let Some(file) = store {
            driver = driver.store(file);
        }
        if let Some(tick) = self.tick {
            driver = driver.tick(tick);
        }
        Ok(if self.anew { driver.anew() } else { driver })
    }
}

/// The requests of a run: pairs if the plan compares them through a header, and requests if no other source counts
/// them.
fn traffic<P: Predictor>(
    plan: &Plan,
    predictor: &P,
    samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    counts_elsewhere: bool,
    disagreements: Disagreements,
) -> Option<Traffic<P>> {
    let subsets = plan.subsets();
    if !plan.reaches_canary() || !plan.needs_pairs() {
        return (!counts_elsewhere)
            .then(|| Traffic::requests("inputs", predictor, subsets, samples));
    }
    let traffic = Traffic::by("inputs", predictor, Reach::of(plan), subsets, samples)
        .on_pair(move |sample, pair| disagreements.observe(sample, pair));
    Some(if counts_elsewhere { traffic.pairs_only() } else { traffic })
}
