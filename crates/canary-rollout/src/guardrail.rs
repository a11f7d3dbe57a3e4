//! Guardrails: the quantities that must not get worse, each with a sequential test and its share of the plan's α.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::checks::{
    Accuracy, Agreement, Custom, ErrorRate, ErrorRatio, Mean, NumericDrift, ObservedSplit,
    PairErrors, QuantileRatio, SlowRatio,
};
use super::{
    checks::{default_quantile, default_split_alpha, default_warmup},
    on_alarm::OnAlarm,
};
use crate::evidence::Kind;

/// One quantity that must not get worse, tested after every observation.
///
/// In YAML a guardrail is an object with the test's name as its one key beside `name` and `share`:
///
/// ```
/// use canary_core::rollout::Guardrail;
///
/// let read = |text| serde_json::from_str::<Guardrail>(text);
/// let guardrail = read(r#"{"errorRatio": {"atMost": 1.0, "provenBelow": 1.5}, "share": 2}"#)?;
/// assert_eq!(guardrail, Guardrail::error_ratio(1.0).proven(1.5).share(2.0));
/// assert!(read(r#"{"share": 2}"#).unwrap_err().to_string().contains("errorRatio"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Guardrail {
    /// Its name in verdicts and reports; by default the test's name, such as `errorRatio`.
    pub name: String,
    /// Its part of the plan's α, relative to the shares of the others.
    pub share: f64,
    /// The least number of observations in each step in which it can have any, of each version that it compares:
    /// requests for the ratios, pairs for what compares responses, values for a custom score, and for the observed
    /// split requests of both versions together. Before that the step does not end; [`DEFAULT_MINIMUM`] by default.
    pub minimum: u64,
    /// The consequence of an alarm.
    pub on_alarm: OnAlarm,
    /// The test.
    pub check: Check,
}

/// The least number of observations that a guardrail needs in each step, unless it states another.
pub const DEFAULT_MINIMUM: u64 = 20;

/// The available tests.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// The canary's rate of failed requests is at most this factor times the stable rate.
    ErrorRatio(ErrorRatio),
    /// The canary's rate of slow requests is at most this factor times the stable rate.
    SlowRatio(SlowRatio),
    /// A quantile of the canary's latency is at most this factor times the stable version's.
    QuantileRatio(QuantileRatio),
    /// At most this share of the canary's requests fails.
    ErrorRate(ErrorRate),
    /// The canary's mean of a value is not worse than the stable version's by more than a margin.
    Mean(Mean),
    /// Both models give the same top class for at least this share of the inputs.
    Agreement(Agreement),
    /// On labelled inputs the canary is right no less often than the stable model.
    Accuracy(Accuracy),
    /// The canary receives the share of the traffic that its weight says.
    ObservedSplit(ObservedSplit),
    /// The mean of canary score minus stable score is no lower than `-margin`.
    NumericDrift(NumericDrift),
    /// The mean of a caller's own score, a number from 0 to 1, is at least this value.
    Custom(Custom),
    /// In pairs the canary fails no more often than the stable version.
    PairErrors(PairErrors),
}

