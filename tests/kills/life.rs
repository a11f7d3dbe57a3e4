//! The lives of drivers on one rollout: each begins where the one before was killed, until there is a verdict.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use canary_core::{
    DestinationRule, Plan, Verdict, VirtualService,
    cluster::{Cluster, Driver, ObjectRef, Progress, Typed},
    rollout::{
        COMMAND_ANNOTATION, Error, Guardrail, HeaderRoute, Hold, Result, Step, Why,
        patch::STATE_ANNOTATION,
    },
    stats::Random,
};
use canary_tests::chaos::{Fault, Faults, Faulty, Ledger};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    clock::Jumping,
    users::{Service, Users},
};

pub(crate) const APP: &str = "classifier";

/// A plan of three steps, the second and the third held for so many requests of the canary.
pub(crate) fn plan(namespace: &str, holds: [u64; 2]) -> Plan {
    Plan::new(APP, "v1", "v2")
        .bursts(canary_core::rollout::Bursts::None)
        .namespace(namespace)
        .header("user-group", "canary")
        .step(Step::new(10).hold(Hold::requests(holds[0])))
        .step(Step::new(50).hold(Hold::requests(holds[1])))
        .step(Step::new(100))
        .settle(Duration::ZERO)
        .patience(Duration::from_secs(24 * 3_600))
        .guardrail(Guardrail::error_ratio(1.0))
}

/// The objects before a rollout.
pub(crate) async fn set_up(cluster: &impl Cluster, namespace: &str) {
    let split = VirtualService::weighted(APP, [("v1", 100)]).hosts(["*"]).gateway("door");
    cluster.apply_typed(&split.namespace(namespace)).await.unwrap();
    let rule = DestinationRule::subsets(APP, ["v1"]).namespace(namespace);
    cluster.apply_typed(&rule).await.unwrap();
}

/// The end of a life.
#[derive(Debug)]
pub(crate) enum Ended {
    Verdict(Verdict),
    /// It was killed.
    Killed,
    /// It ended with an error.
    Error(Error),
}

/// Runs a driver until its verdict or its error.
pub(crate) async fn live<C: Cluster + 'static>(driver: Driver<C>) -> Ended {
    let (mut run, _control) = match driver.start().await {
        Ok(started) => started,
        Err(error) => return Ended::Error(error),
    };
    while let Some(progress) = run.next().await {
        match progress {
            Ok(Progress::Finished { verdict, .. }) => return Ended::Verdict(verdict),
            Ok(_) => {}
            Err(error) => return Ended::Error(error),
        }
    }
    panic!("a run ended without a verdict");
}

/// A future that never waits for anything but the clock, run until it ends or its process is dead.
pub(crate) fn by_clock<T>(clock: &Jumping, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut still = 0;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        if clock.is_dead() {
            return None;
        }
        // A driver that yields waits for no moment.
        still = if clock.advance() { 0 } else { still + 1 };
        assert!(still < 1_000, "a driver waits for nothing");
    }
}

/// The surroundings of one rollout.
pub(crate) struct Surroundings<C> {
    pub(crate) store: C,
    pub(crate) plan: Plan,
    pub(crate) clock: Jumping,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) service: Service,
}

