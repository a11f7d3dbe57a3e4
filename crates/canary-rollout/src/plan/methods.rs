//! The methods of a plan: its contents, its rules, its text, and its judgement of simulated and stored traffic.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{HeaderRoute, Percent, Plan, Split, Step};
use crate::{
    Error, Result, bound,
    evidence::{Kind, Stored, Subsets},
    gate::Gate,
    guardrail::{Check, Guardrail},
    on_alarm::{ASIDE_ALPHA, OnAlarm},
    power::{self, Power},
    reading::Reading,
    replay::{self, Replay},
    scenario::Scenario,
    simulate::{self, Simulation},
    usual, validation,
};
use canary_istio::Findings;

impl Plan {
    /// The kinds of evidence that the guardrails and holds need.
    ///
    /// ```
    /// use canary_core::{Plan, evidence::Kind, rollout::{Guardrail, Hold}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([30, 100], Hold::requests(2_000))
    ///     .guardrail(Guardrail::agreement(0.95));
    /// assert!(plan.needs().into_iter().eq([Kind::Requests, Kind::Pairs]));
    /// ```
    pub fn needs(&self) -> BTreeSet<Kind> {
        let guardrails = self.guardrails.iter().map(|guardrail| guardrail.check.needs());
        let holds = self.steps.iter().flat_map(|step| {
            let requests = step.hold.requests.or(step.hold.total_requests).map(|_| Kind::Requests);
            [requests, step.hold.pairs.map(|_| Kind::Pairs)].into_iter().flatten()
        });
        let users = self.users.map(|_| Kind::Users);
        guardrails.chain(holds).chain(users).collect()
    }

    /// Returns `true` when anything needs pairs: a hold, or a guardrail that compares answers.
    pub fn needs_pairs(&self) -> bool {
        let pairs = [Kind::Pairs, Kind::Labels, Kind::Scores, Kind::Custom];
        self.needs().into_iter().any(|kind| pairs.contains(&kind))
    }

    /// `true` when the plan compares pairs and no request can be sent to the canary alone, so that they come from
    /// mirrored traffic.
    pub(crate) fn pairs_are_mirrored(&self) -> bool {
        !self.reaches_canary() && self.needs_pairs()
    }

    /// `true` when its custom guardrails score requests: those of a plan with a header or a mirror score pairs.
    pub(crate) fn scores_requests(&self) -> bool {
        let pairs = self.reaches_canary() || self.steps.iter().any(|step| step.mirror > 0);
        !pairs && self.guardrails.iter().any(|one| matches!(one.check, Check::Custom(_)))
    }

    /// The default number of pairs per second: a tenth of the requests if a guardrail or a hold needs pairs.
    pub fn usual_pairs(&self, rate: f64) -> f64 {
        usual::pairs(self, rate)
    }

    /// The names of its two subsets.
    pub fn subsets(&self) -> Subsets {
        Subsets::new(self.stable.as_str(), self.canary.as_str())
    }

    /// Every split that the rollout may end with: those of its steps, all stable and all canary.
    pub fn splits(&self) -> Vec<Split> {
        let mut splits = vec![Split::STABLE];
        splits.extend(self.steps.iter().map(Step::split));
        splits.push(Split::CANARY);
        splits
    }

