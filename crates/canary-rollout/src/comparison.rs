//! A comparison of rules for a rollback on the same simulated traffic.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    scenario::Rates,
    simulate::check_runs,
    summary::{Chance, Summary},
};
use crate::{Error, Result};
use canary_stats::{
    Alpha, EProcess, FixedThreshold, Random, RateRatio, RepeatedZTest, StatsError, Traffic, Window,
};

/// A rule that may roll back after each interval of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// The canary's success rate within an interval is below a threshold; see [`FixedThreshold`].
    FixedThreshold {
        /// The least success rate, from 0 to 1.
        success_rate: f64,
        /// The number of the failed interval that rolls back; 1 for the first.
        failures: u32,
    },
    /// A one-sided z-test of two proportions on all data so far, looked at again and again; see [`RepeatedZTest`].
    RepeatedZTest,
    /// The e-process of the ratio of the error rates, which this crate uses; see [`RateRatio`].
    RateRatio,
}

impl Rule {
    /// The rules that are compared unless others are named: a threshold of 99 % at the first and at the fifth failure,
    /// the z-test, and the e-process.
    pub const USUAL: [Self; 4] = [
        Self::FixedThreshold { success_rate: 0.99, failures: 1 },
        Self::FixedThreshold { success_rate: 0.99, failures: 5 },
        Self::RepeatedZTest,
        Self::RateRatio,
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FixedThreshold { success_rate, failures } => {
                let percent = (success_rate * 1e6).round() / 1e4;
                write!(f, "success >= {percent} %, failure {failures}")
            }
            Self::RepeatedZTest => f.write_str("z-test, repeated"),
            Self::RateRatio => f.write_str("e-process"),
        }
    }
}

/// The traffic on which rules are compared, as a metrics query shows it: counts for each interval.
///
/// ```
/// use canary_core::rollout::{ComparedTraffic, Rule};
///
/// // Nothing is wrong with the canary: each rollback is a false one.
/// let healthy = ComparedTraffic::new(0.01, 0.01).compare(&Rule::USUAL, 200, 7)?;
/// let [first, _, z_test, e_process] = &healthy.rules[..] else { panic!() };
/// assert!(first.rollback.p > 0.9 && z_test.rollback.p > 0.2);
/// assert!(e_process.rollback.p <= 0.05);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComparedTraffic {
    /// The probability that a request fails.
    pub errors: Rates,
    /// The canary's share of the requests; a tenth by default.
    pub share: f64,
    /// The requests of a run; 20 000 by default.
    pub requests: u64,
    /// The requests of an interval, after which the rules look; 200 by default.
    pub interval: u64,
    /// The level of the tests; 0.05 by default.
    pub alpha: f64,
}

/// The results of each rule on the same runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Comparison {
    /// The traffic.
    pub traffic: ComparedTraffic,
    /// The number of runs.
    pub runs: u64,
    /// The seed.
    pub seed: u64,
    /// The rules, in the order in which they were given.
    pub rules: Vec<RuleOutcome>,
}

/// The results of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleOutcome {
    /// The rule.
    pub rule: Rule,
    /// The runs that it rolled back.
    pub rollbacks: u64,
    /// Their probability. It is that of a false rollback where the canary is no worse, and one minus that of a miss
    /// where it is.
    pub rollback: Chance,
    /// The requests until a rollback, over the runs that were rolled back.
    pub requests_to_rollback: Summary,
    /// Requests that the canary failed until the rollback, or the end, over all runs.
    pub canary_errors: Summary,
}

impl ComparedTraffic {
    /// With these probabilities that a request of the stable version and of the canary fails.
    pub const fn new(stable: f64, canary: f64) -> Self {
        let errors = Rates::new(stable, canary);
        Self { errors, share: 0.1, requests: 20_000, interval: 200, alpha: 0.05 }
    }