impl Check {
    /// The name by which the test is written in a plan.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ErrorRatio(_) => "errorRatio",
            Self::SlowRatio(_) => "slowRatio",
            Self::QuantileRatio(_) => "quantileRatio",
            Self::ErrorRate(_) => "errorRate",
            Self::Mean(_) => "mean",
            Self::Agreement(_) => "agreement",
            Self::Accuracy(_) => "accuracy",
            Self::ObservedSplit(_) => "observedSplit",
            Self::NumericDrift(_) => "numericDrift",
            Self::Custom(_) => "custom",
            Self::PairErrors(_) => "pairErrors",
        }
    }

    /// Returns `true` when an alarm of the test may be a rollback: the observed split's is inconclusive.
    pub fn spends_alpha(&self) -> bool {
        !matches!(self, Self::ObservedSplit(_))
    }

    /// The consequence of an alarm, unless the plan states another: an absolute limit without a ratio beside it also
    /// alarms at outages that both versions have, so it pauses; all others roll back.
    pub fn usual_action(&self) -> OnAlarm {
        match self {
            Self::ErrorRate(ErrorRate { and_worse: None, .. }) => OnAlarm::Pause,
            _ => OnAlarm::Rollback,
        }
    }

    /// Returns `true` when the test compares two subsets that serve at the same time.
    pub fn compares_traffic(&self) -> bool {
        match self {
            Self::ErrorRate(check) => check.and_worse.is_some(),
            Self::ErrorRatio(_) | Self::SlowRatio(_) | Self::QuantileRatio(_) | Self::Mean(_) => {
                true
            }
            _ => false,
        }
    }

    /// The kind of evidence that the test needs.
    pub fn needs(&self) -> Kind {
        match self {
            Self::ErrorRatio(_) | Self::ErrorRate(_) | Self::ObservedSplit(_) => Kind::Requests,
            Self::SlowRatio(_) | Self::QuantileRatio(_) => Kind::Latency,
            Self::Mean(mean) if mean.labelled => Kind::Requests,
            Self::Mean(_) => Kind::Values,
            Self::Agreement(_) | Self::PairErrors(_) => Kind::Pairs,
            Self::Accuracy(_) => Kind::Labels,
            Self::NumericDrift(_) => Kind::Scores,
            Self::Custom(_) => Kind::Custom,
        }
    }

    /// The bound that must be excluded before promotion, when one is stated.
    pub fn proven_bound(&self) -> Option<f64> {
        match self {
            Self::ErrorRatio(check) => check.proven_below,
            Self::SlowRatio(check) => check.proven_below,
            Self::QuantileRatio(check) => check.proven_below,
            Self::ErrorRate(check) => check.proven_below,
            Self::Mean(check) => check.proven_within.map(|margin| check.difference(margin)),
            Self::Agreement(check) => check.proven_above,
            Self::Accuracy(check) => check.proven_above,
            Self::NumericDrift(check) => check.proven_above,
            Self::Custom(check) => check.proven_above,
            Self::PairErrors(check) => check.proven_above,
            Self::ObservedSplit(_) => None,
        }
    }
}

impl Guardrail {
    /// A guardrail under its test's own name, with share 1 and the test's usual action.
    pub fn new(check: Check) -> Self {
        let (name, on_alarm) = (check.kind().to_owned(), check.usual_action());
        Self { name, share: 1.0, minimum: DEFAULT_MINIMUM, on_alarm, check }
    }

    /// The canary's error rate is at most `at_most` times the stable one.
    pub fn error_ratio(at_most: f64) -> Self {
        Self::new(Check::ErrorRatio(ErrorRatio { at_most, proven_below: None, harm: None }))
    }

    /// The canary's rate of slow requests is at most `at_most` times the stable one; "slow" is learned from the
    /// stable subset.
    pub fn slow_ratio(at_most: f64) -> Self {
        Self::new(Check::SlowRatio(SlowRatio {
            at_most,
            proven_below: None,
            harm: None,
            threshold: None,
            quantile: default_quantile(),
            warmup: default_warmup(),
        }))
    }

    /// The canary's rate of requests slower than `threshold` is at most `at_most` times the stable one.
    pub fn slower_than(threshold: Duration, at_most: f64) -> Self {
        Self::new(Check::SlowRatio(SlowRatio {
            at_most,
            proven_below: None,
            harm: None,
            threshold: Some(threshold),
            quantile: default_quantile(),
            warmup: default_warmup(),
        }))
    }

