//! Requests until harm is excluded, and promotions of harm.

use canary_stats::{Alpha, EProcess, RateRatio, Result};

use crate::{
    arms::Arms,
    bursts::{Bursty, WINDOWS, summary},
    common::{
        ALPHA, Settings, alpha, floor, head, in_parallel, percent, percentage, percentages, row,
        two, whole,
    },
};

/// Margin, stable rate, canary rate, share.
const CELLS: [(f64, f64, f64, f64); 9] = [
    (1.2, 0.01, 0.01, 0.5),
    (1.5, 0.001, 0.001, 0.1),
    (1.5, 0.01, 0.01, 0.1),
    (1.5, 0.01, 0.01, 0.3),
    (1.5, 0.05, 0.05, 0.3),
    (2.0, 0.01, 0.01, 0.1),
    (1.5, 0.01, 0.007, 0.3),
    (1.5, 0.3, 0.3, 0.3),
    (1.2, 0.3, 0.3, 0.5),
];

/// The requests until the margin is excluded at each of the levels, the strictest last.
fn until_proven(
    seed: u64,
    runs: u64,
    start: &RateRatio,
    arms: Arms,
    margin: f64,
    levels: &[Alpha],
) -> Result<Vec<Vec<f64>>> {
    in_parallel(seed, runs, |random| {
        let (mut test, mut requests, mut took) = (start.clone(), 0, Vec::new());
        while took.len() < levels.len() {
            requests += arms.feed(&mut test, requests, random)?;
            while took.len() < levels.len() && test.excludes_harm(margin, levels[took.len()])? {
                took.push(requests as f64);
            }
        }
        Ok(took)
    })
}

/// The mean over groups of runs of the largest number of a group.
fn mean_of_largest(took: &[Vec<f64>], level: usize, group: usize) -> f64 {
    let largest = |group: &[Vec<f64>]| group.iter().map(|run| run[level]).fold(0.0, f64::max);
    let groups: Vec<f64> = took.chunks_exact(group).map(largest).collect();
    groups.iter().sum::<f64>() / groups.len() as f64
}

/// Prints how long a proof takes, and how often harm is promoted.
pub(crate) fn promotions(settings: Settings) -> Result<()> {
    requests(settings)?;
    println!();
    one_by_one(settings)?;
    println!();
    bursts(settings)
}

fn requests(settings: Settings) -> Result<()> {
    let runs = settings.one_in(4).next_multiple_of(6);
    head(
        &format!(
            "Promotion: mean requests until harm is excluded over ln(1/α)/KL, {runs} runs; with three and six \
             guardrails of the same kind until each is proven"
        ),
        &[
            "margin; errors, share",
            "the least, requests",
            "one, bad requests",
            "one",
            "one at α/3",
            "three, each at α",
            "three, each at α/3",
            "six, each at α",
            "six, each at α/6",
        ],
    );
    let levels = [alpha()?, Alpha::new(ALPHA / 3.0)?, Alpha::new(ALPHA / 6.0)?];
    for (place, (margin, stable, canary, share)) in CELLS.into_iter().enumerate() {
        let (arms, seed) = (Arms::new(stable, canary, share), 440 + place as u64);
        let floor = floor(stable, canary, share, margin);
        let test = RateRatio::new(1.0)?.margin(margin)?;
        let bad = until_proven(seed, runs, &test.clone().bad_only(), arms, margin, &levels[..1])?;
        let all = until_proven(seed, runs, &test, arms, margin, &levels)?;
        let mut cells = vec![whole(floor), two(mean_of_largest(&bad, 0, 1) / floor)];
        for (level, group) in [(0, 1), (1, 1), (0, 3), (1, 3), (0, 6), (2, 6)] {
            cells.push(two(mean_of_largest(&all, level, group) / floor));
        }
        row(&format!("{margin}; {}", arms.name()), &cells);
    }
    Ok(())
}

/// Harm of just the margin whose failures come one by one.
fn one_by_one(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.one_in(4), alpha()?);
    head(
        &format!("Promotions of harm as large as the margin, failures one by one, {runs} runs"),
        &["margin; errors, share", "promoted within six times the least"],
    );
    for (place, (margin, stable, share)) in
        [(1.2, 0.01, 0.5), (1.5, 0.01, 0.1), (1.5, 0.05, 0.3), (2.0, 0.3, 0.3)]
            .into_iter()
            .enumerate()
    {
        let arms = Arms::new(stable, margin * stable, share);
        let most = (6.0 * floor(stable, stable, share, margin)) as u64;
        let promoted = percentage(450 + place as u64, runs, |random| {
            let (mut test, mut requests) = (RateRatio::new(1.0)?.margin(margin)?, 0);
            while requests < most {
                requests += arms.feed(&mut test, requests, random)?;
                if test.excludes_harm(margin, alpha)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        row(&format!("{margin}; {}", arms.name()), &[percent(promoted)]);
    }
    Ok(())
}

/// Harm of just the margin beside a stable version whose failures come in bursts.
fn bursts(settings: Settings) -> Result<()> {
    let (runs, alpha, margin, millis) = (settings.one_in(4), alpha()?, 1.5, 15_000);
    let mut found = [Vec::new(), Vec::new()];
    for (place, cell) in Bursty::cells(0.8, &[1.0, 5.0, 25.0, 125.0]).enumerate() {
        let rates = percentages(500 + place as u64, runs, |random| {
            let new = || RateRatio::new(1.0)?.margin(margin);
            let (mut plain, mut divided) = (new()?, new()?.bursts(millis, alpha)?);
            let mut promoted = [false; 2];
            for window in 0..WINDOWS {
                let seen = cell.window_at_stable(margin, random);
                for (test, promoted) in [&mut plain, &mut divided].into_iter().zip(&mut promoted) {
                    if !*promoted {
                        test.observe_counts(window * millis, cell.share, &seen)?;
                        *promoted = test.excludes_harm(margin, alpha)?;
                    }
                }
            }
            Ok(promoted)
        })?;
        for (found, rate) in found.iter_mut().zip(rates) {
            found.push(rate);
        }
    }
    head(
        &format!(
            "Promotions of harm of 1.5 beside a stable version with bursts, 48 cells (80 % of its failures in bursts \
             of 3–30, shares 5–50 %, 1–125 failures a window, 400 windows), {runs} runs"
        ),
        &["rule", "48 kinds of bursts", "cells above 5 %"],
    );
    for (name, found) in ["requests one by one", "ours, divided by φ"].into_iter().zip(found) {
        row(name, &summary(&found));
    }
    Ok(())
}
