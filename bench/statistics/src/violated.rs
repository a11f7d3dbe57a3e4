//! Ten scenarios in which an assumption does not hold, each without and with the remedy. The versions are equal.

use canary_stats::{
    Agreement, EProcess, ErrorRate, Quantiles, Random, RateRatio, Result, SlowThreshold,
};

use crate::{
    bursts::Bursty,
    common::{Settings, alpha, head, percent, percentages, row},
    labels::SLOW,
    order::{SETTLE, equal_errors, split},
    users::STICKY,
};

/// Prints the false rollbacks of equal versions in ten scenarios.
pub(crate) fn violated_assumptions(settings: Settings) -> Result<()> {
    let runs = settings.one_in(4);
    head(
        &format!(
            "An assumption that does not hold: false rollbacks of equal versions, {runs} runs"
        ),
        &["scenario", "assumption that does not hold", "remedy", "without", "with"],
    );
    let line = |name: &str, assumption: &str, remedy: &str, [without, with]: [f64; 2]| {
        let cells = [assumption.to_owned(), remedy.to_owned(), percent(without), percent(with)];
        row(name, &cells);
    };
    let pod = Bursty { share: 0.3, size: 10.0, failures: 5.0, part: 0.8 };
    let [without, _, with] = pod.false_rollbacks(1_100, runs)?;
    line(
        "one pod fails for some seconds, again and again",
        "a failure says nothing of the next",
        "the guard",
        [without, with],
    );
    line(
        "the same over ten windows of the guard",
        "the guard's windows are as long as a burst",
        "windows ten times as long",
        long_bursts(runs)?,
    );
    let [each, _, user, _] = STICKY.false_rollbacks(1_102, settings.one_in(8))?;
    line(
        "users stay on their version",
        "each request is divided again",
        "the user is the observation",
        [each, user],
    );
    line(
        "the real share is 30.9 % in place of 30 %",
        "the share in force is the real one",
        "good requests count too",
        wrong_share(settings.one_in(8))?,
    );
    let [ending, _, sending] = equal_errors(1_104, runs, 200.0, 0.5)?;
    line(
        "one version's failures are timeouts",
        "requests come in order of sending",
        "released in that order",
        [ending, sending],
    );
    line(
        "responses of up to 30 s, counters, a new weight",
        "what is counted was sent at this weight",
        "settle time: longest request, 2 s, a scrape",
        split(1_105, runs, 200.0, [2.0, SETTLE])?,
    );
    line(
        "five frames of each film, agreement as asked for",
        "pairs are independent",
        "one pair of each film",
        duplicates(runs)?,
    );
    let arrival = SLOW.false_rollbacks(1_107, runs, None)?;
    let sending = SLOW.false_rollbacks(1_107, runs, Some(400.0))?;
    line(
        "labels of one class come late",
        "labels come in an order that says nothing of them",
        "order of sending, a horizon that covers them",
        [arrival, sending],
    );
    line(
        "an outage of both versions, absolute limit of 2 %",
        "the canary's rate is its own",
        "and worse than the stable version",
        outage(runs)?,
    );
    line(
        "both get three times slower while the share rises",
        "latencies of an arm have one distribution",
        "a ratio of slow requests",
        slower(settings.one_in(8))?,
    );
    Ok(())
}

/// Bursts spread over ten windows of 15 s; with windows of 15 s and of 150 s.
fn long_bursts(runs: u64) -> Result<[f64; 2]> {
    let (alpha, cell) = (alpha()?, Bursty { share: 0.3, size: 30.0, failures: 50.0, part: 0.8 });
    percentages(1_101, runs, |random| {
        let mut again = random.clone();
        Ok([
            cell.false_rollback_of_long_bursts(10, 15_000, alpha, random)?,
            cell.false_rollback_of_long_bursts(10, 150_000, alpha, &mut again)?,
        ])
    })
}

/// Errors of 30 %, 100 000 requests; by bad requests alone and by all.
fn wrong_share(runs: u64) -> Result<[f64; 2]> {
    let (alpha, share) = (alpha()?, 0.3);
    percentages(1_103, runs, |random| {
        let mut tests = [RateRatio::new(1.0)?.bad_only(), RateRatio::new(1.0)?];
        for request in 0..100_000 {
            let (canary, bad) = (random.bernoulli(1.03 * share), random.bernoulli(0.3));
            for test in &mut tests {
                test.observe(request, share, canary, bad)?;
            }
        }
        Ok(tests.map(|test| test.alarm(alpha)))
    })
}

/// 4 000 pairs, the five of a cluster alike; each of them an observation, and one of each cluster.
fn duplicates(runs: u64) -> Result<[f64; 2]> {
    let (alpha, agreement) = (alpha()?, 0.95);
    percentages(1_106, runs, |random| {
        let (mut each, mut one) = (Agreement::new(agreement)?, Agreement::new(agreement)?);
        for _ in 0..800 {
            let same = random.bernoulli(agreement);
            (0..5).for_each(|_| each.observe(same));
            one.observe(same);
        }
        Ok([each.alarm(alpha), one.alarm(alpha)])
    })
}

/// 20 000 requests with errors of 1 %, a tenth to the canary; 1 000 of them fail at 20 %. The limit alone, and with the
/// ratio: the smaller of the two E, which is evidence against "within the limit, or no worse".
fn outage(runs: u64) -> Result<[f64; 2]> {
    let (alpha, share) = (alpha()?, 0.1);
    percentages(1_108, runs, |random| {
        let (mut limit, mut ratio) = (ErrorRate::new(0.02)?, RateRatio::new(1.0)?);
        let mut both = false;
        for request in 0..20_000_u64 {
            let rate = if (4_000..5_000).contains(&request) { 0.2 } else { 0.01 };
            let (canary, failed) = (random.bernoulli(share), random.bernoulli(rate));
            ratio.observe(request, share, canary, failed)?;
            if canary {
                limit.observe(failed);
            }
            both |= failed && limit.ln_e().min(ratio.ln_e()) >= alpha.ln_threshold();
        }
        Ok([limit.alarm(alpha), both])
    })
}

/// The share goes from 5 to 50 % while everything gets three times slower. By separate sequences of each arm's p95
/// (S. Howard, A. Ramdas, Bernoulli 2022) that must not exclude each other, and by the ratio of slow requests.
fn slower(runs: u64) -> Result<[f64; 2]> {
    let alpha = alpha()?;
    percentages(1_109, runs, |random: &mut Random| {
        let mut arms = [Quantiles::new(), Quantiles::new()];
        let mut threshold = SlowThreshold::new(0.95, 500)?;
        let mut slow = RateRatio::new(1.0)?.starts(2);
        let mut separate = false;
        for request in 0..20_000_u64 {
            let late = request >= 10_000;
            if request == 10_000 {
                slow.begin_step();
            }
            let (share, scale) = if late { (0.5, 0.3) } else { (0.05, 0.1) };
            let canary = random.bernoulli(share);
            let seconds = scale * random.log_normal(0.0, 0.4);
            arms[usize::from(canary)].observe(seconds)?;
            if let Some(threshold) = threshold.get() {
                slow.observe(request, share, canary, seconds > threshold)?;
            } else if !canary {
                threshold.observe(seconds)?;
            }
            if request.is_multiple_of(100) && !arms[1].is_empty() {
                // Half of the level for each arm.
                let [stable, canary] =
                    [&arms[0], &arms[1]].map(|arm| arm.interval(0.95, alpha.half()));
                separate |= canary?.low > stable?.high;
            }
        }
        Ok([separate, slow.alarm(alpha)])
    })
}
