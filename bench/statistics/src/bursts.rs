//! Failures that come together at one arm, as those of a failing pod do.

use canary_stats::{Alpha, EProcess, Random, RateRatio, Result, Window};

use crate::common::{Settings, alpha, head, in_parallel, median, percent, percentages, row, whole};

/// The rate of failures.
const RATE: f64 = 0.005;
/// The length of a window in milliseconds, and how many there are.
const MILLIS: u64 = 15_000;
pub(crate) const WINDOWS: u64 = 400;

/// Traffic in windows, a part of whose failures comes in bursts that lie within one window.
#[derive(Clone, Copy)]
pub(crate) struct Bursty {
    pub(crate) share: f64,
    /// The mean size of a burst; the sizes are geometric.
    pub(crate) size: f64,
    /// Failures of both versions in a window, on average.
    pub(crate) failures: f64,
    /// The part of the failures that comes in bursts.
    pub(crate) part: f64,
}

impl Bursty {
    /// The cells with this part of the failures in bursts: every size, share and number of failures a window.
    pub(crate) fn cells(part: f64, failures: &'static [f64]) -> impl Iterator<Item = Self> {
        let cells = [3.0, 10.0, 30.0].into_iter();
        let cells = cells.flat_map(|size| [0.05, 0.1, 0.3, 0.5].map(|share| (size, share)));
        cells.flat_map(move |(size, share)| {
            failures.iter().map(move |&failures| Self { share, size, failures, part })
        })
    }

    /// The failures of all bursts of a window, of which `failures` are expected: canary's and stable version's.
    fn bursts(&self, failures: f64, share: f64, random: &mut Random) -> (u64, u64) {
        let mut found = (0, 0);
        // Nearly a Poisson distribution.
        for _ in 0..random.binomial(10_000, failures * self.part / self.size / 10_000.0) {
            let size = 1 + random.geometric(1.0 / self.size);
            *if random.bernoulli(share) { &mut found.0 } else { &mut found.1 } += size;
        }
        found
    }

    fn window_of(&self, ratio: f64, at_stable_only: bool, random: &mut Random) -> Window {
        let requests = (self.failures / RATE) as u64;
        let canary = random.binomial(requests, self.share);
        let stable = requests - canary;
        let alone = 1.0 - self.part;
        let (failures, share, canary_alone) = if at_stable_only {
            (self.failures * (1.0 - self.share), 0.0, ratio)
        } else {
            (self.failures, self.share, alone)
        };
        let (of_canary, of_stable) = self.bursts(failures, share, random);
        let canary_bad = of_canary + random.binomial(canary, RATE * canary_alone);
        let stable_bad = of_stable + random.binomial(stable, RATE * alone);
        // The requests of a burst come on top.
        Window { canary: canary + of_canary, canary_bad, stable: stable + of_stable, stable_bad }
    }

    /// A window of two equal versions; the arm of each burst is drawn by the share.
    pub(crate) fn window(&self, random: &mut Random) -> Window {
        self.window_of(1.0, false, random)
    }

    /// A window in which the stable version alone has bursts, and the canary's rate is `ratio` times the stable one's.
    pub(crate) fn window_at_stable(&self, ratio: f64, random: &mut Random) -> Window {
        self.window_of(ratio, true, random)
    }

    /// φ of an A/A run of so many windows: how much more the canary's part of the failures varies than the split
    /// explains.
    fn phi(&self, random: &mut Random) -> f64 {
        let windows: Vec<(f64, f64)> = (0..WINDOWS)
            .map(|_| {
                let window = self.window(random);
                let canary = window.canary_bad as f64;
                (canary, canary + window.stable_bad as f64)
            })
            .collect();
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            windows.iter().map(|&(canary, both)| of(canary, both)).sum()
        };
        let q = (sum(&|canary, _| canary) + self.share) / (sum(&|_, both| both) + 1.0);
        let found = sum(&|canary, both| (canary - q * both).powi(2));
        let expected = sum(&|_, both| both * q * (1.0 - q));
        ((found + 2.0) / (expected + 2.0)).max(1.0)
    }

    /// The percentages of false rollbacks: without a guard, with E to the power 1/φ of an A/A run, with the guard.
    pub(crate) fn false_rollbacks(&self, seed: u64, runs: u64) -> Result<[f64; 3]> {
        let alpha = alpha()?;
        let new = || RateRatio::new(1.0);
        percentages(seed, runs, |random| {
            let phi = self.phi(random);
            let (mut plain, mut guarded) = (new()?, new()?.bursts(MILLIS, alpha)?);
            for window in 0..WINDOWS {
                let (at, counts) = (window * MILLIS, self.window(random));
                plain.observe_counts(at, self.share, &counts)?;
                guarded.observe_counts(at, self.share, &counts)?;
            }
            let damped = plain.max_ln_e() / phi >= alpha.ln_threshold();
            Ok([plain.alarm(alpha), damped, guarded.alarm(alpha)])
        })
    }

    /// Returns true when an equal canary is rolled back although each burst is spread over `longer` stretches of 15 s;
    /// the windows of the guard are `millis` long.
    pub(crate) fn false_rollback_of_long_bursts(
        &self,
        longer: u64,
        millis: u64,
        alpha: Alpha,
        random: &mut Random,
    ) -> Result<bool> {
        let mut guarded = RateRatio::new(1.0)?.bursts(millis, alpha)?;
        for burst in 0..WINDOWS / longer {
            let seen = self.window(random);
            // The failures of a window are spread evenly over as many windows.
            for part in 0..longer {
                let of = |all: u64| all * (part + 1) / longer - all * part / longer;
                let bad = |all: u64, bad: u64| of(bad).min(of(all));
                let window = Window {
                    canary: of(seen.canary),
                    canary_bad: bad(seen.canary, seen.canary_bad),
                    stable: of(seen.stable),
                    stable_bad: bad(seen.stable, seen.stable_bad),
                };
                guarded.observe_counts((burst * longer + part) * MILLIS, self.share, &window)?;
            }
        }
        Ok(guarded.alarm(alpha))
    }
}