    /// Lets each rule judge the same `runs` runs.
    ///
    /// # Errors
    /// [`Error::Plan`] when a number is out of range, or there are no rules or runs.
    pub fn compare(&self, rules: &[Rule], runs: u64, seed: u64) -> Result<Comparison> {
        self.compare_while(rules, runs, seed, || true)
    }

    /// As [`compare`](Self::compare), as long as `go_on` returns `true`: it is called before each run.
    ///
    /// # Errors
    /// As [`compare`](Self::compare); [`Error::Plan`] also when it was stopped.
    pub fn compare_while(
        &self,
        rules: &[Rule],
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Comparison> {
        let wrong = |error: StatsError| Error::Plan(format!("the comparison: {error}"));
        check_runs(runs)?;
        if rules.is_empty() {
            return Err(Error::Plan("0 rules, expected at least one".to_owned()));
        }
        let Self { errors, share, requests, interval, alpha } = *self;
        let looks = requests.checked_div(interval).unwrap_or(0);
        if looks == 0 || looks > 1_000_000 {
            return Err(Error::Plan(format!(
                "{requests} requests in intervals of {interval}, expected 1 to 1000000 intervals"
            )));
        }
        let traffic = Traffic::new(share, errors.canary, errors.stable).map_err(wrong)?;
        let alpha = Alpha::new(alpha).map_err(wrong)?;
        let mut tallies: Vec<Tally> = rules.iter().map(|_| Tally::default()).collect();
        for run in 0..runs {
            if !go_on() {
                return Err(Error::Plan(format!("the comparison was stopped after {run} runs")));
            }
            let mut random = Random::of_run(seed, run);
            let windows: Vec<Window> =
                (0..looks).map(|_| traffic.window(interval, &mut random)).collect();
            for (rule, tally) in rules.iter().zip(&mut tallies) {
                let mut judge = Judge::new(*rule, alpha, share).map_err(wrong)?;
                let mut failed = 0;
                for (window, look) in windows.iter().zip(1..) {
                    failed += window.canary_bad;
                    if judge.observe(*window).map_err(wrong)? {
                        tally.requests.push(look * interval);
                        break;
                    }
                }
                tally.canary_errors.push(failed);
            }
        }
        let rules = rules.iter().zip(tallies).map(|(rule, tally)| tally.outcome(*rule, runs));
        Ok(Comparison { traffic: *self, runs, seed, rules: rules.collect() })
    }
}

impl Comparison {
    /// Returns `true` when the canary is worse: a run that is not rolled back is then a miss, and otherwise a rollback
    /// is a false one.
    pub fn is_harmful(&self) -> bool {
        self.traffic.errors.canary > self.traffic.errors.stable
    }
}

/// A rule at work on one run.
enum Judge {
    Fixed(FixedThreshold),
    ZTest(RepeatedZTest),
    Ratio { test: Box<RateRatio>, share: f64, alpha: Alpha },
}

impl Judge {
    fn new(rule: Rule, alpha: Alpha, share: f64) -> Result<Self, StatsError> {
        Ok(match rule {
            Rule::FixedThreshold { success_rate, failures } => {
                Self::Fixed(FixedThreshold::new(success_rate, failures.saturating_sub(1))?)
            }
            Rule::RepeatedZTest => Self::ZTest(RepeatedZTest::new(alpha)),
            Rule::RateRatio => Self::Ratio { test: Box::new(RateRatio::new(1.0)?), share, alpha },
        })
    }