    /// The gate of that name.
    pub fn gate_named(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// `true` when requests can be sent to the canary at any weight: by a header, or by its label.
    pub fn reaches_canary(&self) -> bool {
        self.header.is_some() || self.target.version_labels().is_some()
    }

    /// The labels of the canary's pods: as given, or `version: <canary>`.
    pub fn labels_of_canary(&self) -> BTreeMap<String, String> {
        if self.canary_labels.is_empty() {
            BTreeMap::from([("version".to_owned(), self.canary.clone())])
        } else {
            self.canary_labels.clone()
        }
    }

    /// The header that leads to the canary while it is probed: the plan's own, or, for a plan without one, the header
    /// `x-canary-probe` with the first half of [`Plan::hash`] as its value, which no client sends by chance.
    ///
    /// ```
    /// use canary_core::Plan;
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
    /// let header = plan.probe_header();
    /// assert_eq!(header.name, "x-canary-probe");
    /// assert!(plan.hash().starts_with(&header.value) && header.value.len() == 16);
    /// assert_eq!(plan.header("user-group", "canary").probe_header().value, "canary");
    /// ```
    pub fn probe_header(&self) -> HeaderRoute {
        self.header.clone().unwrap_or_else(|| HeaderRoute {
            name: "x-canary-probe".to_owned(),
            value: self.hash().chars().take(16).collect(),
        })
    }

    /// The level of one guardrail: its part of [`Plan::alpha`] by shares, where it rolls back; see [`OnAlarm`] for the
    /// others. The observed split has its own.
    pub fn alpha_of(&self, guardrail: &Guardrail) -> f64 {
        if let Check::ObservedSplit(split) = &guardrail.check {
            return split.alpha;
        }
        let all = match guardrail.on_alarm {
            OnAlarm::Rollback => self.alpha,
            OnAlarm::Pause => ASIDE_ALPHA,
            OnAlarm::Warn => return ASIDE_ALPHA,
        };
        let alike =
            |one: &&Guardrail| one.check.spends_alpha() && one.on_alarm == guardrail.on_alarm;
        let total: f64 = self.guardrails.iter().filter(alike).map(|one| one.share).sum();
        all * guardrail.share / total
    }

    /// The consequence of a guardrail's alarm in this plan: its own, or, in an A/A plan, a warning. The alarm of the
    /// observed split ends every plan as inconclusive, because no rate can be believed then.
    pub fn action_of(&self, guardrail: &Guardrail) -> OnAlarm {
        let split = matches!(guardrail.check, Check::ObservedSplit(_));
        if self.aa && !split { OnAlarm::Warn } else { guardrail.on_alarm }
    }

    /// The bound of a reading's test at the canary's weight: for the observed split it is the weight, as a share, where
    /// both versions are served.
    pub fn bound_of(&self, reading: &Reading, weight: Option<Percent>) -> Option<f64> {
        bound::of_reading(self, reading, weight)
    }

    /// The length of the windows of the guard against bursts; none without it.
    pub fn burst_window(&self) -> Option<Duration> {
        self.bursts.window(self.request_timeout)
    }

    /// Checks the rules of the plan and lists every finding, with paths such as `steps[1].weight`.
    pub fn validate(&self) -> Findings {
        validation::validate(self)
    }

    /// The plan itself when [`Plan::validate`] finds no error.
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding.
    pub fn validated(self) -> Result<Self> {
        self.validate().into_result()?;
        Ok(self)
    }

    /// A digest of the plan's contents, equal on every platform for equal plans: 32 hexadecimal digits.
    ///
    /// It is XXH3 (128 bits) of the plan's JSON with sorted keys. It distinguishes a changed plan from the one that a
    /// stored state belongs to; it does not protect against forgery.
    pub fn hash(&self) -> String {
        // `Value` keeps keys sorted, so the text does not depend on the order of fields in this file.
        let text = serde_json::to_value(self).unwrap_or_default().to_string();
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }

    /// Reads a plan from YAML or JSON; unknown fields are errors.
    ///
    /// Reading checks only the form; call [`Plan::validate`] for the rules of a plan.
    ///
    /// # Errors
    /// [`Error::Istio`] with line and column when the text is not a plan.
    pub fn from_yaml(text: &str) -> Result<Self> {
        Ok(canary_istio::manifest::read_document("plan", text)?)
    }

    /// Reads a plan from JSON; unknown fields are errors.
    ///
    /// # Errors
    /// [`Error::Istio`] with line and column when the text is not a plan.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::manifest("plan", error.to_string()))
    }

    /// The plan as YAML.
    ///
    /// # Errors
    /// [`Error::Istio`] when a number in it cannot be written.
    pub fn to_yaml(&self) -> Result<String> {
        serde_saphyr::to_string(self).map_err(|error| Error::manifest("plan", error.to_string()))
    }

    /// Simulates the plan in `scenario`, `runs` times, with the same state machine as a real run.
    ///
    /// Between two bad requests nothing changes for a test of rates, so the gap is drawn at once. Where the observed
    /// split is tested, the evidence is checked every 64 requests at the latest; a real run checks after each. Gates
    /// are taken as passed and the canary as reachable.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::requests(5_000))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let broken = Scenario::new(100.0).errors(0.01, 0.10);
    /// let simulation = plan.simulate(&broken, 100, 7)?;
    /// assert!(simulation.rollback.p > 0.95);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Istio`] when the plan has an error; [`Error::Plan`] when a number of the scenario is out of range,
    /// when there are no runs, or when a run would not end.
    pub fn simulate(&self, scenario: &Scenario, runs: u64, seed: u64) -> Result<Simulation> {
        self.simulate_while(scenario, runs, seed, || true)
    }

