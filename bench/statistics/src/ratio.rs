//! Requests to an alarm of the error ratio, over the floor.

use canary_stats::{Alpha, EProcess, Random, RateRatio, Result, Window, portable::ln_sum_exp};

use crate::common::{Settings, floor, mean};

/// Stable rate, canary rate, share.
const CELLS: [(f64, f64, f64); 10] = [
    (0.001, 0.003, 0.05),
    (0.001, 0.01, 0.01),
    (0.01, 0.015, 0.1),
    (0.01, 0.02, 0.1),
    (0.01, 0.02, 0.3),
    (0.01, 0.05, 0.1),
    (0.05, 0.075, 0.3),
    (0.05, 0.1, 0.1),
    (0.1, 0.12, 0.5),
    (0.5, 0.6, 0.3),
];

/// A sequential test of the error ratio 1.
trait Rule {
    /// Takes a request in.
    fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()>;
    /// Takes good requests in.
    fn good(&mut self, at: u64, share: f64, canary: u64, stable: u64) -> Result<()>;
    /// Returns true when it alarms.
    fn alarms(&self, alpha: Alpha) -> bool;
}

impl Rule for RateRatio {
    fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        Self::observe(self, at, share, canary, bad)
    }

    fn good(&mut self, at: u64, share: f64, canary: u64, stable: u64) -> Result<()> {
        self.observe_counts(at, share, &Window { canary, stable, ..Window::default() })
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.alarm(alpha)
    }
}

/// Seven fixed factors of harm, equally weighted, on bad requests alone.
#[derive(Clone, Default)]
struct SevenFactors([f64; 7]);

const FACTORS: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

impl Rule for SevenFactors {
    fn observe(&mut self, _: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        for (sum, factor) in self.0.iter_mut().zip(FACTORS).filter(|_| bad) {
            let gain = if canary { factor } else { 1.0 };
            *sum += (gain / (share * factor + 1.0 - share)).ln();
        }
        Ok(())
    }

    fn good(&mut self, _: u64, _: f64, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        ln_sum_exp(&self.0) - 7_f64.ln() >= alpha.ln_threshold()
    }
}

/// The plug-in test of two rates: each request is bet on by the rates that its past suggests (R. Turner, A. Ly, P.
/// Grünwald, JSPI 2024).
#[derive(Clone, Default)]
struct PlugIn {
    /// Requests and bad ones, of the stable version and of the canary.
    counts: [(f64, f64); 2],
    ln_e: f64,
}

impl PlugIn {
    fn take(&mut self, share: f64, canary: bool, bad: bool) {
        let [stable, of_canary] = self.counts.map(|(all, bad)| (bad + 0.5) / (all + 1.0));
        let null = share * of_canary + (1.0 - share) * stable;
        let rate = if canary { of_canary } else { stable };
        // A canary that looks no worse is not bet on.
        if of_canary > stable {
            self.ln_e += if bad { (rate / null).ln() } else { ((1.0 - rate) / (1.0 - null)).ln() };
        }
        let (all, failed) = &mut self.counts[usize::from(canary)];
        *all += 1.0;
        *failed += f64::from(u8::from(bad));
    }
}

impl Rule for PlugIn {
    fn observe(&mut self, _: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        self.take(share, canary, bad);
        Ok(())
    }

    fn good(&mut self, _: u64, share: f64, canary: u64, stable: u64) -> Result<()> {
        // Their order is not known, and hardly matters: one by one, as evenly as they go.
        let (mut left, all) = (canary, canary + stable);
        for n in 0..all {
            let of_canary = left > 0 && (n + 1) * canary / all > n * canary / all;
            left -= u64::from(of_canary);
            self.take(share, of_canary, false);
        }
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.ln_e >= alpha.ln_threshold()
    }
}

/// Runs until the alarm; the requests it took, at most `most`.
fn run(
    mut test: impl Rule,
    cell: (f64, f64, f64),
    most: u64,
    alpha: Alpha,
    random: &mut Random,
) -> Result<f64> {
    let (stable, canary, share) = cell;
    let bad = share * canary + (1.0 - share) * stable;
    let canary_if_bad = share * canary / bad;
    let canary_if_good = share * (1.0 - canary) / (1.0 - bad);
    let mut requests = 0_u64;
    while requests < most {
        let good = random.geometric(bad);
        let of_canary = random.binomial(good, canary_if_good);
        test.good(requests, share, of_canary, good - of_canary)?;
        requests += good;
        test.observe(requests, share, random.bernoulli(canary_if_bad), true)?;
        requests += 1;
        if test.alarms(alpha) {
            break;
        }
    }
    Ok(requests as f64)
}

/// The mean over runs, in floors.
fn floors(
    settings: Settings,
    cell: (f64, f64, f64),
    floor: f64,
    test: &(impl Rule + Clone),
    alpha: Alpha,
) -> Result<f64> {
    let most = (50.0 * floor) as u64;
    let took: Result<Vec<f64>> = (0..settings.runs)
        .map(|i| run(test.clone(), cell, most, alpha, &mut Random::of_run(401, i)))
        .collect();
    Ok(mean(&took?) / floor)
}

/// Prints the mean requests to an alarm over the floor: of seven fixed factors and of the plug-in test; ours on bad
/// requests alone, on all, with the guard against bursts, and with three starts.
pub(crate) fn requests_to_an_alarm(settings: Settings) -> Result<()> {
    let alpha = Alpha::new(0.05)?;
    println!("error ratio: mean requests to an alarm over ln(1/α)/KL, {} runs", settings.runs);
    println!(
        "{:<22}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "errors %, share %", "floor", "seven", "plug-in", "bad", "all", "guard", "starts"
    );
    for cell in CELLS {
        let (stable, canary, share) = cell;
        let floor = floor(stable, canary, share, 1.0, alpha.value());
        let window = ((floor / 50.0) as u64).max(1);
        let name = format!("{} -> {}, {}", stable * 100.0, canary * 100.0, share * 100.0);
        print!("{name:<22}{floor:>9.0}");
        let seven = floors(settings, cell, floor, &SevenFactors::default(), alpha)?;
        // Request by request, and slow: a tenth of the runs.
        let few = Settings { runs: settings.runs.div_ceil(10) };
        let plug_in = floors(few, cell, floor, &PlugIn::default(), alpha)?;
        print!("{seven:>9.2}{plug_in:>9.2}");
        for test in [
            RateRatio::new(1.0)?.bad_only(),
            RateRatio::new(1.0)?,
            RateRatio::new(1.0)?.bursts(window, alpha)?,
            RateRatio::new(1.0)?.starts(3).bursts(window, alpha)?,
        ] {
            print!("{:>9.2}", floors(settings, cell, floor, &test, alpha)?);
        }
        println!();
    }
    Ok(())
}
