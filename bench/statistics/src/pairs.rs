//! Pairs of predictions: agreement, its proof, labelled accuracy, failures in pairs.

use canary_stats::{
    Agreement, EProcess, Labelled, Random, Result,
    special::{ln_beta, ln_reg_inc_beta},
};

use crate::common::{
    Settings, alpha, floor_of_share, head, in_parallel, means, percent, percentage, row, two, whole,
};

/// A sequential test of 0/1 observations.
trait Shares: Clone + Sync {
    /// Takes zeros in, and a one after them.
    fn observe(&mut self, zeros: u64);
    /// ln E.
    fn ln_e(&self) -> f64;
}

impl Shares for Agreement {
    fn observe(&mut self, zeros: u64) {
        self.observe_counts(zeros, 1);
    }

    fn ln_e(&self) -> f64 {
        self.max_ln_e()
    }
}

impl Shares for Labelled {
    fn observe(&mut self, zeros: u64) {
        self.observe_counts(1, zeros, 0);
    }

    fn ln_e(&self) -> f64 {
        self.max_ln_e()
    }
}

/// The mixture over all shares above the null's with equal weight (H. Robbins, 1970).
#[derive(Clone)]
struct Uniform {
    null: f64,
    ones: f64,
    zeros: f64,
}

impl Uniform {
    fn new(null: f64) -> Self {
        Self { null, ones: 0.0, zeros: 0.0 }
    }
}

impl Shares for Uniform {
    fn observe(&mut self, zeros: u64) {
        self.zeros += zeros as f64;
        self.ones += 1.0;
    }

    /// ∫ u^k (1 − u)^(n − k) du over u above the null, over the null's likelihood.
    fn ln_e(&self) -> f64 {
        let (a, b, rest) = (self.ones + 1.0, self.zeros + 1.0, 1.0 - self.null);
        let mixture = ln_beta(a, b) + ln_reg_inc_beta(b, a, rest) - rest.ln();
        mixture - self.ones * self.null.ln() - self.zeros * rest.ln()
    }
}

/// The mean observations to an alarm when a one has probability `p`.
fn observations(seed: u64, runs: u64, start: &impl Shares, p: f64) -> Result<f64> {
    let threshold = alpha()?.ln_threshold();
    let [mean] = means(seed, runs, |random: &mut Random| {
        let (mut test, mut taken) = (start.clone(), 0);
        while test.ln_e() < threshold {
            let zeros = random.geometric(p);
            test.observe(zeros);
            taken += zeros + 1;
        }
        Ok([taken as f64])
    })?;
    Ok(mean)
}

const COLUMNS: [&str; 4] =
    ["truth", "the least, observations", "uniform mixture above the bound", "ours"];

/// Prints the mean pairs to an alarm and to a proof, over the floor.
pub(crate) fn pairs(settings: Settings) -> Result<()> {
    let runs = settings.runs;
    head(&format!("Agreement: mean pairs to an alarm over ln(1/α)/KL, {runs} runs"), &COLUMNS);
    let cells = [(0.95, 0.93), (0.95, 0.9), (0.95, 0.8), (0.99, 0.97), (0.999, 0.99), (0.8, 0.7)];
    for (place, (p0, truth)) in cells.into_iter().enumerate() {
        let (seed, null, p) = (800 + place as u64, 1.0 - p0, 1.0 - truth);
        let floor = floor_of_share(p, null);
        let uniform = observations(seed, runs, &Uniform::new(null), p)?;
        let ours = observations(seed, runs, &Agreement::new(p0)?, p)?;
        row(
            &format!("{truth}, at least {p0} is asked for"),
            &[whole(floor), two(uniform / floor), two(ours / floor)],
        );
    }
    println!();
    proofs(settings)?;
    println!();
    head(
        &format!(
            "Labelled accuracy: mean discordant pairs to an alarm over ln(1/α)/KL, {runs} runs"
        ),
        &COLUMNS,
    );
    for (place, share) in [0.55, 0.6, 0.7, 0.8, 0.95].into_iter().enumerate() {
        let (seed, floor) = (820 + place as u64, floor_of_share(share, 0.5));
        let uniform = observations(seed, runs, &Uniform::new(0.5), share)?;
        let ours = observations(seed, runs, &Labelled::new(), share)?;
        row(
            &format!("the stable model alone is right in {share} of them"),
            &[whole(floor), two(uniform / floor), two(ours / floor)],
        );
    }
    println!();
    head(
        &format!("Failures in pairs: mean pairs to an alarm over ln(1/α)/KL, {runs} runs"),
        &COLUMNS,
    );
    for (place, (canary, stable)) in [(0.05, 0.01), (0.02, 0.01)].into_iter().enumerate() {
        let (alone, other) = (canary * (1.0 - stable), stable * (1.0 - canary));
        let (discordant, share): (f64, f64) = (alone + other, alone / (alone + other));
        let (seed, floor) = (830 + place as u64, floor_of_share(share, 0.5) / discordant);
        let uniform = observations(seed, runs, &Uniform::new(0.5), share)? / discordant;
        let ours = observations(seed, runs, &Labelled::new(), share)? / discordant;
        row(
            &format!("canary {} %, stable {} %", 100.0 * canary, 100.0 * stable),
            &[whole(floor), two(uniform / floor), two(ours / floor)],
        );
    }
    Ok(())
}

/// The pairs that a proof of agreement takes, and the proofs that are false.
fn proofs(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.runs, alpha()?);
    head(
        &format!("Proof of agreement: mean pairs over ln(1/α)/KL, {runs} runs"),
        &["truth", "the least, pairs", "ours", "never", "false within ten times the least"],
    );
    let cells = [(0.9, 0.95), (0.93, 0.95), (0.97, 0.99)];
    for (place, (bound, truth)) in cells.into_iter().enumerate() {
        let (seed, floor) = (810 + place as u64, floor_of_share(truth, bound));
        // After a false alarm the proof may never be reached: a run ends at fifty times the least number of pairs.
        let most = (50.0 * floor) as u64;
        let proven = in_parallel(seed, runs, |random| {
            let mut test = Agreement::new(truth)?;
            while !test.excludes_harm(bound, alpha)? && test.pairs() < most {
                test.observe(random.bernoulli(truth));
            }
            Ok((test.pairs() < most).then(|| test.pairs() as f64))
        })?;
        let never = 100.0 * proven.iter().filter(|run| run.is_none()).count() as f64 / runs as f64;
        let proven: Vec<f64> = proven.into_iter().flatten().collect();
        let mean = proven.iter().sum::<f64>() / proven.len() as f64;
        let wrong = percentage(seed + 5, runs, |random| {
            let mut test = Agreement::new(truth)?;
            for _ in 0..(10.0 * floor) as u64 {
                test.observe(random.bernoulli(bound));
                if test.excludes_harm(bound, alpha)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        row(
            &format!("{truth}, more than {bound} is proven"),
            &[whole(floor), two(mean / floor), percent(never), percent(wrong)],
        );
    }
    Ok(())
}
