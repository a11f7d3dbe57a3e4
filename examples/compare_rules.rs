//! Judges the same simulated traffic by three rules: a fixed threshold, a z-test repeated after every interval,
//! and the e-process of the rate ratio.
//!
//! ```text
//! cargo run --release --example compare_rules -- [--runs 2000] [--seed 7] [--json]
//! ```
//!
//! One run is 20 000 requests in intervals of 200, a tenth of them to the canary. A rollback of a canary that is
//! no worse is a false rollback; a worse canary that is never rolled back is a miss.

#![allow(clippy::cast_precision_loss, reason = "counts of a simulation become averages")]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use canary_core::stats::{
    Alpha, EProcess, FixedThreshold, Random, RateRatio, RepeatedZTest, Result, Traffic, Window,
};

const SHARE: f64 = 0.1;
const INTERVAL: u64 = 200;
const INTERVALS: u64 = 100;

/// What a scenario is called, and the error rates of the stable version and of the canary.
const SCENARIOS: [(&str, f64, f64); 6] = [
    ("healthy, quiet service", 0.001, 0.001),
    ("healthy", 0.01, 0.01),
    ("healthy, both in trouble", 0.03, 0.03),
    ("errors +50 %", 0.01, 0.015),
    ("errors x2", 0.01, 0.02),
    ("errors x5", 0.01, 0.05),
];

/// Takes an interval in; true when the rule rolls back.
type Rule = Box<dyn FnMut(Window) -> bool>;

fn rules(alpha: Alpha) -> Result<Vec<(&'static str, Rule)>> {
    let mut first = FixedThreshold::new(0.99, 0)?;
    let mut fifth = FixedThreshold::new(0.99, 4)?;
    let mut z_test = RepeatedZTest::new(alpha);
    let mut ratio = RateRatio::new(1.0)?;
    Ok(vec![
        ("success >= 99 %, first failure", Box::new(move |window| first.observe(window)) as Rule),
        ("success >= 99 %, fifth failure", Box::new(move |window| fifth.observe(window))),
        ("z-test at 5 %, repeated", Box::new(move |window| z_test.observe(window))),
        (
            "e-process, alpha = 5 %",
            Box::new(move |window: Window| {
                let taken = ratio.observe_counts(SHARE, window.canary_bad, window.stable_bad);
                taken.is_ok() && ratio.alarm(alpha)
            }),
        ),
    ])
}

/// What one rule did in all runs of a scenario.
#[derive(Default, Clone)]
struct Tally {
    name: &'static str,
    /// The requests served before each rollback.
    requests: Vec<u64>,
    /// Bad requests that the canary served before the rollback or the end, over all runs.
    exposure: u64,
}

fn simulate(stable: f64, canary: f64, runs: u64, seed: u64) -> Result<Vec<Tally>> {
    let alpha = Alpha::new(0.05)?;
    let traffic = Traffic::new(SHARE, canary, stable)?;
    let mut tallies: Vec<Tally> =
        rules(alpha)?.iter().map(|(name, _)| Tally { name, ..Tally::default() }).collect();
    for run in 0..runs {
        let mut random = Random::of_run(seed, run);
        let windows: Vec<Window> =
            (0..INTERVALS).map(|_| traffic.window(INTERVAL, &mut random)).collect();
        for ((_, mut rule), tally) in rules(alpha)?.into_iter().zip(&mut tallies) {
            for (window, interval) in windows.iter().zip(1..) {
                tally.exposure += window.canary_bad;
                if rule(*window) {
                    tally.requests.push(interval * INTERVAL);
                    break;
                }
            }
        }
    }
    for tally in &mut tallies {
        tally.requests.sort_unstable();
    }
    Ok(tallies)
}

struct Arguments {
    runs: u64,
    seed: u64,
    json: bool,
}

