//! The ratio of the canary's rate of bad requests to the stable version's, tested at a few looks.
//!
//! For a hold with a fixed number of requests. It detects harm more often than a test that may be evaluated at any
//! time, because it spends its false alarms on a few looks. In return the number of requests and of looks is fixed in
//! advance, and the hold must not be extended.
//!
//! **Observation.** Counts of requests, in order, each with the canary's share ρ of the traffic at that time, and the
//! bad ones among them by version.
//!
//! **Null.** As that of [`RateRatio`](super::RateRatio): given the bad requests, each is the canary's with probability
//! at most q0 = ρr/(ρr + 1 − ρ), given the past. The moments of the looks and the shares must not depend on which
//! version the bad requests were served by.
//!
//! **Construction.** Let t be the part of the planned requests that were seen. At a look the false alarms so far may
//! amount to
//!
//! α*(t) = 2 − 2Φ(z_{α/2}/√t) (O'Brien–Fleming type) or α·ln(1 + (e − 1)t) (Pocock type).
//!
//! f(x) is the probability that x of the bad requests are the canary's and that no earlier look has alarmed. From look to
//! look f is convolved with the binomial distribution of the new bad requests; the look alarms at the least count c for
//! which Σ_{x≥c} f(x) is at most α*(t) minus the α spent so far. Then that sum is spent, and f is 0 from c on.
//!
//! **Proof sketch.** At the boundary f is exact given the numbers of bad requests, so that the probability of an alarm is
//! the sum of what is spent, at most α*(1) = α. Inside the null the count is stochastically smaller. Source: K. Lan,
//! D. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70(3), 1983.

use serde::{Deserialize, Serialize};

use super::{
    e_process::Alpha,
    error::{Result, StatsError, check, closed_unit, positive},
    exact,
    spending::Spending,
    stage::Stage,
    survivors::Survivors,
};

/// The largest number of planned requests, and of looks.
const MOST_PLANNED: u64 = 10_000_000;
const MOST_LOOKS: u32 = 200;

/// Tests at a few looks that the canary's rate of bad requests is at most `ratio` times the stable version's.
///
/// ```
/// use canary_core::stats::{Alpha, GroupSequential, Spending};
///
/// let alpha = Alpha::new(0.05)?;
/// let mut test = GroupSequential::new(1.0, 20_000, 20, Spending::OBrienFleming, alpha)?;
/// while !test.is_finished() {
///     test.observe_counts(0.1, 500, 2, 4)?; // a third of the errors, of a tenth of the requests
/// }
/// assert!(test.alarm() && test.requests() < 10_000 && test.spent() <= 0.05);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct GroupSequential {
    ratio: f64,
    planned: u64,
    looks: u32,
    spending: Spending,
    alpha: Alpha,
    /// The observations of each look since the one before.
    seen: Vec<Stage>,
    /// The observations since the last look.
    open: Stage,
    /// The sums of all stages.
    total: Stage,
    survivors: Survivors,
    spent: f64,
    critical: Option<u64>,
    alarm: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    #[serde(with = "exact")]
    ratio: f64,
    planned: u64,
    looks: u32,
    spending: Spending,
    #[serde(with = "exact")]
    alpha: f64,
    seen: Vec<Stage>,
    open: Stage,
}

impl From<GroupSequential> for Saved {
    fn from(test: GroupSequential) -> Self {
        let GroupSequential { ratio, planned, looks, spending, alpha, seen, open, .. } = test;
        Self { ratio, planned, looks, spending, alpha: alpha.value(), seen, open }
    }
}

impl TryFrom<Saved> for GroupSequential {
    type Error = StatsError;

