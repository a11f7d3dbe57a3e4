//! Settings, runs in parallel, the least number of observations, and the layout of the tables.

use std::thread;

use canary_stats::{Alpha, Random, Result};

/// The level of every test, where nothing else is said.
pub(crate) const ALPHA: f64 = 0.05;

/// The settings of a simulated table.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// The runs of each cell.
    pub(crate) runs: u64,
}

impl Settings {
    /// One in `part` of the runs, for cells in which a run takes longer.
    pub(crate) fn one_in(self, part: u64) -> u64 {
        self.runs.div_ceil(part)
    }
}

/// The level [`ALPHA`].
pub(crate) fn alpha() -> Result<Alpha> {
    Alpha::new(ALPHA)
}

/// Simulates the runs of one seed on all processors; the results come in the order of the runs.
pub(crate) fn in_parallel<T: Send>(
    seed: u64,
    runs: u64,
    run: impl Fn(&mut Random) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let run = &run;
    let mut parts = thread::scope(|scope| {
        let part = |first: u64| {
            let of = move |i: u64| run(&mut Random::of_run(seed, i));
            scope.spawn(move || {
                (first..runs).step_by(threads as usize).map(of).collect::<Result<Vec<T>>>()
            })
        };
        let started: Vec<_> = (0..threads).map(part).collect();
        let joined = started.into_iter().map(|part| match part.join() {
            Ok(results) => results.map(Vec::into_iter),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect::<Result<Vec<_>>>()
    })?;
    let order = (0..runs).map(|i| (i % threads) as usize);
    Ok(order.filter_map(|part| parts[part].next()).collect())
}

/// The percentage of runs in which something happened.
pub(crate) fn percentage(
    seed: u64,
    runs: u64,
    run: impl Fn(&mut Random) -> Result<bool> + Sync,
) -> Result<f64> {
    let [found] = percentages(seed, runs, |random| Ok([run(random)?]))?;
    Ok(found)
}

/// The percentages of runs in which each of several things happened.
pub(crate) fn percentages<const N: usize>(
    seed: u64,
    runs: u64,
    run: impl Fn(&mut Random) -> Result<[bool; N]> + Sync,
) -> Result<[f64; N]> {
    let found = in_parallel(seed, runs, run)?;
    let of = |place: usize| found.iter().filter(|each| each[place]).count();
    Ok(std::array::from_fn(|place| 100.0 * of(place) as f64 / runs as f64))
}

/// The means of several numbers over runs.
pub(crate) fn means<const N: usize>(
    seed: u64,
    runs: u64,
    run: impl Fn(&mut Random) -> Result<[f64; N]> + Sync,
) -> Result<[f64; N]> {
    let found = in_parallel(seed, runs, run)?;
    let of = |place: usize| found.iter().map(|each| each[place]).sum::<f64>();
    Ok(std::array::from_fn(|place| of(place) / runs as f64))
}

/// KL divergence of two Bernoulli distributions.
pub(crate) fn divergence(p: f64, q: f64) -> f64 {
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    term(p, q) + term(1.0 - p, 1.0 - q)
}

/// The least mean number of 0/1 observations with probability `p` against the null's boundary `null`: ln(1/α)/KL.
pub(crate) fn floor_of_share(p: f64, null: f64) -> f64 {
    -ALPHA.ln() / divergence(p, null)
}

/// The requests that no valid test undercuts on average: ln(1/α)/KL, with the divergence to the nearest pair of rates
/// whose ratio is `ratio` (A. Wald, 1945; P. Grünwald, R. de Heide, W. Koolen, 2024, theorem 1).
pub(crate) fn floor(stable: f64, canary: f64, share: f64, ratio: f64) -> f64 {
    let at = |p: f64| share * divergence(canary, ratio * p) + (1.0 - share) * divergence(stable, p);
    let least = at(smallest(1e-12, (1.0 / ratio).min(1.0) - 1e-12, at));
    -ALPHA.ln() / least
}

/// Returns the minimizer of a convex function, found by golden-section search.
pub(crate) fn smallest(mut low: f64, mut high: f64, at: impl Fn(f64) -> f64) -> f64 {
    let part = (5_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..80 {
        let (a, b) = (high - part * (high - low), low + part * (high - low));
        if at(a) < at(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high)
}

/// The median; NaN where there is none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the title of a table and its first two lines.
pub(crate) fn head(title: &str, columns: &[&str]) {
    println!("{title}\n\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// Prints a line of a table.
pub(crate) fn row(name: &str, cells: &[String]) {
    println!("| {name} | {} |", cells.join(" | "));
}

/// A number with two decimals.
pub(crate) fn two(value: f64) -> String {
    format!("{value:.2}")
}

/// A percentage: with one decimal below ten.
pub(crate) fn percent(value: f64) -> String {
    if value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// A whole number, its thousands set apart.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 3 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
