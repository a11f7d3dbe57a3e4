//! The reading of a guardrail, and the harm that its interval excludes.

use serde::{Deserialize, Serialize};

use super::counted::counted;
use canary_stats::Interval;

/// The greatest number of readings of one kind of quantity that a promotion names as excluded.
const NAMED: usize = 3;

/// A guardrail's reading: its evidence, its estimate with a confidence sequence, and its sample sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The guardrail's name.
    pub guardrail: String,
    /// The test, such as `errorRatio`.
    pub test: String,
    /// The quantity that `estimate` and `interval` are about, in words.
    pub quantity: String,
    /// E now; the largest finite number where it is beyond all bounds.
    pub e: f64,
    /// The anytime-valid p-value, 1 over the largest E so far.
    pub p_value: f64,
    /// The part of the plan's α that the guardrail may spend.
    pub alpha: f64,
    /// The level at which a promotion's harm is excluded: the plan's whole α.
    pub proof_alpha: f64,
    /// `true` when E has reached 1/α.
    pub alarm: bool,
    /// The plain estimate, where there are data for one; infinite ones are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// The values not excluded: one end by the alarm's own test, at `alpha`, the other by that of `proven`, at
    /// `proof_alpha`.
    pub interval: Interval,
    /// `true` when the harm that the plan wants excluded is excluded; absent where the plan wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<bool>,
    /// The sample sizes, each with what was counted.
    pub counts: Vec<(String, u64)>,
}

/// The end of an interval beyond which lies the harm that is excluded.
enum HarmEnd {
    High(f64),
    Low(f64),
}

impl Reading {
    /// E as a finite number.
    pub(super) fn finite_e(ln_e: f64) -> f64 {
        canary_stats::portable::exp(ln_e).min(f64::MAX)
    }

    /// The end of the interval on the side of the harm; `None` where it excludes nothing, or there is no such side.
    fn harm_end(&self) -> Option<HarmEnd> {
        match self.test.as_str() {
            "errorRatio" | "slowRatio" | "errorRate" => {
                let least = if self.test == "errorRate" { 1.0 } else { f64::INFINITY };
                Some(self.interval.high).filter(|high| *high < least).map(HarmEnd::High)
            }
            "observedSplit" => None,
            "accuracy" | "pairErrors" | "numericDrift" => {
                Some(self.interval.low).filter(|low| *low > -1.0).map(HarmEnd::Low)
            }
            _ => Some(self.interval.low).filter(|low| *low > 0.0).map(HarmEnd::Low),
        }
    }
}

/// The harm that a promotion excludes, such as `errorRatio above 1.8 is excluded`.
pub(super) fn excluded(evidence: &[Reading]) -> Vec<String> {
    let one = |reading: &Reading| {
        let end = reading.harm_end()?;
        let (side, value) = match end {
            HarmEnd::High(value) => ("above", value),
            HarmEnd::Low(value) => ("below", value),
        };
        let level = 100.0 * (1.0 - reading.proof_alpha);
        let decimals = usize::from(reading.proof_alpha < 0.01);
        Some(format!("{} {side} {value:.3} is excluded ({level:.decimals$} %)", reading.guardrail))
    };
    evidence.iter().filter_map(one).take(NAMED).collect()
}

impl Reading {
    /// The estimate with its interval as a phrase, such as `the models agree on 50 % of the inputs`; the interval alone
    /// where there is no finite estimate.
    fn statement(&self) -> String {
        let percent = |value: f64| format!("{} %", trimmed(100.0 * value, 1));
        // A weight may be below one percent.
        let decimals = if self.estimate.is_some_and(|share| share < 0.01) { 3 } else { 1 };
        let share = |value: f64| format!("{} %", trimmed(100.0 * value, decimals));
        let plain = |value: f64| trimmed(value, 3);
        let times = |value: f64| format!("{} ×", trimmed(value, 2));
        let phrase = |before: &str, after: &str, number: &dyn Fn(f64) -> String| {
            let (low, high) = (number(self.interval.low), number(self.interval.high));
            match self.estimate {
                Some(estimate) => {
                    format!("{before} {}{after} (interval {low} to {high})", number(estimate))
                }
                None => format!("{before} {low} to {high}{after}"),
            }
        };
        match self.test.as_str() {
            "errorRatio" => phrase("error rate", " the stable version's", &times),
            "slowRatio" => phrase("rate of slow requests", " the stable version's", &times),
            "quantileRatio" => phrase("latency", " the stable version's", &times),
            "errorRate" => phrase("the canary fails", " of its requests", &percent),
            "agreement" => phrase("the models agree on", " of the inputs", &percent),
            "observedSplit" => phrase("the canary serves", " of the requests", &share),
            _ => phrase(&self.quantity, "", &plain),
        }
    }
}

/// A number with a bounded count of decimals, without zeros at its end.
fn trimmed(value: f64, decimals: usize) -> String {
    if value == f64::INFINITY {
        return "∞".to_owned();
    }
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The reading in one line: the estimate, the evidence with the threshold of the alarm, and the sample sizes.
impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}, evidence ", self.guardrail, self.statement())?;
        if self.e < 1e6 {
            write!(f, "{:.2}", self.e)?;
        } else {
            write!(f, "{:.1e}", self.e)?;
        }
        write!(f, " (alarm at {:.0})", 1.0 / self.alpha)?;
        for (index, (what, count)) in self.counts.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "; " };
            write!(f, "{separator}{}", counted(*count, what))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::trimmed;

    #[test]
    fn numbers_have_no_zeros_at_their_end() {
        let shown = [(0.5, 1), (100.0, 1), (0.0, 2), (-0.0004, 3), (12.346, 2), (f64::INFINITY, 2)]
            .map(|(value, decimals)| trimmed(value, decimals));
        assert_eq!(shown, ["0.5", "100", "0", "0", "12.35", "∞"]);
    }
}
