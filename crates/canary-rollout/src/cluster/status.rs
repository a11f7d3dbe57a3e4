//! The state of a rollout, read from its `VirtualService` and its lock.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Cluster, ObjectRef,
    driver::{held_by, lease_of},
};
use crate::{
    CommandRecord, Error, Percent, Plan, Reading, Result, ScaleDown, Split, State, Totals, Verdict,
    counted::counted,
    evidence::{Counts, Timestamp, Window},
    json::{annotation, list, text},
    patch::STATE_ANNOTATION,
};
use canary_stats::{Alpha, EProcess, Interval, Split as SplitTest};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// The destinations of a route of the `VirtualService`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RouteWeights {
    /// The place of the route, such as `spec.http[0]`.
    pub path: String,
    /// `true` when the route matches only some requests.
    pub conditional: bool,
    /// Each destination, as `host/subset`, with its weight; a single one without a weight takes all.
    pub weights: Vec<(String, u64)>,
}

/// A rollout as its stored state describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RolloutStatus {
    /// The step, from 0.
    pub step: usize,
    /// The split that the driver wrote last; none before the first.
    pub split: Option<Split>,
    /// `true` when a person or a guardrail paused it.
    pub paused: bool,
    /// The step, from 0, that waits for a person's approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_approval: Option<usize>,
    /// The last commands of people, with their outcomes, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandRecord>,
    /// The verdict so far; Continue while nothing is decided.
    pub verdict: Verdict,
    /// After a promotion, the `Deployment` of the old version and the earliest time of its scale-down, while it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<(String, Timestamp)>,
    /// The outcome for the old version's `Deployment`, if the plan scales it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScaleDown>,
    /// When the rollout began.
    pub began: Timestamp,
    /// When the split in force was written.
    pub since: Timestamp,
    /// The time of the state.
    pub now: Timestamp,
    /// Requests and pairs counted at the step.
    pub seen_at_step: (u64, u64),
    /// Pairs that wait for their labels ([`Plan::labels`](crate::Plan::labels)).
    #[serde(default, skip_serializing_if = "is_none")]
    pub awaiting_labels: u64,
    /// The counts of the whole rollout.
    pub totals: Totals,
    /// The reading of every guardrail, when the plan is known.
    pub readings: Vec<Reading>,
}

/// The requests that each subset was seen to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Observed {
    /// The source of the counts, and their time, in words.
    pub by: String,
    /// Those of the stable subset. The stored state does not know how many failed over the whole rollout.
    pub stable: u64,
    /// Those of the canary.
    pub canary: u64,
    /// Requests of unknown version.
    pub unknown: u64,
    /// The number of failures of each, stable first, where that was counted.
    pub failed: Option<(u64, u64)>,
    /// The canary's share of what both served, with its 95 % confidence sequence; none without requests.
    pub share: Option<(f64, Interval)>,
}

impl Observed {
    fn new(by: String, stable: u64, canary: u64, split: Option<Split>) -> Self {
        let share = share(stable, canary, split);
        Self { by, stable, canary, unknown: 0, failed: None, share }
    }
}

/// The state of a rollout on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// The object that holds the state, as `VirtualService namespace/name`.
    pub object: String,
    /// The weights of its rules.
    pub routes: Vec<RouteWeights>,
    /// The holder of the lock, when a driver runs.
    pub driver: Option<String>,
    /// The rollout, when one is stored.
    pub rollout: Option<RolloutStatus>,
    /// The requests that each subset was seen to serve: over the whole rollout by its stored state, or the counts given
    /// to [`Status::counted`].
    pub observed: Option<Observed>,
    /// The reason why the stored state cannot be read.
    pub problem: Option<String>,
}

/// Reads the state of the rollout of a `VirtualService`; nothing is changed and no lock is needed.
///
/// With the plan, the guardrails' readings are reported too.
///
/// # Errors
/// [`Error::NotFound`] when there is no such `VirtualService`, [`Error::Cluster`] when the cluster cannot be read.
pub async fn status(
    cluster: &impl Cluster,
    namespace: &str,
    virtual_service: &str,
    plan: Option<&Plan>,
) -> Result<Status> {
    status_of(cluster, &ObjectRef::virtual_service(namespace, virtual_service), plan).await
}