/// The smallest and the largest of several figures, and how many are above 5 %.
pub(crate) fn summary(found: &[f64]) -> [String; 2] {
    let worst = found.iter().copied().fold(0.0, f64::max);
    let least = found.iter().copied().fold(100.0, f64::min);
    let above = found.iter().filter(|found| **found > 5.0).count();
    [format!("{} – {}", percent(least), percent(worst)), format!("{above} of {}", found.len())]
}

/// Prints the false rollbacks of equal versions over 60 kinds of bursts, and the requests that each rule takes.
pub(crate) fn false_rollbacks(settings: Settings) -> Result<()> {
    let runs = settings.one_in(4);
    let often = Bursty::cells(0.8, &[1.0, 5.0, 25.0, 125.0]);
    let cells: Vec<Bursty> = often.chain(Bursty::cells(0.1, &[25.0])).collect();
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for (place, cell) in cells.iter().enumerate() {
        let rates = cell.false_rollbacks(420 + place as u64, runs)?;
        for (found, rate) in found.iter_mut().zip(rates) {
            found.push(rate);
        }
    }
    let quiet = Bursty { share: 0.1, size: 1.0, failures: 5.0, part: 0.0 };
    let rates = quiet.false_rollbacks(419, settings.runs)?;
    head(
        &format!(
            "Bursts: false rollbacks of equal versions, 60 cells (sizes 3–30, shares 5–50 %, 1–125 failures a window, \
             400 windows), {runs} runs"
        ),
        &["rule", "no bursts", "60 kinds of bursts", "cells above 5 %"],
    );
    let names = ["requests one by one", "E^(1/φ), φ of an A/A run", "ours, with the guard"];
    for ((name, found), quiet) in names.into_iter().zip(found).zip(rates) {
        let [range, above] = summary(&found);
        row(name, &[percent(quiet), range, above]);
    }
    println!();
    requests(settings)
}

/// The cost of the two remedies where failures come in bursts and the canary fails twice as often.
fn requests(settings: Settings) -> Result<()> {
    let alpha = alpha()?;
    head(
        "Bursts of ten, share 30 %, five failures a window: windows until twice the failures are found",
        &["rule", "median, windows"],
    );
    let cell = Bursty { share: 0.3, size: 10.0, failures: 5.0, part: 0.8 };
    // Twice the failures at the canary: its bursts come twice as often.
    let double = |random: &mut Random| {
        let (seen, more) = (cell.window(random), cell.window(random));
        Window {
            canary: seen.canary.max(seen.canary_bad + more.canary_bad),
            canary_bad: seen.canary_bad + more.canary_bad,
            ..seen
        }
    };
    let found = in_parallel(480, settings.one_in(10), |random| {
        let phi = cell.phi(random);
        let mut plain = RateRatio::new(1.0)?;
        let mut guarded = RateRatio::new(1.0)?.bursts(MILLIS, alpha)?;
        let mut at = [f64::NAN; 2];
        for window in 0..20_000 {
            let seen = double(random);
            plain.observe_counts(window * MILLIS, cell.share, &seen)?;
            guarded.observe_counts(window * MILLIS, cell.share, &seen)?;
            let alarms = [plain.max_ln_e() / phi >= alpha.ln_threshold(), guarded.alarm(alpha)];
            for (at, _) in at.iter_mut().zip(alarms).filter(|(at, alarms)| at.is_nan() && *alarms) {
                *at = window as f64 + 1.0;
            }
            if at.iter().all(|at| at.is_finite()) {
                break;
            }
        }
        Ok(at)
    })?;
    for (place, name) in
        ["E^(1/φ), φ of an A/A run", "ours, with the guard"].into_iter().enumerate()
    {
        let took = found.iter().map(|at| at[place]).collect();
        row(name, &[whole(median(took))]);
    }
    Ok(())
}
