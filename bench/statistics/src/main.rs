//! The figures of docs/statistics-figures.md, simulated: each table by its name, or all of them.
//!
//! ```sh
//! cargo run --release -p canary-bench-statistics -- ratio bursts
//! ```
//!
//! Seeds are fixed: the same figures come out wherever they are run. `--runs N` sets the number of runs of a cell; cells
//! in which a run takes longer have a fixed part of it, which the table's title says.

#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a simulation"
)]
#![allow(clippy::doc_markdown, reason = "formulas are not code")]

mod arms;
mod boundary;
mod bursts;
mod common;
mod drift;
mod labels;
mod late;
mod means;
mod order;
mod pairs;
mod promotion;
mod quantile;
mod ratio;
mod rules;
mod sequential;
mod users;
mod violated;

use common::Settings;

/// A table's name, and the function that prints it.
type Table = (&'static str, fn(Settings) -> canary_stats::Result<()>);

const TABLES: [Table; 14] = [
    ("ratio", ratio::requests_to_an_alarm),
    ("boundary", boundary::boundaries),
    ("promotion", promotion::promotions),
    ("late", late::late_harm),
    ("bursts", bursts::false_rollbacks),
    ("order", order::order_of_sending),
    ("pairs", pairs::pairs),
    ("drift", drift::drift),
    ("means", means::business_metrics),
    ("quantile", quantile::quantiles),
    ("sequential", sequential::sequential),
    ("users", users::sticky_users),
    ("labels", labels::late_labels),
    ("violated", violated::violated_assumptions),
];

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
            let began = std::time::Instant::now();
            print(Settings { runs })?;
            println!();
            eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
