//! The ratio of a quantile of the latencies of both arms.

use canary_stats::{EProcess, QuantileRatio, Random, Result};

use crate::common::{Settings, alpha, head, in_parallel, median, percent, percentage, row, whole};

/// The quantile that is compared.
const P: f64 = 0.95;
/// Latencies of the stable version before the first weight.
const WARMUP: u64 = 500;
/// Runs are over after so many requests.
const LONGEST: u64 = 150_000;

/// A log-normal latency whose logarithm has a deviation of 0.4.
fn latency(random: &mut Random, scale: f64) -> f64 {
    scale * random.log_normal(-2.0, 0.4)
}

/// The test after its warm-up, with so many starts and windows of so many requests.
fn warm(random: &mut Random, starts: u32, window: Option<u64>) -> Result<QuantileRatio> {
    let mut test = QuantileRatio::new(P, 1.0)?.warmup(WARMUP)?.starts(starts);
    if let Some(window) = window {
        test = test.bursts(window, alpha()?)?;
    }
    for _ in 0..WARMUP {
        test.observe(0, 0.0, false, Some(latency(random, 1.0)))?;
    }
    Ok(test)
}

/// Requests until a canary slower by a tenth is found, the warm-up included.
fn found(random: &mut Random, share: f64, starts: u32, window: Option<u64>) -> Result<f64> {
    let alpha = alpha()?;
    let mut test = warm(random, starts, window)?;
    let mut at = 0;
    while !test.alarm(alpha) && at < LONGEST {
        at += 1;
        let canary = random.bernoulli(share);
        let scale = if canary { 1.1 } else { 1.0 };
        test.observe(at, share, canary, Some(latency(random, scale)))?;
    }
    Ok((WARMUP + at) as f64)
}

/// False alarms between equal versions while all requests become three times slower and the canary's share grows.
fn told_apart(random: &mut Random, window: Option<u64>) -> Result<bool> {
    let alpha = alpha()?;
    let mut test = warm(random, 2, window)?;
    for at in 0..20_000 {
        if at == 10_000 {
            test.begin_step();
        }
        let (share, scale) = if at < 10_000 { (0.05, 1.0) } else { (0.5, 3.0) };
        let canary = random.bernoulli(share);
        test.observe(at, share, canary, Some(latency(random, scale)))?;
    }
    Ok(test.alarm(alpha))
}

/// Prints the requests until a slower quantile is found, and the false alarms while the traffic drifts.
pub(crate) fn quantiles(settings: Settings) -> Result<()> {
    let runs = settings.one_in(2);
    head(
        &format!(
            "p95 of log-normal latencies, the canary slower by a tenth: median requests to an alarm, the 500 of the \
             warm-up included, {runs} runs"
        ),
        &["share", "ours", "with the guard", "and with three starts"],
    );
    for (cell, share) in [(0, 0.1), (1, 0.3)] {
        let seed = 1_200 + 10 * cell;
        // A window as long as a hundredth of what the test without a guard needs.
        let window = Some(if share < 0.2 { 50 } else { 25 });
        let of = |seed, run: &(dyn Fn(&mut Random) -> Result<f64> + Sync)| {
            in_parallel(seed, runs, run).map(|requests| whole(median(requests)))
        };
        let cells = [
            of(seed + 1, &|random| found(random, share, 1, None))?,
            of(seed + 2, &|random| found(random, share, 1, window))?,
            of(seed + 3, &|random| found(random, share, 3, window))?,
        ];
        row(&percent(100.0 * share), &cells);
    }
    println!();
    head(
        &format!(
            "Equal versions, everything three times slower when the share grows from 5 to 50 %, 20 000 requests: false \
             alarms, {runs} runs"
        ),
        &["rule", "false alarms"],
    );
    let ours = percentage(1_220, runs, |random| told_apart(random, None))?;
    let guarded = percentage(1_221, runs, |random| told_apart(random, Some(50)))?;
    row("ours", &[percent(ours)]);
    row("ours, with the guard", &[percent(guarded)]);
    Ok(())
}