impl<C: Cluster + Clone + 'static> Surroundings<C> {
    pub(crate) fn new(store: C, plan: Plan, service: Service) -> Self {
        let (clock, ledger) = (Jumping::new(), Arc::new(Ledger::new(&plan)));
        by_clock(&clock, set_up(&store, plan.target.namespace())).unwrap();
        Self { store, plan, clock, ledger, service }
    }

    /// One life of a driver, which meets these faults and is killed when they or `dies_at` say so.
    pub(crate) fn live(&self, faults: Arc<dyn Faults>, dies_at: u64, seed: u64) -> Ended {
        let cluster = Faulty::new(self.store.clone(), faults, Arc::clone(&self.ledger));
        let users = Users::new(&self.clock, &self.ledger, self.service, seed);
        let driver = Driver::new(cluster, self.plan.clone()).unwrap();
        let driver = driver.clock(self.clock.clone()).holder("driver").source(users);
        let driver = driver.probe(|| async { Ok(()) });
        self.clock.dies_at(dies_at);
        by_clock(&self.clock, live(driver)).unwrap_or(Ended::Killed)
    }

    /// Somebody gives commands; `true` when a rollout is under way that must read them.
    pub(crate) fn command(&self, lines: &str) -> bool {
        let object = ObjectRef::virtual_service(self.plan.target.namespace(), APP);
        let given = async {
            let live = self.store.get(&object).await.unwrap().unwrap();
            let state = live["metadata"]["annotations"][STATE_ANNOTATION].as_str();
            let Some(state) = state.map(|text| serde_json::from_str::<Value>(text).unwrap()) else {
                return false;
            };
            let place = format!("/metadata/annotations/{}", COMMAND_ANNOTATION.replace('/', "~1"));
            let operations = json!([{"op": "add", "path": place, "value": lines}]);
            let patch = serde_json::from_value(operations).unwrap();
            self.store.patch(&object, &patch).await.unwrap();
            let phase = &state["phase"];
            phase.is_string() || phase.get("gating").is_some()
        };
        by_clock(&self.clock, given).unwrap()
    }

    /// The problems at the end: the verdict and the mesh do not fit, or something is left of the run.
    pub(crate) fn problems(&self, verdict: &Verdict) -> Vec<String> {
        let namespace = self.plan.target.namespace();
        let get = async |object| self.store.get(&object).await;
        let live = |object| -> Value {
            by_clock(&self.clock, get(object)).and_then(Result::ok).flatten().unwrap()
        };
        let routes = live(ObjectRef::virtual_service(namespace, APP));
        let rule = live(ObjectRef::destination_rule(namespace, APP));
        end_problems(&self.ledger, &routes, &rule, verdict)
    }
}

/// Returns `true` when a rollout ended because the mesh seemed not to split as configured.
pub(crate) fn is_split(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Inconclusive { why: Why::Split { .. } })
}

/// Holds the objects at the end of a rollout against its verdict, and the writes against the plan.
pub(crate) fn end_problems(
    ledger: &Ledger,
    routes: &Value,
    rule: &Value,
    verdict: &Verdict,
) -> Vec<String> {
    let mut found = ledger.found();
    let canary = ledger.weights().map_or(0, |weights| weights.canary);
    let expected = match verdict {
        Verdict::Promote { .. } => 100,
        Verdict::Rollback { .. } => 0,
        // By chance the split looks wrong now and then, and the weights stay.
        _ if is_split(verdict) => canary,
        // Nobody else has written anything, and there is always something to see.
        _ => {
            found.push(format!("nobody has done that: {verdict}"));
            canary
        }
    };
    if canary != expected {
        found.push(format!("the canary has {canary} after {verdict}"));
    }
    let left = routes["spec"]["http"].as_array().unwrap().iter().any(|route| {
        route["name"].as_str().is_some_and(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX))
    });
    if left {
        found.push("a header route is left".to_owned());
    }
    let subsets = rule["spec"]["subsets"].as_array().unwrap().len();
    if subsets != usize::from(expected > 0) + 1 {
        found.push(format!("there are {subsets} subsets after {verdict}"));
    }
    found
}

/// The end of one life, if it has one: at this moment, before a call, or after its effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    pub(crate) at: u64,
    pub(crate) before: bool,
    pub(crate) after: bool,
}

impl Death {
    pub(crate) fn never() -> Self {
        Self { at: u64::MAX, before: false, after: false }
    }

    pub(crate) fn of(random: &mut Random, now: u64, mean_life: Duration) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
        let life = (-random.open_uniform().ln() * mean_life.as_secs_f64() * 1e3) as u64;
        let at = now + life.max(1);
        let kind = random.below(4);
        Self { at, before: kind == 0, after: kind == 1 }
    }

    /// When it dies whatever it does.
    pub(crate) fn anyhow(self) -> u64 {
        if self.before || self.after { u64::MAX } else { self.at }
    }

    /// The fault that a call of the dying driver meets.
    pub(crate) fn meets(self, now: u64) -> Option<Fault> {
        (now >= self.at && (self.before || self.after)).then_some(if self.before {
            Fault::HangsBefore
        } else {
            Fault::HangsAfter
        })
    }
}
