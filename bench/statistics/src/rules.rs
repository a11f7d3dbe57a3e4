//! Sequential tests of the error ratio 1 that ours are compared with.

use canary_stats::{Alpha, EProcess, RateRatio, Result, Window, portable::ln_sum_exp};

/// A sequential test of the error ratio.
pub(crate) trait Rule {
    /// Takes a request in.
    fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()>;
    /// Takes good requests in.
    fn count(&mut self, at: u64, share: f64, good: &Window) -> Result<()>;
    /// Returns true when it alarms.
    fn alarms(&self, alpha: Alpha) -> bool;
    /// Begins a step of the rollout.
    fn step(&mut self) {}
}

impl Rule for RateRatio {
    fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        Self::observe(self, at, share, canary, bad)
    }

    fn count(&mut self, at: u64, share: f64, good: &Window) -> Result<()> {
        self.observe_counts(at, share, good)
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.alarm(alpha)
    }

    fn step(&mut self) {
        self.begin_step();
    }
}

/// Seven fixed factors of harm, equally weighted, on bad requests alone.
#[derive(Clone, Default)]
pub(crate) struct SevenFactors([f64; 7]);

const FACTORS: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

impl Rule for SevenFactors {
    fn observe(&mut self, _: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        for (sum, factor) in self.0.iter_mut().zip(FACTORS).filter(|_| bad) {
            let gain = if canary { factor } else { 1.0 };
            *sum += (gain / (share * factor + 1.0 - share)).ln();
        }
        Ok(())
    }

    fn count(&mut self, _: u64, _: f64, _: &Window) -> Result<()> {
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        ln_sum_exp(&self.0) - 7_f64.ln() >= alpha.ln_threshold()
    }
}

/// The plug-in test of two rates: each request is bet on by the rates that its past suggests (R. Turner, A. Ly, P.
/// Grünwald, JSPI 2024).
#[derive(Clone, Default)]
pub(crate) struct PlugIn {
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

    fn count(&mut self, _: u64, share: f64, good: &Window) -> Result<()> {
        // Their order is not known, and hardly matters: one by one, as evenly as they go.
        let (canary, all) = (good.canary, good.canary + good.stable);
        let mut left = canary;
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
