//! Drivers that are killed and API servers that fail, again and again: no weight outside the plan, no verdict that
//! contradicts the weights, and no more false rollbacks than α.
//!
//! A short form with kept seeds runs with the other tests; `make kills` is the long search. A binary of its own, because
//! it keeps every core busy.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod clock;
mod fast;
mod life;
mod proxy;
mod real;
mod search;
mod shelf;
mod statistics;
mod users;

use std::time::{Duration, Instant};

/// A number that the environment gives for the long form.
fn given(name: &str, short: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// A problem is reported with its seed, which is the same rollout again: `CANARY_SEED=7 cargo test --test kills lab`.
fn on_the_lab(title: &str, of: search::Of, kills: u64, faults: u64) {
    let began = Instant::now();
    let tally = match std::env::var("CANARY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => search::run(seed, of),
        None => search::search(of, kills, faults),
    };
    println!("{}; {:.0} s", tally.line(title), began.elapsed().as_secs_f64());
    let mut problems = tally.problems.clone();
    problems.extend(search::beyond_chance(&tally));
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn kills_on_the_labs_store() {
    on_the_lab("kills on the lab", search::Of::Kills, given("CANARY_KILLS", 60), 0);
}

#[test]
fn faults_on_the_labs_store() {
    on_the_lab("faults on the lab", search::Of::Faults, 0, given("CANARY_FAULTS", 60));
}

#[test]
fn kills_and_faults_on_the_labs_store() {
    let (kills, faults) = (given("CANARY_KILLS", 60), given("CANARY_FAULTS", 60));
    on_the_lab("kills and faults on the lab", search::Of::Both, kills, faults);
}

async fn on_a_server(title: &str, of: search::Of, kills: u64, faults: u64) {
    let began = Instant::now();
    let Some(tally) = real::search(of, kills, faults).await else { return };
    println!("{}; {:.0} s", tally.line(title), began.elapsed().as_secs_f64());
    let mut problems = tally.problems.clone();
    problems.extend(search::beyond_chance(&tally));
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_a_real_api_server() {
    let title = "kills on a real API server";
    on_a_server(title, search::Of::Kills, given("CANARY_KILLS", 60), 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_on_a_real_api_server() {
    let title = "faults on a real API server";
    on_a_server(title, search::Of::Faults, 0, given("CANARY_FAULTS", 60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_and_faults_on_a_real_api_server() {
    let (kills, faults) = (given("CANARY_KILLS", 15), given("CANARY_FAULTS", 60));
    let title = "kills and faults on a real API server";
    on_a_server(title, search::Of::Both, kills, faults).await;
}

/// A hundred kills in each rollout, with a mean life of 5 s of its clock.
#[test]
fn false_rollbacks_stay_below_alpha() {
    let (runs, longest) =
        (given("CANARY_ROLLOUTS", 16), Duration::from_secs(given("CANARY_SECONDS", 60)));
    for mean_life in [Some(Duration::from_secs(5)), None] {
        let began = Instant::now();
        let count = statistics::count(runs, mean_life, longest);
        let bound = statistics::bound(count.runs, 0.05);
        println!("{}; {:.0} s", count.line(bound), began.elapsed().as_secs_f64());
        assert!(count.rolled_back <= bound, "{count:?}");
    }
}