    /// The 95 % quantile of the canary's latency is at most `at_most` times the stable version's.
    ///
    /// ```
    /// use canary_core::rollout::Guardrail;
    ///
    /// let guardrail = Guardrail::quantile_ratio(1.1).proven(1.3);
    /// let text = serde_json::to_string(&guardrail)?;
    /// assert_eq!(text, r#"{"quantileRatio":{"atMost":1.1,"quantile":0.95,"warmup":500,"provenBelow":1.3}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn quantile_ratio(at_most: f64) -> Self {
        let (quantile, warmup) = (default_quantile(), default_warmup());
        let check = QuantileRatio { at_most, quantile, warmup, proven_below: None };
        Self::new(Check::QuantileRatio(check))
    }

    /// At most the share `at_most` of the canary's requests fails; its alarm pauses the rollout.
    ///
    /// ```
    /// use canary_core::rollout::{Guardrail, OnAlarm};
    ///
    /// let guardrail = Guardrail::error_rate(0.02);
    /// assert_eq!(guardrail.on_alarm, OnAlarm::Pause);
    /// assert_eq!(serde_json::to_string(&guardrail)?, r#"{"errorRate":{"atMost":0.02}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn error_rate(at_most: f64) -> Self {
        Self::new(Check::ErrorRate(ErrorRate { at_most, and_worse: None, proven_below: None }))
    }

    /// At most the share `at_most` of the canary's requests fails, or its rate is at most `ratio` times the stable one.
    /// Its alarm requires that both are exceeded, and rolls back.
    ///
    /// ```
    /// use canary_core::rollout::{Guardrail, OnAlarm};
    ///
    /// let guardrail = Guardrail::error_rate_and_worse(0.02, 1.0);
    /// assert_eq!(guardrail.on_alarm, OnAlarm::Rollback);
    /// assert_eq!(serde_json::to_string(&guardrail)?, r#"{"errorRate":{"atMost":0.02,"andWorse":1.0}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn error_rate_and_worse(at_most: f64, ratio: f64) -> Self {
        Self::new(Check::ErrorRate(ErrorRate {
            at_most,
            and_worse: Some(ratio),
            proven_below: None,
        }))
    }

    /// The mean of a value from `low` to `high`, of which high ones are good, is no more than `margin` lower at the canary.
    ///
    /// ```
    /// use canary_core::rollout::Guardrail;
    ///
    /// let guardrail = Guardrail::mean("revenue", 0.0, 100.0, 0.5).proven(2.0);
    /// let text = serde_json::to_string(&guardrail)?;
    /// assert_eq!(text, r#"{"name":"revenue","mean":{"range":[0.0,100.0],"margin":0.5,"provenWithin":2.0}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn mean(name: impl Into<String>, low: f64, high: f64, margin: f64) -> Self {
        let (range, lower_is_better, labelled) = ([low, high], false, false);
        let (unlabelled, proven_within) = (None, None);
        let mean = Mean { range, margin, lower_is_better, labelled, unlabelled, proven_within };
        Self::new(Check::Mean(mean)).named(name)
    }

    /// Both models agree on the top class for at least `at_least` of the inputs.
    pub fn agreement(at_least: f64) -> Self {
        Self::new(Check::Agreement(Agreement { at_least, proven_above: None }))
    }

    /// In pairs the canary fails no more often than the stable version.
    ///
    /// ```
    /// use canary_core::rollout::Guardrail;
    ///
    /// let guardrail = Guardrail::pair_errors().proven(-0.02).minimum(50);
    /// assert_eq!(serde_json::to_string(&guardrail)?, r#"{"minimum":50,"pairErrors":{"provenAbove":-0.02}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn pair_errors() -> Self {
        Self::new(Check::PairErrors(PairErrors::default()))
    }

    /// On labelled inputs the canary is no less often right.
    pub fn accuracy() -> Self {
        Self::new(Check::Accuracy(Accuracy::default()))
    }

    /// The mesh splits the traffic as its weights say.
    pub fn observed_split() -> Self {
        Self::new(Check::ObservedSplit(ObservedSplit { alpha: default_split_alpha() }))
    }

    /// The mean score falls by no more than `margin`.
    pub fn numeric_drift(margin: f64) -> Self {
        Self::new(Check::NumericDrift(NumericDrift { margin, proven_above: None }))
    }

    /// The mean of the caller's score of that name is at least `at_least`.
    pub fn custom(name: impl Into<String>, at_least: f64) -> Self {
        Self::new(Check::Custom(Custom { at_least, proven_above: None })).named(name)
    }

    /// Sets its name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets its part of the plan's α, relative to the others.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Sets the least number of observations in each step, of each version that it compares; at least 1.
    #[must_use]
    pub fn minimum(mut self, observations: u64) -> Self {
        self.minimum = observations;
        self
    }

    /// Sets the consequence of an alarm.
    #[must_use]
    pub fn on_alarm(mut self, on_alarm: OnAlarm) -> Self {
        self.on_alarm = on_alarm;
        self
    }

    /// Returns `true` when an alarm is a rollback, paid for from the plan's α.
    pub fn rolls_back(&self) -> bool {
        self.check.spends_alpha() && self.on_alarm == OnAlarm::Rollback
    }

    /// Makes promotion wait until harm of this size is excluded: a ratio of `bound` or more, or an agreement,
    /// accuracy, drift or score of `bound` or less, or a mean that is worse by `bound` or more. The observed split has no
    /// such bound.
    #[must_use]
    pub fn proven(mut self, bound: f64) -> Self {
        match &mut self.check {
            Check::ErrorRatio(check) => check.proven_below = Some(bound),
            Check::SlowRatio(check) => check.proven_below = Some(bound),
            Check::QuantileRatio(check) => check.proven_below = Some(bound),
            Check::ErrorRate(check) => check.proven_below = Some(bound),
            Check::Mean(check) => check.proven_within = Some(bound),
            Check::Agreement(check) => check.proven_above = Some(bound),
            Check::Accuracy(check) => check.proven_above = Some(bound),
            Check::NumericDrift(check) => check.proven_above = Some(bound),
            Check::Custom(check) => check.proven_above = Some(bound),
            Check::PairErrors(check) => check.proven_above = Some(bound),
            Check::ObservedSplit(_) => {}
        }
        self
    }

    /// Tunes a test of rates to find this ratio of the rates; the other tests have no such number.
    #[must_use]
    pub fn harm(mut self, ratio: f64) -> Self {
        match &mut self.check {
            Check::ErrorRatio(check) => check.harm = Some(ratio),
            Check::SlowRatio(check) => check.harm = Some(ratio),
            _ => {}
        }
        self
    }
}

