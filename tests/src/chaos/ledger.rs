//! Every accepted write of a rollout's route, and what is wrong with it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use canary_core::{
    Plan,
    cluster::ObjectRef,
    rollout::{HeaderRoute, Percent, patch::STATE_ANNOTATION},
};
use serde_json::Value;

/// The division of a route's traffic: the weights of the stable version and of the canary, and the mirrored percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// The weight of the stable version.
    pub stable: u64,
    /// The weight of the canary.
    pub canary: u64,
    /// The percentage that is copied to the canary by the field `mirror`, or by a filter.
    pub mirror: u64,
}

impl Weights {
    /// The weights in a `VirtualService` or in a route of the Gateway API: of the plan's rule, or of the first one to the
    /// stable version that no rollout made.
    pub fn of(plan: &Plan, live: &Value) -> Option<Self> {
        let routes = live.pointer("/spec/http").or_else(|| live.pointer("/spec/rules"))?;
        let routes = routes.as_array()?;
        let name = |route: &Value| route["name"].as_str().unwrap_or_default().to_owned();
        let named = plan.target.routes()?.rule();
        let target = routes
            .iter()
            .filter(|route| !name(route).starts_with(HeaderRoute::ROUTE_PREFIX))
            .filter(|route| named.is_none_or(|named| named == name(route)))
            .find(|route| {
                let entries = entries(route);
                entries.into_iter().flatten().any(|to| version(to) == plan.stable)
            })?;
        let entries = entries(target)?;
        let weight = |name: &str| -> u64 {
            let of = entries.iter().filter(|to| version(to) == name);
            let alone = u64::from(entries.len() == 1) * 100;
            of.map(|to| to["weight"].as_u64().unwrap_or(alone)).sum()
        };
        let mut filters = target["filters"].as_array().into_iter().flatten();
        let filter = filters.rfind(|filter| filter["type"] == "RequestMirror");
        let mirror = match filter {
            Some(filter) => Some(&filter["requestMirror"]["percent"]),
            None => target.get("mirror").map(|_| &target["mirrorPercentage"]["value"]),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let mirror = mirror.map_or(0, |share| share.as_f64().unwrap_or(100.0) as u64);
        Some(Self { stable: weight(&plan.stable), canary: weight(&plan.canary), mirror })
    }
}

/// The destinations of a rule.
fn entries(rule: &Value) -> Option<&Vec<Value>> {
    rule.get("route").or_else(|| rule.get("backendRefs"))?.as_array()
}

/// The version that a destination names: a subset, or the name of a Service.
fn version(entry: &Value) -> &str {
    let to = &entry["destination"];
    let host = to["host"].as_str().and_then(|host| host.split('.').next());
    to["subset"].as_str().or(host).or_else(|| entry["name"].as_str()).unwrap_or_default()
}

impl std::fmt::Display for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.stable, self.canary)?;
        if self.mirror > 0 { write!(f, " m{}", self.mirror) } else { Ok(()) }
    }
}

/// The accepted writes of one rollout's route, each compared with the plan and with the one before.
#[derive(Debug)]
pub struct Ledger {
    plan: Plan,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    writes: usize,
    /// The largest weight that the canary ever had.
    highest: u64,
    last: Option<Written>,
    problems: Vec<String>,
}

#[derive(Clone, Debug)]
struct Written {
    weights: Weights,
    state: Option<Value>,
}

impl Written {
    fn state(&self, pointer: &str) -> Option<&Value> {
        self.state.as_ref()?.pointer(pointer)
    }

    /// The phase's name and, once the rollout is decided, the verdict's.
    fn phase(&self) -> (String, String) {
        let Some(phase) = self.state("/phase") else { return (String::new(), String::new()) };
        let Some((name, verdict)) = phase.as_object().and_then(|all| all.iter().next()) else {
            return (phase.as_str().unwrap_or_default().to_owned(), String::new());
        };
        (name.clone(), verdict["verdict"].as_str().unwrap_or_default().to_owned())
    }
}