/// Reads the state of the rollout that an object holds, such as a plan's
/// [`state_object`](crate::Target::state_object); nothing is changed and no lock is needed.
///
/// # Errors
/// [`Error::NotFound`] when there is no such object, [`Error::Cluster`] when the cluster cannot be read.
pub async fn status_of(
    cluster: &impl Cluster,
    object: &ObjectRef,
    plan: Option<&Plan>,
) -> Result<Status> {
    let live = cluster.get(object).await?.ok_or_else(|| Error::NotFound {
        object: object.to_string(),
        help: format!("name the {} of the rollout, and its namespace", object.kind),
    })?;
    // Without the right to read Leases, the driver stays unknown.
    let lease = cluster.get(&lease_of(&object.namespace, &object.name)).await.ok().flatten();
    let now = Timestamp::now();
    let driver = lease.as_ref().and_then(held_by).filter(|(_, until)| *until > now);
    let mut status = Status {
        object: object.to_string(),
        routes: routes(&live),
        driver: driver.map(|(holder, _)| holder.to_owned()),
        rollout: None,
        observed: None,
        problem: None,
    };
    if let Some(text) = annotation(&live, STATE_ANNOTATION) {
        match read(text, plan) {
            Ok(rollout) => {
                let Totals { stable, canary, unknown, .. } = rollout.totals;
                let by = "the driver's stored state, over the whole rollout".to_owned();
                let seen = Observed::new(by, stable, canary, rollout.split);
                status.observed = Some(Observed { unknown, ..seen });
                status.rollout = Some(rollout);
            }
            Err(error) => status.problem = Some(error.to_string()),
        }
    }
    Ok(status)
}

fn read(text: &str, plan: Option<&Plan>) -> Result<RolloutStatus> {
    let (state, readings) = if let Some(plan) = plan {
        let state = State::decode(text, plan)?;
        let readings = state.readings(plan);
        (state, readings)
    } else {
        let state: State = serde_json::from_str(text).map_err(|error| {
            Error::Plan(format!("the stored state is not one of this release: {error}"))
        })?;
        (state, Vec::new())
    };
    Ok(RolloutStatus {
        step: state.step(),
        split: state.split(),
        paused: state.is_paused(),
        awaits_approval: state.awaits_approval(),
        commands: state.commands().to_vec(),
        verdict: state.verdict(),
        kept: state.old_version().map(|old| old.deployment.to_string()).zip(state.scale_down_at()),
        scale_down: state.scale_down().cloned(),
        began: state.began(),
        since: state.since(),
        now: state.now(),
        seen_at_step: (state.seen_at_step().requests(), state.seen_at_step().pairs),
        awaiting_labels: state.awaiting_labels(),
        totals: state.totals(),
        readings,
    })
}

fn routes(live: &Value) -> Vec<RouteWeights> {
    let lists =
        [("http", "/route"), ("tls", "/route"), ("tcp", "/route"), ("rules", "/backendRefs")];
    let rules = lists.into_iter().flat_map(|(field, entries)| {
        let rules = list(live, &format!("/spec/{field}")).iter().enumerate();
        rules
            .map(move |(index, rule)| (format!("spec.{field}[{index}]"), rule, list(rule, entries)))
    });
    let all = rules.map(|(path, rule, entries)| {
        let alone = entries.len() == 1;
        let weights = entries.iter().map(|entry| {
            if let Some(name) = entry.get("name").and_then(Value::as_str) {
                // The Gateway API's default.
                return (name.to_owned(), entry["weight"].as_u64().unwrap_or(1));
            }
            let host = text(entry, "/destination/host");
            let subset = entry.pointer("/destination/subset").and_then(Value::as_str);
            let name = subset.map_or_else(|| host.to_owned(), |subset| format!("{host}/{subset}"));
            (name, entry["weight"].as_u64().unwrap_or(if alone { 100 } else { 0 }))
        });
        RouteWeights {
            path,
            conditional: !list(rule, "/match").is_empty() || !list(rule, "/matches").is_empty(),
            weights: weights.collect(),
        }
    });
    all.collect()
}

impl RolloutStatus {
    /// The canary's share of the requests seen over the whole rollout, with its 95 % confidence sequence; none without
    /// requests.
    pub fn observed_share(&self) -> Option<(f64, Interval)> {
        share(self.totals.stable, self.totals.canary, self.split)
    }
}

