//! False alarms at the boundary of the nulls, and the interval beside the alarm.

use canary_stats::{EProcess, ErrorRate, RateRatio, Result, Window};

use crate::{
    arms::Arms,
    bursts::summary,
    common::{Settings, alpha, head, percent, percentage, percentages, row},
};

/// A rule that chooses the canary's share from the evidence so far and the requests sent.
type Share = fn(f64, u64) -> f64;

const SHARES: [(&str, Share); 7] = [
    ("5 %", |_, _| 0.05),
    ("10 %", |_, _| 0.1),
    ("30 %", |_, _| 0.3),
    ("50 %", |_, _| 0.5),
    ("more the larger E", |ln_e, _| if ln_e > 0.7 { 0.5 } else { 0.1 }),
    ("less the larger E", |ln_e, _| if ln_e > 0.7 { 0.05 } else { 0.3 }),
    ("a step each 2 000 requests", |_, sent| [0.05, 0.2, 0.5, 0.9][(sent / 2_000 % 4) as usize]),
];

/// Prints the false alarms at the boundary, and how often interval and alarm disagree.
pub(crate) fn boundaries(settings: Settings) -> Result<()> {
    ratios(settings)?;
    println!();
    shares(settings)?;
    println!();
    intervals(settings)
}

/// The ratio is just the one allowed; failures change their rate with the time, in both arms alike.
fn ratios(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.one_in(4), alpha()?);
    head(
        &format!(
            "Error ratio at the boundary, r = 0.5, 1, 2 and 5, errors of 0.1–30 % at the larger arm, 250 failures: false \
             rollbacks, {runs} runs a cell"
        ),
        &["share", "least and worst of 16", "cells above 5 %"],
    );
    for (place, (name, share)) in SHARES.into_iter().enumerate() {
        let mut found = Vec::new();
        for ratio in [0.5, 1.0, 2.0, 5.0] {
            for rate in [0.001, 0.01, 0.05, 0.3] {
                let (stable, canary) = (rate / f64::max(ratio, 1.0), rate * f64::min(ratio, 1.0));
                let canary = if ratio > 1.0 { rate } else { canary };
                let seed = 1_000 + place as u64;
                found.push(percentage(seed, runs, |random| {
                    let (mut test, mut sent) = (RateRatio::new(ratio)?, 0);
                    for _ in 0..250 {
                        let arms = Arms::new(stable, canary, share(test.max_ln_e(), sent));
                        sent += arms.feed(&mut test, sent, random)?;
                        if test.alarm(alpha) {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                })?);
            }
        }
        row(name, &summary(&found));
    }
    Ok(())
}

/// The test of a share, as agreement, accuracy, pairs and the absolute limit have it.
fn shares(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.runs, alpha()?);
    head(
        &format!(
            "A share at its bound, 10 000 observations or 2 000 ones: false alarms, {runs} runs"
        ),
        &["bound", "ours"],
    );
    for (place, bound) in [0.001, 0.01, 0.05, 0.1, 0.3, 0.5].into_iter().enumerate() {
        let wrong = percentage(1_020 + place as u64, runs, |random| {
            let (mut test, mut ones) = (ErrorRate::new(bound)?, 0);
            while test.requests() < 10_000 && ones < 2_000 {
                test.observe_counts(0, random.geometric(bound));
                test.observe(true);
                ones += 1;
                if test.alarm(alpha) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        row(&format!("{} %", 100.0 * bound), &[percent(wrong)]);
    }
    Ok(())
}

/// The bound lies outside the interval exactly when the alarm has sounded, with the guard and starts.
fn intervals(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.one_in(40), alpha()?);
    head(
        &format!(
            "Interval and alarm after each of 300 windows, guard and three starts, {runs} runs"
        ),
        &["ratio of the rates", "runs with an alarm", "runs in which they ever disagree"],
    );
    for (place, harm) in [0.7, 1.0, 1.3, 2.0].into_iter().enumerate() {
        let found = percentages(1_040 + place as u64, runs, |random| {
            let mut test = RateRatio::new(1.0)?.starts(3).bursts(1_000, alpha)?;
            let mut disagree = false;
            for window in 0..300_u64 {
                if window > 0 && window.is_multiple_of(100) {
                    test.begin_step();
                }
                let share = [0.1, 0.3, 0.5][(window / 100) as usize];
                let canary = random.binomial(200, share);
                let seen = Window {
                    canary,
                    canary_bad: random.binomial(canary, 0.02 * harm),
                    stable: 200 - canary,
                    stable_bad: random.binomial(200 - canary, 0.02),
                };
                test.observe_counts(1_000 * window, share, &seen)?;
                disagree |= (test.interval(alpha).low > test.bound()) != test.alarm(alpha);
            }
            Ok([test.alarm(alpha), disagree])
        })?;
        row(&harm.to_string(), &found.map(percent));
    }
    Ok(())
}