impl Ledger {
    /// An empty one.
    pub fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), inner: Mutex::default() }
    }

    /// Takes an accepted write in; those of other objects are nobody's business here.
    pub fn accepted(&self, object: &ObjectRef, live: &Value) {
        let is_ours = *object == self.plan.target.state_object();
        let Some(weights) = Weights::of(&self.plan, live).filter(|_| is_ours) else { return };
        let text = live.pointer("/metadata/annotations").and_then(|all| all.get(STATE_ANNOTATION));
        let state = text.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        let written = Written { weights, state };
        let mut inner = self.lock();
        let before = inner.last.take();
        for problem in self.problems(before.as_ref(), &written) {
            let phase = written.phase();
            inner.problems.push(format!("{problem} (write at {weights}, {phase:?})"));
        }
        inner.writes += 1;
        inner.highest = inner.highest.max(weights.canary);
        inner.last = Some(written);
    }

    /// The number of writes that were accepted.
    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    /// The largest weight that the canary ever had.
    pub fn highest(&self) -> u64 {
        self.lock().highest
    }

    /// The weights of the last accepted write.
    pub fn weights(&self) -> Option<Weights> {
        self.lock().last.as_ref().map(|last| last.weights)
    }

    /// The problems of the writes.
    pub fn found(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problems(&self, before: Option<&Written>, now: &Written) -> Vec<String> {
        let mut found = Vec::new();
        let Weights { stable, canary, mirror } = now.weights;
        let (phase, verdict) = now.phase();
        let edited = verdict == "externalEdit";
        let steps: Vec<(u64, u64)> = std::iter::once((0, 0))
            .chain(self.plan.steps.iter().map(|step| (whole(step.weight), whole(step.mirror))))
            .collect();
        if !edited {
            if stable + canary != 100 {
                found.push("the weights do not add up to 100".to_owned());
            }
            // An end that keeps the weights takes the mirror away.
            let known = |(weight, share): &(u64, u64)| {
                *weight == canary && (*share == mirror || phase == "done" && mirror == 0)
            };
            if !steps.iter().any(known) && (canary, mirror) != (100, 0) {
                found.push("the split is none of the plan's".to_owned());
            }
            let written = |field: &str| {
                let split = now.state(&format!("/written/{field}"));
                split.and_then(Value::as_u64).unwrap_or(0)
            };
            // A decided rollback writes the weights with its verdict, and a decided promotion too.
            if now.state.is_some() && written("canary") != canary {
                found.push(format!("the state says {}", written("canary")));
            }
        }
        if verdict == "rollback" && (canary, mirror) != (0, 0) {
            found.push("a decided rollback leaves the canary traffic".to_owned());
        }
        if verdict == "promote" && canary != 100 {
            found.push("a promotion leaves the stable version traffic".to_owned());
        }
        if phase == "done" && !edited && mirror > 0 {
            found.push("the end leaves a mirror".to_owned());
        }
        if let Some(before) = before.filter(|_| !edited) {
            found.extend(Self::changes(before, now, &steps));
        }
        found
    }

    /// The forbidden changes from one write to the next.
    fn changes(before: &Written, now: &Written, steps: &[(u64, u64)]) -> Vec<String> {
        let mut found = Vec::new();
        let (was, is) = (before.weights.canary, now.weights.canary);
        let (phase, decided) = before.phase();
        if is > was && decided != "externalEdit" {
            // From a weight to the next larger one of the plan.
            let next = steps.iter().map(|step| step.0).filter(|weight| *weight > was).min();
            if next.unwrap_or(100) != is {
                found.push(format!("the canary's weight went from {was} to {is}"));
            }
        }
        // A weight that the mesh refuses is taken back to the step before, which is then being written again.
        let taken_back = now.phase().0 == "writing"
            && steps.iter().map(|step| step.0).filter(|weight| *weight < was).max() == Some(is);
        if is < was && is != 0 && !taken_back {
            found.push(format!("the canary's weight went from {was} down to {is}"));
        }
        if now.state.is_none() && before.state.is_some() {
            found.push("the state is gone".to_owned());
        }
        let number = |written: &Written, pointer: &str| {
            written.state(pointer).and_then(Value::as_u64).unwrap_or(0)
        };
        // After its end a plan may run again.
        if phase != "done" {
            if before.state.is_some() && number(before, "/began") != number(now, "/began") {
                found.push("the rollout started again: α is spent twice".to_owned());
            }
            if number(now, "/step") < number(before, "/step") {
                found.push("the step went back".to_owned());
            }
            let totals = before.state("/totals").and_then(Value::as_object);
            for (name, count) in totals.into_iter().flatten() {
                if number(now, &format!("/totals/{name}")) < count.as_u64().unwrap_or(0) {
                    found.push(format!("the total {name} went back"));
                }
            }
            let verdict = now.phase().1;
            if decided == "rollback" && verdict != "rollback" {
                found.push(format!("a decided rollback became {verdict:?}"));
            }
        }
        found
    }
}

/// A share as the weights of a route of whole percents state it.
fn whole(share: Percent) -> u64 {
    share.whole().expect("the plans here have whole percents")
}
