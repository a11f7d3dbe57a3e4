//! One trial of the table: the deployment, the plan, the requests, and the faults on the way.

use std::{sync::Arc, time::Duration};

use canary_core::{
    Plan,
    evidence::{Observation, Subsets},
    rollout::{Guardrail, Hold, Step},
};
use canary_tests::chaos::{Faults, Weights};
use serde_json::Value;

pub(crate) use super::stage::{APP, MODEL};
use super::{actor::Acts, front::Spoils, gauge::Fails, kind::Kind, stage::Stage};

pub(crate) const HEADER: (&str, &str) = ("user-group", "canary");

/// The four kinds of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    /// Requests of the run's own over the route that the weights divide.
    Requests,
    /// The same inputs to both versions.
    Pairs,
    /// Copies of the users' requests.
    Mirror,
    /// Counts of the users' requests by Prometheus.
    Prometheus,
}

pub(crate) const EVIDENCE: [Evidence; 4] =
    [Evidence::Requests, Evidence::Pairs, Evidence::Mirror, Evidence::Prometheus];

impl Evidence {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Requests => "own requests",
            Self::Pairs => "pairs",
            Self::Mirror => "mirror",
            Self::Prometheus => "Prometheus",
        }
    }

    /// Returns `true` when the run sends requests of its own.
    pub(crate) fn sends_requests(self) -> bool {
        matches!(self, Self::Requests | Self::Pairs)
    }
}

/// A deployed version.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    /// The name under which the server offers the model.
    pub(crate) model: &'static str,
    /// The path that the Deployment names; the lab has `models/v1` and `models/v2` only.
    pub(crate) path: &'static str,
    pub(crate) replicas: i32,
    /// `false` when nobody has applied it.
    pub(crate) applied: bool,
    pub(crate) acts: Acts,
    /// The number of good answers that come first.
    pub(crate) after: u64,
}

impl Deployed {
    fn new(path: &'static str) -> Self {
        Self { model: MODEL, path, replicas: 1, applied: true, acts: Acts::Well, after: 0 }
    }

    /// Acts so from the first answer on.
    pub(crate) fn acts(&mut self, acts: Acts) {
        self.acts = acts;
    }

    /// Acts so once the canary has got its first weight, or a little after.
    pub(crate) fn acts_later(&mut self, acts: Acts) {
        self.acts = acts;
        self.after = 6;
    }
}

/// The inputs of a run that sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Each another, without an end.
    Endless,
    /// So many.
    Few(u64),
    /// All alike.
    Equal,
    /// A queue that stays empty after so many.
    Waits(u64),
    /// Numbers where the model takes files.
    Numbers,
}

/// When something happens during the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The canary got this weight.
    Weight(u32),
    /// The first weight or mirror.
    First,
}

pub(crate) type Happens = Arc<dyn Fn(&Stage) + Send + Sync>;
pub(crate) type Scores = Arc<dyn Fn(&Observation) -> Option<f64> + Send + Sync>;

/// One trial before it begins.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of the trial")]
pub(crate) struct Scene {
    pub(crate) evidence: Evidence,
    pub(crate) kind: Kind,
    /// The namespace on a real API server; without one the objects are the lab's.
    pub(crate) space: Option<String>,
    pub(crate) stable: Deployed,
    pub(crate) canary: Deployed,
    pub(crate) plan: Plan,
    /// The object that divides the requests.
    pub(crate) object: Value,
    /// The objects that define the versions: a `DestinationRule`, or a Service each.
    pub(crate) definitions: Vec<Value>,
    /// Where the run's own requests go, in place of the gateway.
    pub(crate) url: Option<String>,
    pub(crate) model: &'static str,
    pub(crate) signature: &'static str,
    /// The timeout of the run's and of the users' clients.
    pub(crate) timeout: Duration,
    pub(crate) inputs: Inputs,
    /// `true` when the source claims that its inputs have labels, which they never have.
    pub(crate) says_labelled: bool,
    pub(crate) front: Option<(Spoils, u64)>,
    pub(crate) gauge: Option<Fails>,
    /// `true` when users send requests meanwhile.
    pub(crate) users: bool,
    /// `true` when these requests are all alike.
    pub(crate) users_alike: bool,
    pub(crate) score: Option<Scores>,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    pub(crate) during: Vec<(When, Happens)>,
    /// A run of the same plan that has promoted the canary before, and what happened since.
    pub(crate) earlier: Option<Happens>,
    /// `true` when the stable version serves its users at the end.
    pub(crate) stable_serves: bool,
    /// `true` when somebody else changes the objects that define the versions.
    pub(crate) versions_edited: bool,
    /// The weights that somebody else writes.
    pub(crate) edited: Option<Weights>,
    /// `true` when the run may leave the routes that it found: a mirror of somebody else's.
    pub(crate) mirrored_before: bool,
}