/// The written form: exactly one of the tests is stated.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<OnAlarm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_ratio: Option<ErrorRatio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slow_ratio: Option<SlowRatio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantile_ratio: Option<QuantileRatio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_rate: Option<ErrorRate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<Mean>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observed_split: Option<ObservedSplit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numeric_drift: Option<NumericDrift>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom: Option<Custom>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair_errors: Option<PairErrors>,
}

impl TryFrom<Written> for Guardrail {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let stated: Vec<Check> = [
            written.error_ratio.map(Check::ErrorRatio),
            written.slow_ratio.map(Check::SlowRatio),
            written.quantile_ratio.map(Check::QuantileRatio),
            written.error_rate.map(Check::ErrorRate),
            written.mean.map(Check::Mean),
            written.agreement.map(Check::Agreement),
            written.accuracy.map(Check::Accuracy),
            written.observed_split.map(Check::ObservedSplit),
            written.numeric_drift.map(Check::NumericDrift),
            written.custom.map(Check::Custom),
            written.pair_errors.map(Check::PairErrors),
        ]
        .into_iter()
        .flatten()
        .collect();
        let [check] = <[Check; 1]>::try_from(stated).map_err(|stated| {
            format!(
                "a guardrail states exactly one of errorRatio, slowRatio, quantileRatio, errorRate, mean, agreement, accuracy, \
                 observedSplit, numericDrift, custom, pairErrors; this one states {}",
                stated.len()
            )
        })?;
        let mut guardrail = Self::new(check);
        if let Some(name) = written.name {
            guardrail.name = name;
        }
        if let Some(share) = written.share {
            guardrail.share = share;
        }
        if let Some(minimum) = written.minimum {
            guardrail.minimum = minimum;
        }
        if let Some(action) = written.action {
            guardrail.on_alarm = action;
        }
        Ok(guardrail)
    }
}

impl From<Guardrail> for Written {
    #[expect(clippy::float_cmp, reason = "1 is the default that need not be written")]
    fn from(guardrail: Guardrail) -> Self {
        let named = guardrail.name != guardrail.check.kind();
        let mut written = Self {
            share: (guardrail.share != 1.0).then_some(guardrail.share),
            minimum: (guardrail.minimum != DEFAULT_MINIMUM).then_some(guardrail.minimum),
            name: named.then_some(guardrail.name),
            action: Some(guardrail.on_alarm)
                .filter(|action| *action != guardrail.check.usual_action()),
            ..Self::default()
        };
        match guardrail.check {
            Check::ErrorRatio(check) => written.error_ratio = Some(check),
            Check::SlowRatio(check) => written.slow_ratio = Some(check),
            Check::QuantileRatio(check) => written.quantile_ratio = Some(check),
            Check::ErrorRate(check) => written.error_rate = Some(check),
            Check::Mean(check) => written.mean = Some(check),
            Check::Agreement(check) => written.agreement = Some(check),
            Check::Accuracy(check) => written.accuracy = Some(check),
            Check::ObservedSplit(check) => written.observed_split = Some(check),
            Check::NumericDrift(check) => written.numeric_drift = Some(check),
            Check::Custom(check) => written.custom = Some(check),
            Check::PairErrors(check) => written.pair_errors = Some(check),
        }
        written
    }
}
