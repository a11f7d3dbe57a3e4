//! The rate at which a canary that is no worse is rolled back, with kills and without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use canary_core::{Verdict, stats::Random};
use canary_tests::chaos::{Call, Fault};

use crate::{
    life::{Death, Ended, Surroundings, plan},
    shelf::Shelf,
    users::Service,
};

/// Both versions fail as often: the boundary of what is not harm.
const BOUNDARY: Service = Service { stable: 0.02, canary: 0.02, rate: 20.0 };

/// The counts of many rollouts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    pub(crate) rolled_back: u64,
}

impl Count {
    /// The summary.
    pub(crate) fn line(&self, bound: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let percent = 100.0 * self.rolled_back as f64 / self.runs.max(1) as f64;
        format!(
            "both versions fail 2 %, {} kills in each of {} rollouts: {} rolled back ({percent:.1} %), at the most {bound} \
             at α = 5 %",
            self.kills / self.runs.max(1),
            self.runs,
            self.rolled_back,
        )
    }
}

/// Runs one rollout at the boundary: `true` when it is rolled back, and the number of times that its driver was killed.
fn run(seed: u64, mean_life: Option<Duration>) -> (bool, u64) {
    let surroundings = Surroundings::new(Shelf::default(), plan("default", [300, 3_500]), BOUNDARY);
    let mut random = Random::of_run(17, seed);
    let mut kills = 0;
    loop {
        let death = mean_life.map_or_else(Death::never, |mean_life| {
            Death::of(&mut random, surroundings.clock.millis(), mean_life)
        });
        let clock = surroundings.clock.clone();
        let faults = Arc::new(move |_: &Call<'_>| {
            let fault = death.meets(clock.millis());
            if fault.is_some() {
                clock.kill();
            }
            fault.unwrap_or(Fault::None)
        });
        match surroundings.live(faults, death.anyhow(), random.bits()) {
            Ended::Killed => {
                kills += 1;
                surroundings.clock.revive(Duration::from_millis(500));
            }
            Ended::Error(error) => panic!("seed {seed}: {error}"),
            Ended::Verdict(verdict) => {
                let problems = surroundings.problems(&verdict);
                assert!(problems.is_empty(), "seed {seed}: {problems:?}");
                return (matches!(verdict, Verdict::Rollback { .. }), kills);
            }
        }
    }
}

/// So many rollouts, on every core, for no longer than that.
pub(crate) fn count(runs: u64, mean_life: Option<Duration>, longest: Duration) -> Count {
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let count = || {
        let mut count = Count::default();
        while began.elapsed() < longest {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= runs {
                break;
            }
            let (rolled_back, kills) = run(seed, mean_life);
            count.runs += 1;
            count.kills += kills;
            count.rolled_back += u64::from(rolled_back);
        }
        count
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(count)).collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.fold(Count::default(), |all, one| Count {
            runs: all.runs + one.runs,
            kills: all.kills + one.kills,
            rolled_back: all.rolled_back + one.rolled_back,
        })
    })
}

/// The largest number of rollbacks that so many runs at a rate of α show in all except one of a thousand cases.
pub(crate) fn bound(runs: u64, alpha: f64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let n = runs as f64;
    let (mut term, mut sum, mut k) = ((n * (1.0 - alpha).ln()).exp(), 0.0, 0);
    loop {
        sum += term;
        if sum >= 0.999 || k >= runs {
            return k;
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let at = k as f64;
        term *= (n - at) / (at + 1.0) * alpha / (1.0 - alpha);
        k += 1;
    }
}