    /// Repeats all looks: the distribution and the α spent follow from the counts at each look.
    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { ratio, planned, looks, spending, alpha, seen, open } = saved;
        let mut test = Self::new(ratio, planned, looks, spending, Alpha::new(alpha)?)?;
        let open_may_wait = |test: &Self| {
            let expected = "no requests after the end, nor enough for another look";
            let waits = if test.is_finished() { open.requests == 0 } else { !test.is_due(&open) };
            check("open", open.requests as f64, expected, waits)
        };
        for stage in seen {
            test.restore(stage)?;
            let due = !test.is_finished() && test.is_due(&test.open);
            check("seen", test.open.requests as f64, "looks that were due", due)?;
            test.look();
        }
        open_may_wait(&test)?;
        test.restore(open)?;
        Ok(test)
    }
}

impl GroupSequential {
    /// The test of the null "the canary's rate of bad requests is at most `ratio` times the stable version's", with
    /// `looks` looks at about equal distances within `planned` requests of both versions together.
    ///
    /// # Errors
    /// When `ratio` is not a finite number greater than 0, `planned` not from 1 to 10 million, or `looks` not from 1 to
    /// 200.
    pub fn new(
        ratio: f64,
        planned: u64,
        looks: u32,
        spending: Spending,
        alpha: Alpha,
    ) -> Result<Self> {
        let ratio = positive("ratio", ratio)?;
        let holds = (1..=MOST_PLANNED).contains(&planned);
        check("planned", planned as f64, "a number from 1 to 10000000", holds)?;
        let holds = (1..=MOST_LOOKS).contains(&looks);
        check("looks", f64::from(looks), "a number from 1 to 200", holds)?;
        Ok(Self {
            ratio,
            planned,
            looks,
            spending,
            alpha,
            seen: Vec::new(),
            open: Stage::default(),
            total: Stage::default(),
            survivors: Survivors::new(),
            spent: 0.0,
            critical: None,
            alarm: false,
        })
    }

    /// Adds a stretch of traffic: the canary's share, the requests of both versions, and the bad ones of each. Looks
    /// when a look is due.
    ///
    /// With a share of 0 or 1 the bad requests carry no information and are not counted; the requests are. After the
    /// last look, and after an alarm, nothing is added.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1, `requests` is more than the planned ones, or more requests were bad than there
    /// were; then nothing is added.
    pub fn observe_counts(
        &mut self,
        share: f64,
        requests: u64,
        canary_bad: u64,
        stable_bad: u64,
    ) -> Result<()> {
        let share = closed_unit("share", share)?;
        let holds = requests <= self.planned;
        check("requests", requests as f64, "at most the planned ones at once", holds)?;
        let bad = canary_bad.saturating_add(stable_bad);
        check("canary_bad + stable_bad", bad as f64, "at most the requests", bad <= requests)?;
        if self.is_finished() {
            return Ok(());
        }
        let odds = share * self.ratio;
        let q0 = odds / (odds + 1.0 - share);
        let divided = q0 > 0.0 && q0 < 1.0;
        if divided && bad > 0 {
            self.open.add_bad(q0, bad);
        }
        let (canary_bad, stable_bad) = if divided { (canary_bad, stable_bad) } else { (0, 0) };
        self.open.add(requests, canary_bad, stable_bad);
        self.total.add(requests, canary_bad, stable_bad);
        if self.is_due(&self.open) {
            self.look();
        }
        Ok(())
    }

    /// Returns true when a look has found too many bad requests of the canary: once true, true forever.
    pub fn alarm(&self) -> bool {
        self.alarm
    }

    /// The probability of a false alarm at the looks so far, at the null's boundary; never more than α.
    pub fn spent(&self) -> f64 {
        self.spent
    }

    /// The number of looks that were taken; those that fell together count once.
    pub fn looks_taken(&self) -> usize {
        self.seen.len()
    }

    /// The least number of the canary's bad requests at which the last look would have alarmed; `None` before the first
    /// look.
    pub fn critical(&self) -> Option<u64> {
        self.critical
    }

    /// Returns true after an alarm or the last look.
    pub fn is_finished(&self) -> bool {
        self.alarm || self.seen_requests() >= self.planned
    }

