//! The figures of docs/statistics.md, simulated anew: each table by its name, or all of them.
//!
//! ```sh
//! cargo run --release -p canary-bench-statistics -- ratio bursts
//! ```
//!
//! Seeds are fixed: the same figures come out wherever they are run. `--runs N` sets the number of runs of a cell.

#![allow(clippy::cast_precision_loss, reason = "counts of a simulation")]

mod common;
mod ratio;

use common::Settings;

/// A table's name, and the function that prints it.
type Table = (&'static str, fn(Settings) -> canary_stats::Result<()>);

const TABLES: [Table; 1] = [("ratio", ratio::requests_to_an_alarm)];

fn main() -> canary_stats::Result<()> {
    let mut runs = 4_000;
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(runs),
            name => names.push(name.to_owned()),
        }
    }
    for (name, print) in TABLES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            print(Settings { runs })?;
            println!();
        }
    }
    Ok(())
}