fn arguments() -> std::result::Result<Arguments, String> {
    let mut found = Arguments { runs: 2000, seed: 7, json: false };
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut number = |name: &str| {
            let value = rest.next().ok_or(format!("{name} needs a number"))?;
            value.parse().map_err(|_| format!("{name} is {value:?}, expected a whole number"))
        };
        match argument.as_str() {
            "--runs" => found.runs = number("--runs")?,
            "--seed" => found.seed = number("--seed")?,
            "--json" => found.json = true,
            other => {
                return Err(format!(
                    "unknown argument {other:?}, expected --runs, --seed or --json"
                ));
            }
        }
    }
    if found.runs == 0 {
        return Err("--runs is 0, expected at least 1".into());
    }
    Ok(found)
}

fn main() -> ExitCode {
    let result = arguments().and_then(|arguments| {
        let mut rows = Vec::new();
        for (name, stable, canary) in SCENARIOS {
            let tallies = simulate(stable, canary, arguments.runs, arguments.seed)
                .map_err(|error| error.to_string())?;
            rows.push((name, stable, canary, tallies));
        }
        Ok((arguments, rows))
    });
    match result {
        Ok((arguments, rows)) => {
            let mut out = io::stdout().lock();
            let written = if arguments.json {
                writeln!(out, "{:#}", json(&arguments, &rows))
            } else {
                write_table(&mut out, &arguments, &rows)
            };
            match written {
                // The reader has seen enough, as `head` has.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    eprintln!("compare_rules: cannot write: {error}");
                    ExitCode::FAILURE
                }
                _ => ExitCode::SUCCESS,
            }
        }
        Err(message) => {
            eprintln!("compare_rules: {message}");
            ExitCode::from(2)
        }
    }
}

type Row = (&'static str, f64, f64, Vec<Tally>);

fn write_table(out: &mut impl Write, arguments: &Arguments, rows: &[Row]) -> io::Result<()> {
    writeln!(
        out,
        "{} runs of {} requests, {INTERVAL} an interval, {} % to the canary, seed {}",
        arguments.runs,
        INTERVAL * INTERVALS,
        SHARE * 100.0,
        arguments.seed
    )?;
    for (name, stable, canary, tallies) in rows {
        writeln!(out, "\n{name}: errors {} % stable, {} % canary", stable * 100.0, canary * 100.0)?;
        let wrong = if canary > stable { "missed" } else { "false rollbacks" };
        writeln!(
            out,
            "{:<34}{wrong:>16}{:>20}{:>24}",
            "  rule", "median requests", "canary errors a run"
        )?;
        for tally in tallies {
            let rolled_back = tally.requests.len() as f64 / arguments.runs as f64;
            let wrong = if canary > stable { 1.0 - rolled_back } else { rolled_back };
            let median = tally.requests.get(tally.requests.len() / 2);
            writeln!(
                out,
                "  {:<32}{:>14.1} %{:>20}{:>24.1}",
                tally.name,
                wrong * 100.0,
                median.map_or("-".to_owned(), u64::to_string),
                tally.exposure as f64 / arguments.runs as f64,
            )?;
        }
    }
    Ok(())
}

fn json(arguments: &Arguments, rows: &[Row]) -> serde_json::Value {
    let scenarios: Vec<serde_json::Value> = rows
        .iter()
        .map(|(name, stable, canary, tallies)| {
            let rules: Vec<serde_json::Value> = tallies
                .iter()
                .map(|tally| {
                    serde_json::json!({
                        "rule": tally.name,
                        "rollbacks": tally.requests.len(),
                        "median_requests_to_rollback": tally.requests.get(tally.requests.len() / 2),
                        "canary_errors_per_run": tally.exposure as f64 / arguments.runs as f64,
                    })
                })
                .collect();
            serde_json::json!({
                "scenario": name, "stable_rate": stable, "canary_rate": canary,
                "harmful": canary > stable, "rules": rules,
            })
        })
        .collect();
    serde_json::json!({
        "runs": arguments.runs, "seed": arguments.seed, "share": SHARE,
        "requests_per_run": INTERVAL * INTERVALS, "requests_per_interval": INTERVAL,
        "scenarios": scenarios,
    })
}
