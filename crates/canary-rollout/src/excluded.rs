//! The harm that a promotion excludes, in words.

use super::verdict::Reading;

/// The greatest number of readings of one kind of quantity that a promotion names as excluded.
const NAMED: usize = 3;

/// The harm that is excluded when a rollout is promoted, such as `errorRatio above 1.8 is excluded`.
pub(super) fn excluded(evidence: &[Reading]) -> Vec<String> {
    let one = |reading: &Reading| {
        let end = reading.harm_end()?;
        let (side, value) = match end {
            HarmEnd::High(value) => ("above", value),
            HarmEnd::Low(value) => ("below", value),
        };
        let level = 100.0 * (1.0 - reading.alpha);
        let decimals = usize::from(reading.alpha < 0.01);
        Some(format!("{} {side} {value:.3} is excluded ({level:.decimals$} %)", reading.guardrail))
    };
    evidence.iter().filter_map(one).take(NAMED).collect()
}

/// The end of an interval beyond which lies the harm that is excluded.
enum HarmEnd {
    High(f64),
    Low(f64),
}

impl Reading {
    /// The end of the interval on the side of the harm; `None` where it excludes nothing, or there is no such side.
    fn harm_end(&self) -> Option<HarmEnd> {
        match self.test.as_str() {
            "errorRatio" | "slowRatio" => {
                Some(self.interval.high).filter(|high| high.is_finite()).map(HarmEnd::High)
            }
            "observedSplit" => None,
            "accuracy" | "pairErrors" | "numericDrift" => {
                Some(self.interval.low).filter(|low| *low > -1.0).map(HarmEnd::Low)
            }
            _ => Some(self.interval.low).filter(|low| *low > 0.0).map(HarmEnd::Low),
        }
    }
}