impl Status {
    /// Shows the observed split by these counts in place of the stored state's; `by` says where and over which time
    /// they were counted.
    ///
    /// ```
    /// # async fn example(cluster: impl canary_core::cluster::Cluster) -> canary_core::Result<()> {
    /// use canary_core::{cluster::status, evidence::{Counts, Window}};
    ///
    /// let window = Window {
    ///     stable: Counts { requests: 700, ..Counts::default() },
    ///     canary: Counts { requests: 300, failed: 2, ..Counts::default() },
    ///     ..Window::default()
    /// };
    /// let status = status(&cluster, "default", "image-classifier", None).await?;
    /// println!("{}", status.counted("my own log, over an hour", &window));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn counted(mut self, by: impl Into<String>, window: &Window) -> Self {
        let Window { stable, canary, unknown, .. } = *window;
        let split = self.rollout.as_ref().and_then(|rollout| rollout.split);
        let seen = Observed::new(by.into(), stable.requests, canary.requests, split);
        let failed = |Counts { failed, .. }: Counts| failed;
        let failed = Some((failed(stable), failed(canary)));
        self.observed = Some(Observed { unknown, failed, ..seen });
        self
    }
}

fn share(stable: u64, canary: u64, split: Option<Split>) -> Option<(f64, Interval)> {
    if stable + canary == 0 {
        return None;
    }
    // The weight is only the centre of the prior; the interval holds for every share.
    let centre = |weight: Percent| {
        let share = weight.share();
        if weight.is_part() { share } else { share.clamp(0.01, 0.99) }
    };
    let mut test = SplitTest::new(split.map_or(0.5, |split| centre(split.canary))).ok()?;
    test.observe_counts(canary, stable);
    Some((test.estimate()?, test.interval(Alpha::new(0.05).ok()?)))
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "observed by {}: ", self.by)?;
        let Some((share, Interval { low, high, .. })) = self.share else {
            return write!(f, "no requests");
        };
        write!(f, "{} requests by stable, {} by the canary", self.stable, self.canary)?;
        if let Some((stable, canary)) = self.failed {
            write!(f, ", of which {stable} and {canary} failed")?;
        }
        if self.unknown > 0 {
            write!(f, ", {} by an unknown version", self.unknown)?;
        }
        let decimals = if share < 0.01 { 3 } else { 1 };
        let percent = |share: f64| format!("{:.decimals$} %", share * 100.0);
        write!(
            f,
            "; the canary's share is {}, in [{}, {}]",
            percent(share),
            percent(low),
            percent(high)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.object)?;
        for route in &self.routes {
            let weights: Vec<_> =
                route.weights.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
            let some = if route.conditional { " (some requests)" } else { "" };
            writeln!(f, "  {}{some}: {}", route.path, weights.join(", "))?;
        }
        match &self.driver {
            Some(driver) => writeln!(f, "  driven by {driver}")?,
            None => writeln!(f, "  no driver runs it")?,
        }
        if let Some(problem) = &self.problem {
            writeln!(f, "  {problem}")?;
        }
        if let Some(observed) = &self.observed {
            writeln!(f, "  {observed}")?;
        }
        let Some(rollout) = &self.rollout else {
            return if self.problem.is_none() {
                writeln!(f, "  no rollout is stored")
            } else {
                Ok(())
            };
        };
        let (requests, pairs) = rollout.seen_at_step;
        writeln!(f, "  at this step: {requests} requests, {pairs} pairs")?;
        if rollout.awaiting_labels > 0 {
            let waiting = counted(rollout.awaiting_labels, "pairs waiting for labels");
            writeln!(f, "  {waiting}")?;
        }
        for reading in &rollout.readings {
            writeln!(f, "  {reading}")?;
        }
        if rollout.paused {
            writeln!(f, "  paused")?;
        }
        if let Some(step) = rollout.awaits_approval {
            writeln!(f, "  step {step} waits for approval")?;
        }
        for command in &rollout.commands {
            writeln!(f, "  {command}")?;
        }
        if let Some((deployment, at)) = &rollout.kept {
            writeln!(f, "  {deployment} of the old version is kept until {at}")?;
        }
        if let Some(outcome) = &rollout.scale_down {
            writeln!(f, "  {outcome}")?;
        }
        writeln!(f, "  verdict so far: {}", rollout.verdict)
    }
}
