//! Harm that begins at a later step of the rollout.

use canary_stats::{Alpha, RateRatio, Result};

use crate::{
    arms::Arms,
    common::{ALPHA, Settings, alpha, head, in_parallel, median, percent, row, whole},
    rules::{Rule, SevenFactors},
};

/// The stable version's rate.
const RATE: f64 = 0.01;

/// A plan's steps, share and requests, and the canary's rate over the stable version's in each.
struct Plan {
    name: &'static str,
    steps: &'static [(f64, u64, f64)],
}

const PLANS: [Plan; 6] = [
    Plan {
        name: "late ×2: 20 000 at 5 %, harm at 30 %",
        steps: &[(0.05, 20_000, 1.0), (0.3, 2_000_000, 2.0)],
    },
    Plan {
        name: "late ×2: 20 000 at 5 % and at 30 %, harm at 60 %",
        steps: &[(0.05, 20_000, 1.0), (0.3, 20_000, 1.0), (0.6, 2_000_000, 2.0)],
    },
    Plan {
        name: "late ×1.5: the same steps, 60 000 at 60 %",
        steps: &[(0.05, 20_000, 1.0), (0.3, 20_000, 1.0), (0.6, 60_000, 1.5)],
    },
    Plan {
        name: "late ×5: 50 000 at 10 %, harm at 50 %",
        steps: &[(0.1, 50_000, 1.0), (0.5, 2_000_000, 5.0)],
    },
    Plan {
        name: "early ×2: 20 000 at 10 %, then 30 %",
        steps: &[(0.1, 20_000, 2.0), (0.3, 2_000_000, 2.0)],
    },
    Plan {
        name: "no harm: 20 000 at 5 %, at 30 % and at 60 %",
        steps: &[(0.05, 20_000, 1.0), (0.3, 20_000, 1.0), (0.6, 20_000, 1.0)],
    },
];

/// A test restarted at each step, at α over the number of steps.
#[derive(Clone)]
struct BegunAnew {
    now: RateRatio,
    level: Alpha,
    alarmed: bool,
}

impl BegunAnew {
    fn new(steps: usize) -> Result<Self> {
        let level = Alpha::new(ALPHA / steps as f64)?;
        Ok(Self { now: RateRatio::new(1.0)?, level, alarmed: false })
    }
}

impl Rule for BegunAnew {
    fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        self.now.observe(at, share, canary, bad)
    }

    fn count(&mut self, at: u64, share: f64, good: &canary_stats::Window) -> Result<()> {
        self.now.observe_counts(at, share, good)
    }

    /// The level is the test's own.
    fn alarms(&self, _: Alpha) -> bool {
        self.alarmed || self.now.alarms(self.level)
    }

    fn step(&mut self) {
        self.alarmed = self.alarms(self.level);
        if let Ok(fresh) = RateRatio::new(1.0) {
            self.now = fresh;
        }
    }
}

impl Plan {
    /// The requests since the harm began at the alarm of each run, of those that alarmed; from the beginning where there
    /// is not harm.
    fn alarms(&self, runs: u64, start: &(impl Rule + Clone + Sync)) -> Result<Vec<f64>> {
        let alpha = alpha()?;
        let found = in_parallel(460, runs, |random| {
            let (mut test, mut sent, mut since) = (start.clone(), 0, None);
            for (step, (share, requests, harm)) in self.steps.iter().enumerate() {
                if step > 0 {
                    test.step();
                }
                let (arms, ends) = (Arms::new(RATE, RATE * harm, *share), sent + requests);
                if *harm > 1.0 {
                    since.get_or_insert(sent);
                }
                while sent < ends {
                    sent += arms.feed(&mut test, sent, random)?;
                    if test.alarms(alpha) {
                        return Ok(Some(sent.saturating_sub(since.unwrap_or(0)) as f64));
                    }
                }
            }
            Ok(None)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    fn cell(&self, runs: u64, start: &(impl Rule + Clone + Sync)) -> Result<String> {
        let found = self.alarms(runs, start)?;
        let share = 100.0 * found.len() as f64 / runs as f64;
        let harmless = self.steps.iter().all(|step| step.2 <= 1.0);
        let median = whole(median(found));
        Ok(match share {
            share if harmless => format!("{} false", percent(share)),
            share if share > 99.9 => median,
            share => format!("{median}, {} found", percent(share)),
        })
    }
}

/// Prints the median requests to an alarm since the harm began: of seven factors, of ours without and with starts, and of
/// a test restarted at each step.
pub(crate) fn late_harm(settings: Settings) -> Result<()> {
    let runs = settings.runs;
    head(
        &format!("Harm that begins late, errors 1 %: median requests since it began, {runs} runs"),
        &[
            "plan",
            "seven fixed factors",
            "restarted at each step",
            "ours, one start",
            "ours, a start for each step",
        ],
    );
    for plan in &PLANS {
        let steps = plan.steps.len();
        let cells = [
            plan.cell(runs, &SevenFactors::default())?,
            plan.cell(runs, &BegunAnew::new(steps)?)?,
            plan.cell(runs, &RateRatio::new(1.0)?)?,
            plan.cell(runs, &RateRatio::new(1.0)?.starts(steps as u32))?,
        ];
        row(plan.name, &cells);
    }
    Ok(())
}
