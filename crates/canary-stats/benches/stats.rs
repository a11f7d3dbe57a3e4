//! The speed of the sequential tests and of simulated traffic.
//!
//! `cargo bench -p canary-core --bench stats` prints nanoseconds per observation, the least of many rounds, simulated
//! requests per second, and milliseconds per simulated run of a plan.

#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]
#![allow(clippy::cast_precision_loss, reason = "counts become averages")]

use std::{hint::black_box, time::Instant};

use canary_core::{
    Plan,
    rollout::{Guardrail, Hold, Scenario},
    stats::{
        Agreement, Alpha, Drift, EProcess, Labelled, Random, RateRatio, Result, Split, Traffic,
    },
};

/// Nanoseconds per item, the least of 15 rounds.
fn least(items: u64, mut round: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..15 {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / items as f64
}

fn main() -> Result<()> {
    observations();
    simulations()?;
    plans();
    Ok(())
}

/// Whole runs of the state machine, with a proof asked about after every observation beyond the hold.
fn plans() {
    println!("\n{:<44}{:>12}{:>14}", "run of a plan, errors of 1 %", "ms a run", "requests");
    let world = Scenario::new(100.0).errors(0.01, 0.01);
    for below in [None, Some(2.0), Some(1.5), Some(1.2)] {
        let guardrail = Guardrail::error_ratio(1.0);
        let guardrail = below.into_iter().fold(guardrail, Guardrail::proven);
        let plan = Plan::new("cats", "v1", "v2")
            .weights([5, 30, 100], Hold::requests(3_000))
            .guardrail(guardrail);
        let name = below.map_or("no proof".to_owned(), |below| format!("proven below {below}"));
        let runs = 50;
        let mut requests = f64::NAN;
        let time = least(runs, || {
            if let Ok(simulation) = plan.simulate(&world, runs, 1) {
                requests = simulation.requests.mean;
            }
        });
        println!("{name:<44}{:>12.2}{requests:>14.0}", time / 1e6);
    }
}

fn observations() {
    let n: u64 = 200_000;
    let mut random = Random::new(1);
    let draws: Vec<f64> = (0..n).map(|_| random.uniform()).collect();
    println!("{:<44}{:>12}{:>14}", "ns per observation", "no harm", "harm");
    let row = |name: &str, time: &mut dyn FnMut(f64) -> f64| {
        let (fine, harm) = (time(1.0), time(1.5));
        println!("{name:<44}{fine:>12.1}{harm:>14.1}");
    };
    row("rate ratio, bad requests", &mut |harm| {
        least(n, || {
            let Ok(mut test) = RateRatio::new(1.0).map(RateRatio::bad_only) else { return };
            for draw in &draws {
                let taken = test.observe(0, 0.1, *draw < 0.1 * harm, true);
                debug_assert!(taken.is_ok());
            }
            black_box(test.max_ln_e());
        })
    });
    row("agreement", &mut |harm| {
        least(n, || {
            let Ok(mut test) = Agreement::new(0.95) else { return };
            for draw in &draws {
                test.observe(*draw > 0.05 * harm);
            }
            black_box(test.max_ln_e());
        })
    });
    row("labelled accuracy, discordant pairs", &mut |harm| {
        least(n, || {
            let mut test = Labelled::new();
            for draw in &draws {
                let stable = *draw < 0.5 * harm;
                test.observe(stable, !stable);
            }
            black_box(test.max_ln_e());
        })
    });
    row("split", &mut |harm| {
        least(n, || {
            let Ok(mut test) = Split::new(0.1) else { return };
            for draw in &draws {
                test.observe(*draw < 0.1 * harm);
            }
            black_box(test.max_ln_e());
        })
    });
    row("drift", &mut |harm| {
        least(n, || {
            let Ok(mut test) = Drift::new(0.0) else { return };
            for draw in &draws {
                let taken = test.observe(draw - 0.5 * harm);
                debug_assert!(taken.is_ok());
            }
            black_box(test.max_ln_e());
        })
    });
}

fn simulations() -> Result<()> {
    println!("\n{:<44}{:>26}", "simulation", "million requests/s a core");
    let alpha = Alpha::new(0.05)?;
    let simulated = |name: &str, requests: u64, round: &mut dyn FnMut()| {
        println!("{name:<44}{:>26.0}", 1e3 / least(requests, round));
    };
    let traffic = Traffic::new(0.1, 0.01, 0.01)?;
    let slow = Traffic::new(0.1, 0.05, 0.05)?;
    let total = 20_000_000_u64;
    simulated("error ratio, errors of 1 %", total, &mut || {
        let Ok(mut test) = RateRatio::new(1.0).map(RateRatio::bad_only) else { return };
        let mut random = Random::new(2);
        let mut request = 0;
        while request < total && !test.alarm(alpha) {
            let next = traffic.next_bad(&mut random);
            request += next.good_before + 1;
            let taken = test.observe(0, 0.1, next.canary, true);
            debug_assert!(taken.is_ok());
        }
        black_box(test.ln_e());
    });
    simulated("error, slow ratio and split, windows of 100", total / 10, &mut || {
        let (Ok(mut errors), Ok(mut slows), Ok(mut split)) =
            (RateRatio::new(1.0), RateRatio::new(1.0), Split::new(0.1))
        else {
            return;
        };
        let mut random = Random::new(3);
        for _ in 0..total / 1000 {
            let window = traffic.window(100, &mut random);
            let late = slow.window(100, &mut random);
            split.observe_counts(window.canary, window.stable);
            let taken = errors.observe_counts(0, 0.1, &window);
            debug_assert!(taken.is_ok());
            let taken = slows.observe_counts(0, 0.1, &late);
            debug_assert!(taken.is_ok());
        }
        black_box((errors.ln_e(), slows.ln_e(), split.ln_e()));
    });
    simulated("the same, request by request", total / 100, &mut || {
        let (Ok(mut errors), Ok(mut slows), Ok(mut split)) =
            (RateRatio::new(1.0), RateRatio::new(1.0), Split::new(0.1))
        else {
            return;
        };
        let mut random = Random::new(4);
        for _ in 0..total / 100 {
            let canary = random.bernoulli(0.1);
            split.observe(canary);
            let fate = random.uniform();
            for (test, bad) in [(&mut errors, fate < 0.01), (&mut slows, fate > 0.95)] {
                let taken = test.observe(0, 0.1, canary, bad);
                debug_assert!(taken.is_ok());
            }
        }
        black_box((errors.ln_e(), slows.ln_e(), split.ln_e()));
    });
    Ok(())
}