    /// The requests of both versions.
    pub fn requests(&self) -> u64 {
        self.total.requests
    }

    /// The canary's bad requests.
    pub fn canary_bad(&self) -> u64 {
        self.total.canary_bad
    }

    /// The stable version's bad requests.
    pub fn stable_bad(&self) -> u64 {
        self.total.stable_bad
    }

    /// The requests that the last look had seen.
    fn seen_requests(&self) -> u64 {
        self.total.requests.saturating_sub(self.open.requests)
    }

    /// The number of planned looks at or before this number of requests.
    fn place(&self, requests: u64) -> u64 {
        let place = u128::from(requests) * u128::from(self.looks) / u128::from(self.planned);
        u64::try_from(place).unwrap_or(u64::MAX).min(u64::from(self.looks))
    }

    /// Returns true when a look is due, `open` requests after the last look.
    fn is_due(&self, open: &Stage) -> bool {
        let seen = self.seen_requests();
        self.place(seen.saturating_add(open.requests)) > self.place(seen)
    }

    fn look(&mut self) {
        let open = std::mem::take(&mut self.open);
        for bad in &open.bad {
            self.survivors.add(bad.count, bad.q0);
        }
        self.seen.push(open);
        let t = self.total.requests as f64 / self.planned as f64;
        let allowed = self.spending.spent(t, self.alpha) - self.spent;
        let (critical, spent) = self.survivors.stop(allowed);
        self.spent += spent;
        self.critical = Some(critical);
        self.alarm = self.total.canary_bad >= critical;
    }

    /// Takes a stage of a saved state as the open one.
    fn restore(&mut self, stage: Stage) -> Result<()> {
        stage.check(2 * self.planned)?;
        self.total.add(stage.requests, stage.canary_bad, stage.stable_bad);
        self.open = stage;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, Traffic};

    fn alpha() -> Alpha {
        Alpha::new(0.05).unwrap()
    }

    /// The number of runs that alarm, of 20 000 requests with 20 looks each.
    fn alarms(spending: Spending, runs: u64, shares: [f64; 2], canary: f64, stable: f64) -> u64 {
        let traffic = shares.map(|share| Traffic::new(share, canary, stable).unwrap());
        let alarms = (0..runs).filter(|&run| {
            let mut random = Random::of_run(91, run);
            let mut test = GroupSequential::new(1.0, 20_000, 20, spending, alpha()).unwrap();
            for window in 0..40 {
                let traffic = &traffic[window / 20];
                let seen = traffic.window(500, &mut random);
                test.observe_counts(traffic.share(), 500, seen.canary_bad, seen.stable_bad)
                    .unwrap();
            }
            assert!(test.is_finished() && test.spent() <= 0.05);
            test.alarm()
        });
        alarms.count() as u64
    }

    #[test]
    fn twice_the_errors_are_found_by_the_end() {
        for (spending, wanted) in [(Spending::OBrienFleming, 0.97), (Spending::Pocock, 0.96)] {
            let found = alarms(spending, 300, [0.1, 0.1], 0.02, 0.01) as f64 / 300.0;
            assert!((found - wanted).abs() < 0.04, "{spending:?}: {found}");
        }
    }

    #[test]
    fn equal_errors_alarm_in_at_most_alpha_of_the_runs() {
        for spending in [Spending::OBrienFleming, Spending::Pocock] {
            let found = alarms(spending, 400, [0.1, 0.4], 0.02, 0.02);
            // 20 at most, and three standard deviations.
            assert!((4..=33).contains(&found), "{spending:?}: {found} of 400");
        }
    }

