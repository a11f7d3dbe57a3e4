//! Requests to an alarm of the error ratio, over the floor.

use canary_stats::{Alpha, EProcess, Random, RateRatio, Result, Window};

use crate::common::{Settings, floor, mean};

/// Stable rate, canary rate, share.
const CELLS: [(f64, f64, f64); 10] = [
    (0.001, 0.003, 0.05),
    (0.001, 0.01, 0.01),
    (0.01, 0.015, 0.1),
    (0.01, 0.02, 0.1),
    (0.01, 0.02, 0.3),
    (0.01, 0.05, 0.1),
    (0.05, 0.075, 0.3),
    (0.05, 0.1, 0.1),
    (0.1, 0.12, 0.5),
    (0.5, 0.6, 0.3),
];

/// Runs until the alarm; the requests it took.
fn run(
    mut test: RateRatio,
    cell: (f64, f64, f64),
    alpha: Alpha,
    random: &mut Random,
) -> Result<f64> {
    let (stable, canary, share) = cell;
    let bad = share * canary + (1.0 - share) * stable;
    let canary_if_bad = share * canary / bad;
    let canary_if_good = share * (1.0 - canary) / (1.0 - bad);
    let mut requests = 0_u64;
    loop {
        let good = random.geometric(bad);
        let of_canary = random.binomial(good, canary_if_good);
        let counts = Window { canary: of_canary, stable: good - of_canary, ..Window::default() };
        test.observe_counts(requests, share, &counts)?;
        requests += good;
        test.observe(requests, share, random.bernoulli(canary_if_bad), true)?;
        requests += 1;
        if test.alarm(alpha) {
            return Ok(requests as f64);
        }
    }
}

/// Prints the mean requests to an alarm over the floor: bad requests alone, all requests, with the guard, with starts.
pub(crate) fn requests_to_an_alarm(settings: Settings) -> Result<()> {
    let alpha = Alpha::new(0.05)?;
    println!("error ratio: mean requests to an alarm over ln(1/α)/KL, {} runs", settings.runs);
    println!(
        "{:<22}{:>10}{:>8}{:>8}{:>8}{:>8}",
        "errors %, share %", "floor", "bad", "all", "guard", "starts"
    );
    for cell in CELLS {
        let (stable, canary, share) = cell;
        let floor = floor(stable, canary, share, 1.0, alpha.value());
        let windows = ((floor / 50.0) as u64).max(1);
        let tests = [
            RateRatio::new(1.0)?.bad_only(),
            RateRatio::new(1.0)?,
            RateRatio::new(1.0)?.bursts(windows, alpha)?,
            RateRatio::new(1.0)?.starts(3).bursts(windows, alpha)?,
        ];
        let name = format!("{} -> {}, {}", stable * 100.0, canary * 100.0, share * 100.0);
        print!("{name:<22}{floor:>10.0}");
        for test in tests {
            let took: Result<Vec<f64>> = (0..settings.runs)
                .map(|i| run(test.clone(), cell, alpha, &mut Random::of_run(401, i)))
                .collect();
            print!("{:>8.2}", mean(&took?) / floor);
        }
        println!();
    }
    Ok(())
}
