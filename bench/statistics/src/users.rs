//! Users who stay on a version: their requests, or they, as observations.

use canary_stats::{EProcess, Failures, MeanDifference, RateRatio, Result, UserUnits};

use crate::common::{Settings, alpha, head, percent, percentages, row};

/// Equal versions and users who stay on theirs.
pub(crate) struct Sticky {
    /// The part of the users whose requests fail half of the time.
    pub(crate) unlucky: f64,
    pub(crate) share: f64,
    pub(crate) users: u64,
    /// The requests of a user, one each 100 ms.
    pub(crate) each: u64,
}

/// One user in fifty fails half of the time.
pub(crate) const STICKY: Sticky = Sticky { unlucky: 0.02, share: 0.3, users: 2_000, each: 80 };

impl Sticky {
    /// The percentages of false rollbacks: each request an observation, without and with the guard; each user one, by
    /// any failure and by the sum of them.
    pub(crate) fn false_rollbacks(&self, seed: u64, runs: u64) -> Result<[f64; 4]> {
        let (alpha, share) = (alpha()?, self.share);
        percentages(seed, runs, |random| {
            let mut units = UserUnits::<Failures>::new(100 * self.each, self.users)?;
            let mut by_request = RateRatio::new(1.0)?;
            let mut guarded = RateRatio::new(1.0)?.bursts(15_000, alpha)?;
            let mut by_user = RateRatio::new(1.0)?;
            let mut by_sum = MeanDifference::new(0.0, 0.0, 1.0)?;
            let mut kinds: Vec<(bool, f64)> = Vec::new();
            for newest in 0..self.users {
                let at = 100 * newest;
                let fails = if random.bernoulli(self.unlucky) { 0.5 } else { 0.001 };
                kinds.push((random.bernoulli(share), fails));
                // The newest user, and each of those before who is still there.
                for user in (newest + 1).saturating_sub(self.each)..=newest {
                    let (canary, fails) = kinds[user as usize];
                    let failed = random.bernoulli(fails);
                    units.observe(user, at, share, canary, |user| user.add(failed))?;
                    by_request.observe(at, share, canary, failed)?;
                    guarded.observe(at, share, canary, failed)?;
                }
                for user in units.release(at) {
                    by_user.observe(at, user.share, user.canary, user.result.any())?;
                    by_sum.observe(user.share, user.canary, user.result.score())?;
                }
            }
            let tests: [&dyn EProcess; 4] = [&by_request, &guarded, &by_user, &by_sum];
            Ok(tests.map(|test| test.alarm(alpha)))
        })
    }
}

/// Prints the false rollbacks of equal versions with sticky users.
pub(crate) fn sticky_users(settings: Settings) -> Result<()> {
    let runs = settings.one_in(4);
    head(
        &format!(
            "Users who stay on a version, 2 000 of them with 80 requests each, share 30 %: false rollbacks of equal \
             versions, {runs} runs"
        ),
        &[
            "users that fail half of the time",
            "each request",
            "each request, with the guard",
            "each user",
            "each user's sum",
        ],
    );
    for (place, unlucky) in [0.02, 0.05, 0.1].into_iter().enumerate() {
        let found = Sticky { unlucky, ..STICKY }.false_rollbacks(700 + place as u64, runs)?;
        row(&percent(100.0 * unlucky), &found.map(percent));
    }
    Ok(())
}