    /// As [`simulate`](Self::simulate), as long as `go_on` returns `true`: it is called before each run.
    ///
    /// # Errors
    /// As [`simulate`](Self::simulate); [`Error::Plan`] also when it was stopped.
    pub fn simulate_while(
        &self,
        scenario: &Scenario,
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Simulation> {
        simulate::simulation(self, scenario, runs, seed, go_on)
    }

    /// Suggests holds that catch the harm of `scenario` with at least the stated probability.
    ///
    /// All holds are multiplied by one factor, which is found to within 3 % by simulation; patience grows with them.
    /// None falls below the least number of observations that the guardrails require ([`Guardrail::minimum`]).
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::total_requests(500))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let harm = Scenario::new(100.0).errors(0.01, 0.05);
    /// let power = plan.power(&harm, 0.9, 200, 7)?;
    /// assert!(power.rollback.p >= 0.9);
    /// assert!(power.plan.steps[0].hold.total_requests > Some(1_000));
    /// assert_eq!(Some(power.requests), power.plan.steps[0].hold.total_requests);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Plan::simulate`]; [`Error::Plan`] also when `probability` is not between 0 and 1, or when the harm cannot
    /// be caught by holds 1024 times as long, or by as many pairs as a rollout remembers ([`Known::CAPACITY`](canary_stats::Known::CAPACITY)).
    pub fn power(
        &self,
        scenario: &Scenario,
        probability: f64,
        runs: u64,
        seed: u64,
    ) -> Result<Power> {
        self.power_while(scenario, probability, runs, seed, || true)
    }

    /// As [`power`](Self::power), as long as `go_on` returns `true`: it is called before each run.
    ///
    /// # Errors
    /// As [`power`](Self::power); [`Error::Plan`] also when it was stopped.
    pub fn power_while(
        &self,
        scenario: &Scenario,
        probability: f64,
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Power> {
        power::search(self, probability, |plan| {
            Ok(plan.simulate_while(scenario, runs, seed, &go_on)?.rollback)
        })
    }

    /// Judges stored observations by this plan, offline: the verdict that the plan would have reached. Nothing is
    /// written.
    ///
    /// Requests are judged by the weights under which they were sent. So a step uses those that were stored while its
    /// own weight was in force, and the others are left out ([`Replay::left_out`]): a plan with other guardrails, α,
    /// holds or minimums is answered in full; of one with other weights, the steps at weights that were never in force
    /// see nothing, and the verdict is Inconclusive. Pairs, scores and labels do not depend on the weights and are
    /// always used. Gates count as passed, approvals as given, the canary as reachable. There are no observations after
    /// the end of the run: a plan that needs more ends Inconclusive.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Split}};
    /// use canary_core::evidence::{Arm, Observation, Request, Seen, Stored, Timestamp};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([50, 100], Hold::requests(1_000))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let split = Stored::Split { at: Timestamp(0), split: Split::new(50) };
    /// let observed = (0..1_000).map(|number: u64| {
    ///     let request = match number % 4 {
    ///         0 => Request::failure(Arm::Canary, "503"),
    ///         1 => Request::served(Arm::Canary, None),
    ///         _ => Request::served(Arm::Stable, None),
    ///     };
    ///     let (at, what) = (Timestamp(10_000 + number), Seen::Request(request));
    ///     Stored::Observed(Observation { source: "log".into(), sequence: None, at, what })
    /// });
    /// let replay = plan.replay([split].into_iter().chain(observed).map(Ok))?;
    /// assert!(replay.verdict.to_string().starts_with("rolled back"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Istio`] when the plan has an error; [`Error::Plan`] when there are no observations, or they are of
    /// other subsets than the plan's; the error of an item.
    pub fn replay(&self, stored: impl IntoIterator<Item = Result<Stored>>) -> Result<Replay> {
        replay::judge(self, stored)
    }
}
