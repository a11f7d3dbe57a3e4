//! Simulated requests of two arms whose failures come one by one.

use canary_stats::{Random, Result, Window};

use crate::rules::Rule;

/// The share of the canary and the rates of bad requests.
#[derive(Clone, Copy)]
pub(crate) struct Arms {
    pub(crate) share: f64,
    pub(crate) stable: f64,
    pub(crate) canary: f64,
}

impl Arms {
    pub(crate) fn new(stable: f64, canary: f64, share: f64) -> Self {
        Self { share, stable, canary }
    }

    /// The rates and the share as text.
    pub(crate) fn name(&self) -> String {
        let percent = |value: f64| (value * 1e5).round() / 1e3;
        let (stable, canary) = (percent(self.stable), percent(self.canary));
        format!("{stable} → {canary} %, {} %", percent(self.share))
    }

    /// The good requests of the canary and of the stable version up to the next bad one, and whether that is the
    /// canary's.
    pub(crate) fn next(&self, random: &mut Random) -> (u64, u64, bool) {
        let Self { share, stable, canary } = *self;
        let bad = share * canary + (1.0 - share) * stable;
        let good = random.geometric(bad);
        let of_canary = random.binomial(good, share * (1.0 - canary) / (1.0 - bad));
        (of_canary, good - of_canary, random.bernoulli(share * canary / bad))
    }

    /// Sends the requests up to and with the next bad one to a test; their number.
    pub(crate) fn feed(&self, test: &mut impl Rule, at: u64, random: &mut Random) -> Result<u64> {
        let (canary, stable, bad) = self.next(random);
        let good = canary + stable;
        let window = Window { canary, stable, ..Window::default() };
        test.count(at, self.share, &window)?;
        test.observe(at + good, self.share, bad, true)?;
        Ok(good + 1)
    }
}
