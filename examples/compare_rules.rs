//! Judges the same simulated traffic by three rules: a fixed threshold, a z-test repeated after every interval,
//! and the e-process of the rate ratio.
//!
//! ```text
//! cargo run --release --example compare_rules -- [--runs 2000] [--seed 7] [--json]
//! ```
//!
//! One run is 20 000 requests in intervals of 200, a tenth of them to the canary. A rollback of a canary that is
//! no worse is a false rollback; a worse canary that is never rolled back is a miss.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use canary_core::rollout::{ComparedTraffic, Comparison, Rule};

/// The name of a scenario, and the error rates of the stable version and of the canary.
const SCENARIOS: [(&str, f64, f64); 6] = [
    ("healthy, quiet service", 0.001, 0.001),
    ("healthy", 0.01, 0.01),
    ("healthy, both in trouble", 0.03, 0.03),
    ("errors +50 %", 0.01, 0.015),
    ("errors x2", 0.01, 0.02),
    ("errors x5", 0.01, 0.05),
];

struct Arguments {
    runs: u64,
    seed: u64,
    json: bool,
}

fn arguments() -> Result<Arguments, String> {
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
            let traffic = ComparedTraffic::new(stable, canary);
            let compared = traffic.compare(&Rule::USUAL, arguments.runs, arguments.seed);
            rows.push((name, compared.map_err(|error| error.to_string())?));
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

type Row = (&'static str, Comparison);

fn write_table(out: &mut impl Write, arguments: &Arguments, rows: &[Row]) -> io::Result<()> {
    let usual = ComparedTraffic::new(0.0, 0.0);
    writeln!(
        out,
        "{} runs of {} requests, {} an interval, {} % to the canary, alpha {}, seed {}",
        arguments.runs,
        usual.requests,
        usual.interval,
        usual.share * 100.0,
        usual.alpha,
        arguments.seed
    )?;
    for (name, compared) in rows {
        let errors = compared.traffic.errors;
        let (stable, canary) = (errors.stable * 100.0, errors.canary * 100.0);
        writeln!(out, "\n{name}: errors {stable} % stable, {canary} % canary")?;
        let wrong = if compared.is_harmful() { "missed" } else { "false rollbacks" };
        writeln!(
            out,
            "{:<34}{wrong:>16}{:>20}{:>24}",
            "  rule", "median requests", "canary errors a run"
        )?;
        for one in &compared.rules {
            let p = one.rollback.p;
            let wrong = if compared.is_harmful() { 1.0 - p } else { p };
            let median = one.requests_to_rollback.median;
            writeln!(
                out,
                "  {:<32}{:>14.1} %{:>20}{:>24.1}",
                one.rule.to_string(),
                wrong * 100.0,
                if one.rollbacks == 0 { "-".to_owned() } else { median.to_string() },
                one.canary_errors.mean,
            )?;
        }
    }
    Ok(())
}

fn json(arguments: &Arguments, rows: &[Row]) -> serde_json::Value {
    let scenarios: Vec<serde_json::Value> = rows
        .iter()
        .map(|(name, compared)| {
            let rules: Vec<serde_json::Value> = compared
                .rules
                .iter()
                .map(|one| {
                    let median = one.requests_to_rollback.median;
                    serde_json::json!({
                        "rule": one.rule.to_string(),
                        "rollbacks": one.rollbacks,
                        "median_requests_to_rollback": (one.rollbacks > 0).then_some(median),
                        "canary_errors_per_run": one.canary_errors.mean,
                    })
                })
                .collect();
            let errors = compared.traffic.errors;
            serde_json::json!({
                "scenario": name, "stable_rate": errors.stable, "canary_rate": errors.canary,
                "harmful": compared.is_harmful(), "rules": rules,
            })
        })
        .collect();
    let usual = ComparedTraffic::new(0.0, 0.0);
    serde_json::json!({
        "runs": arguments.runs, "seed": arguments.seed, "share": usual.share,
        "requests_per_run": usual.requests, "requests_per_interval": usual.interval,
        "scenarios": scenarios,
    })
}