    #[test]
    fn it_looks_when_a_look_is_due_and_no_more_after_the_end() {
        let mut test = GroupSequential::new(1.0, 1_000, 3, Spending::Pocock, alpha()).unwrap();
        let mut taken = Vec::new();
        for _ in 0..13 {
            test.observe_counts(0.5, 100, 3, 3).unwrap();
            taken.push(test.looks_taken());
        }
        // At 400, 700 and 1000 requests.
        assert_eq!(taken, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3]);
        assert_eq!((test.requests(), test.canary_bad(), test.stable_bad()), (1_000, 30, 30));
        assert!(test.is_finished() && !test.alarm() && test.critical() > Some(30));
        // A batch that passes over two looks is one look.
        let mut test = GroupSequential::new(1.0, 1_000, 3, Spending::Pocock, alpha()).unwrap();
        test.observe_counts(0.5, 700, 40, 10).unwrap();
        assert!(test.looks_taken() == 1 && test.alarm() && test.critical() <= Some(40));
        // Without a split the failures are not counted.
        let mut test = GroupSequential::new(1.0, 1_000, 3, Spending::Pocock, alpha()).unwrap();
        test.observe_counts(1.0, 500, 40, 0).unwrap();
        assert_eq!((test.canary_bad(), test.alarm(), test.spent()), (0, false, 0.0));
    }

    #[test]
    fn a_restored_test_goes_on_with_the_same_bits() {
        for run in 0..12 {
            let mut random = Random::of_run(92, run);
            let mut straight =
                GroupSequential::new(1.2, 5_000, 10, Spending::OBrienFleming, alpha()).unwrap();
            let mut killed = straight.clone();
            for _ in 0..60 {
                let share = 0.05 + 0.4 * random.uniform();
                let seen = Traffic::new(share, 0.1, 0.08).unwrap().window(100, &mut random);
                for test in [&mut straight, &mut killed] {
                    test.observe_counts(share, 100, seen.canary_bad, seen.stable_bad).unwrap();
                }
                let text = serde_json::to_string(&killed).unwrap();
                assert!(text.len() < 6_000, "{text}");
                killed = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&killed).unwrap(), text);
                assert_eq!(killed, straight);
                assert_eq!(killed.spent().to_bits(), straight.spent().to_bits());
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let new = |ratio, planned, looks| {
            GroupSequential::new(ratio, planned, looks, Spending::Pocock, alpha())
        };
        assert_eq!(new(0.0, 100, 5).unwrap_err().name, "ratio");
        assert_eq!(new(1.0, 0, 5).unwrap_err().name, "planned");
        assert_eq!(new(1.0, 100_000_000, 5).unwrap_err().name, "planned");
        assert_eq!(new(1.0, 100, 0).unwrap_err().name, "looks");
        let mut test = new(1.0, 100, 5).unwrap();
        let fresh = test.clone();
        assert_eq!(test.observe_counts(1.5, 10, 0, 0).unwrap_err().name, "share");
        assert_eq!(test.observe_counts(0.5, 101, 0, 0).unwrap_err().name, "requests");
        let error = test.observe_counts(0.5, 10, 6, 5).unwrap_err();
        assert_eq!(error.name, "canary_bad + stable_bad");
        assert_eq!(test, fresh);
        test.observe_counts(0.5, 25, 3, 4).unwrap();
        let stored = serde_json::to_string(&test).unwrap();
        for (from, to) in [
            (r#""canary_bad":3"#, r#""canary_bad":30"#),
            (r#""stable_bad":4"#, r#""stable_bad":5"#),
            (r#""requests":25"#, r#""requests":7"#),
            (r#""requests":25"#, r#""requests":900"#),
            (r#""requests":0"#, r#""requests":50"#),
            (r#""q0":"0.5""#, r#""q0":"1""#),
            (r#""looks":5"#, r#""looks":0"#),
            (r#""alpha":"0.05""#, r#""alpha":"0""#),
            ("pocock", "constant"),
        ] {
            assert!(stored.contains(from), "{stored}");
            let damaged = stored.replacen(from, to, 1);
            assert!(serde_json::from_str::<GroupSequential>(&damaged).is_err(), "{damaged}");
        }
    }
}