impl Scene {
    /// A trial in which nothing is wrong.
    pub(crate) fn new(evidence: Evidence, kind: Kind) -> Self {
        Self {
            evidence,
            kind,
            space: None,
            stable: Deployed::new("models/v1"),
            canary: Deployed::new("models/v2"),
            plan: plan(evidence).target(kind.target()),
            object: kind.route(),
            definitions: kind.definitions(),
            url: None,
            model: MODEL,
            signature: "serving_preprocess",
            timeout: Duration::from_secs(5),
            inputs: Inputs::Endless,
            says_labelled: false,
            front: None,
            gauge: None,
            users: !evidence.sends_requests(),
            users_alike: false,
            score: None,
            faults: None,
            during: Vec::new(),
            earlier: None,
            stable_serves: true,
            versions_edited: false,
            edited: None,
            mirrored_before: false,
        }
    }

    pub(crate) fn subsets(&self) -> Subsets {
        Subsets::new(self.plan.stable.as_str(), self.plan.canary.as_str())
    }

    /// Does something once, at a moment of the run.
    pub(crate) fn when(&mut self, when: When, happens: impl Fn(&Stage) + Send + Sync + 'static) {
        self.during.push((when, Arc::new(happens)));
    }

    /// The run waits this long for what does not come. Only where nothing else ends it: a machine may be slow.
    pub(crate) fn impatient(&mut self) {
        self.plan.patience =
            Duration::from_secs(if self.evidence.sends_requests() { 2 } else { 4 });
        self.plan.startup_timeout = Duration::from_secs(1);
        self.plan.request_timeout = Duration::from_millis(300);
    }

    /// The rules of the object.
    pub(crate) fn rules(&mut self) -> &mut Vec<Value> {
        let rules = self.object.pointer_mut(self.kind.rules()).and_then(Value::as_array_mut);
        rules.unwrap()
    }

    /// The plan's rule.
    pub(crate) fn route(&mut self) -> &mut Value {
        &mut self.rules()[0]
    }

    /// The requests are given up after so long, by the gateway first.
    pub(crate) fn short_timeouts(&mut self) {
        self.kind.time_out(&mut self.object.pointer_mut(self.kind.rules()).unwrap()[0]);
        self.timeout = Duration::from_millis(800);
    }
}

/// The usual plan of a kind of evidence, as short as the least numbers of observations allow.
fn plan(evidence: Evidence) -> Plan {
    let mut plan = Plan::new(APP, "v1", "v2")
        .bursts(canary_core::rollout::Bursts::None)
        .settle(Duration::ZERO)
        .request_timeout(Duration::from_millis(500))
        .startup_timeout(Duration::from_secs(2))
        .patience(Duration::from_secs(20));
    match evidence {
        Evidence::Requests => {
            plan.weights([10, 50, 100], Hold::requests(20)).guardrail(Guardrail::error_ratio(1.0))
        }
        // A busy gateway may need some time for a weight, and the counts of others do not know which one was in force.
        Evidence::Prometheus => plan
            .settle(Duration::from_millis(200))
            .weights([10, 50, 100], Hold::requests(20))
            .guardrail(Guardrail::error_ratio(1.0)),
        Evidence::Pairs => plan
            .header(HEADER.0, HEADER.1)
            .weights([10, 50, 100], Hold::pairs(60))
            .guardrail(Guardrail::agreement(0.9))
            .guardrail(Guardrail::pair_errors()),
        Evidence::Mirror => {
            // No request of a user is observed, only what both versions answered to the same.
            plan.guardrails.clear();
            plan.step(Step::new(0).mirror(100).hold(Hold::pairs(40)))
                .step(Step::new(10).mirror(100).hold(Hold::pairs(40)))
                .step(Step::new(50).mirror(100).hold(Hold::pairs(40)))
                .step(Step::new(100))
                .guardrail(Guardrail::agreement(0.9))
                .guardrail(Guardrail::pair_errors())
        }
    }
}
