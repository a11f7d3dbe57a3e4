//! Counts of the two arms' events, kept apart by the share of the traffic that was then in force.

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, closed_unit},
    exact,
};

/// More distinct shares than this are brought together, nearest first.
const MOST: usize = 32;

/// The events seen while the canary's share was from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Stratum {
    #[serde(with = "exact")]
    pub(super) low: f64,
    #[serde(with = "exact")]
    pub(super) high: f64,
    pub(super) canary: u64,
    pub(super) stable: u64,
}

impl Stratum {
    pub(super) fn total(&self) -> f64 {
        self.canary as f64 + self.stable as f64
    }
}

/// At most [`MOST`] strata, in ascending order of their shares.
///
/// Where two shares had to be brought together only the range in which both lie is kept: a test that takes the
/// unfavourable end of it is still valid.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Stratum>", into = "Vec<Stratum>")]
pub(super) struct Strata(Vec<Stratum>);

impl From<Strata> for Vec<Stratum> {
    fn from(strata: Strata) -> Self {
        strata.0
    }
}

impl TryFrom<Vec<Stratum>> for Strata {
    type Error = StatsError;

    fn try_from(strata: Vec<Stratum>) -> Result<Self> {
        let mut before = -1.0;
        for stratum in &strata {
            closed_unit("low", stratum.low)?;
            closed_unit("high", stratum.high)?;
            super::error::check(
                "low",
                stratum.low,
                "a share above those of the strata before it and at most its own `high`",
                before < stratum.low && stratum.low <= stratum.high,
            )?;
            before = stratum.high;
        }
        super::error::check(
            "strata",
            strata.len() as f64,
            "a list of at most 32",
            strata.len() <= MOST,
        )?;
        Ok(Self(strata))
    }
}

impl Strata {
    pub(super) fn as_slice(&self) -> &[Stratum] {
        &self.0
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Stratum> {
        self.0.get_mut(index)
    }

    /// The place of the stratum to which `share` belongs, made when there is none.
    pub(super) fn place(&mut self, share: f64) -> usize {
        let at = self.0.partition_point(|stratum| stratum.high < share);
        if self.0.get(at).is_some_and(|stratum| stratum.low <= share) {
            return at;
        }
        self.0.insert(at, Stratum { low: share, high: share, canary: 0, stable: 0 });
        if self.0.len() > MOST {
            self.join_nearest();
            return self.0.partition_point(|stratum| stratum.high < share);
        }
        at
    }

    fn join_nearest(&mut self) {
        let mut nearest = 0;
        let mut least = f64::INFINITY;
        for (i, pair) in self.0.windows(2).enumerate() {
            let range = pair[1].high - pair[0].low;
            if range < least {
                (nearest, least) = (i, range);
            }
        }
        let upper = self.0.remove(nearest + 1);
        let lower = &mut self.0[nearest];
        lower.high = upper.high;
        lower.canary = lower.canary.saturating_add(upper.canary);
        lower.stable = lower.stable.saturating_add(upper.stable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_apart_until_there_are_too_many() {
        let mut strata = Strata::default();
        for i in 1..=MOST {
            let at = strata.place(i as f64 / 100.0);
            assert_eq!(at, i - 1);
            strata.get_mut(at).unwrap().canary += 1;
        }
        assert!(strata.as_slice().iter().all(|s| s.low == s.high && s.canary == 1));
        let at = strata.place(0.0501);
        strata.get_mut(at).unwrap().canary += 1;
        assert_eq!(strata.as_slice().len(), MOST);
        let joined = strata.as_slice()[at];
        assert_eq!((joined.low, joined.high, joined.canary), (0.05, 0.0501, 2));
        // Both ends and what lies between belong to it from now on.
        assert_eq!(strata.place(0.05), at);
        assert_eq!(strata.place(0.05005), at);
        assert_eq!(strata.as_slice().iter().map(|s| s.canary).sum::<u64>(), MOST as u64 + 1);
        let text = serde_json::to_string(&strata).unwrap();
        assert_eq!(serde_json::from_str::<Strata>(&text).unwrap(), strata);
    }

    #[test]
    fn a_damaged_state_is_refused() {
        for bad in [
            r#"[{"low":"0.2","high":"0.1","canary":1,"stable":1}]"#,
            r#"[{"low":"0.2","high":"1.1","canary":1,"stable":1}]"#,
            r#"[{"low":"NaN","high":"0.1","canary":1,"stable":1}]"#,
            r#"[{"low":"0.2","high":"0.2","canary":1,"stable":1},{"low":"0.2","high":"0.2","canary":1,"stable":1}]"#,
            r#"[{"low":"0.2","high":"0.2","canary":-1,"stable":1}]"#,
        ] {
            assert!(serde_json::from_str::<Strata>(bad).is_err(), "{bad}");
        }
    }
}