    /// Adds an interval; true when the rule rolls back.
    fn observe(&mut self, window: Window) -> Result<bool, StatsError> {
        match self {
            Self::Fixed(rule) => Ok(rule.observe(window)),
            Self::ZTest(rule) => Ok(rule.observe(window)),
            Self::Ratio { test, share, alpha } => {
                test.observe_counts(0, *share, &window)?;
                Ok(test.alarm(*alpha))
            }
        }
    }
}

/// The results of one rule in the runs so far.
#[derive(Default)]
struct Tally {
    /// The requests before each rollback.
    requests: Vec<u64>,
    /// The canary's failed requests in each run.
    canary_errors: Vec<u64>,
}

impl Tally {
    #[expect(clippy::cast_precision_loss, reason = "counts of a simulation")]
    fn outcome(self, rule: Rule, runs: u64) -> RuleOutcome {
        let summary = |counts: Vec<u64>| Summary::of(counts.into_iter().map(|count| count as f64));
        let rollbacks = self.requests.len() as u64;
        RuleOutcome {
            rule,
            rollbacks,
            rollback: Chance::of(rollbacks, runs),
            requests_to_rollback: summary(self.requests),
            canary_errors: summary(self.canary_errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_traffic_tells_the_rules_apart() {
        let harm = ComparedTraffic::new(0.01, 0.05).compare(&Rule::USUAL, 100, 7).unwrap();
        assert!(harm.is_harmful());
        let names: Vec<String> = harm.rules.iter().map(|one| one.rule.to_string()).collect();
        assert_eq!(
            names,
            [
                "success >= 99 %, failure 1",
                "success >= 99 %, failure 5",
                "z-test, repeated",
                "e-process"
            ]
        );
        for rule in &harm.rules {
            assert!(rule.rollbacks > 95, "{rule:?}");
            assert_eq!(rule.requests_to_rollback.runs, rule.rollbacks);
            assert_eq!(rule.canary_errors.runs, 100);
        }
        let [first, fifth, ..] = &harm.rules[..] else { panic!() };
        assert!(first.requests_to_rollback.median < fifth.requests_to_rollback.median);
        assert!(first.canary_errors.mean < fifth.canary_errors.mean);
        let again = ComparedTraffic::new(0.01, 0.05).compare(&Rule::USUAL, 100, 7).unwrap();
        assert_eq!(harm, again);
        let text = serde_json::to_string(&harm).unwrap();
        assert!(text.contains(r#"{"fixedThreshold":{"successRate":0.99,"failures":1}}"#), "{text}");
        let read = serde_json::from_str::<Comparison>(&text).unwrap();
        assert_eq!(
            (read.traffic, read.rules[2].rollbacks),
            (harm.traffic, harm.rules[2].rollbacks)
        );
    }

    #[test]
    fn a_rule_that_never_rolls_back_sees_all_of_the_canarys_errors() {
        let never = Rule::FixedThreshold { success_rate: 0.0, failures: 1 };
        let compared = ComparedTraffic::new(0.0, 0.5).compare(&[never], 50, 1).unwrap();
        let [rule] = &compared.rules[..] else { panic!() };
        assert_eq!((rule.rollbacks, rule.requests_to_rollback.runs), (0, 0));
        // 20 000 · 0.1 · 0.5 of a run; five deviations of the mean of fifty.
        assert!((rule.canary_errors.mean - 1_000.0).abs() < 25.0, "{}", rule.canary_errors.mean);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let usual = ComparedTraffic::new(0.01, 0.02);
        let low = Rule::FixedThreshold { success_rate: 1.5, failures: 1 };
        for (traffic, rules, runs, message) in [
            (usual, &Rule::USUAL[..], 0, "0 runs"),
            (usual, &[], 1, "0 rules"),
            (ComparedTraffic { interval: 0, ..usual }, &Rule::USUAL, 1, "intervals of 0"),
            (ComparedTraffic { requests: 10, ..usual }, &Rule::USUAL, 1, "10 requests"),
            (ComparedTraffic { share: 1.5, ..usual }, &Rule::USUAL, 1, "share is 1.5"),
            (ComparedTraffic { alpha: 0.0, ..usual }, &Rule::USUAL, 1, "alpha is 0"),
            (ComparedTraffic::new(0.01, 2.0), &Rule::USUAL, 1, "canary is 2"),
            (usual, &[low], 1, "least is 1.5"),
        ] {
            let error = traffic.compare(rules, runs, 1).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let stopped = usual.compare_while(&Rule::USUAL, 10, 1, || false).unwrap_err().to_string();
        assert!(stopped.contains("stopped after 0 runs"), "{stopped}");
    }
}
