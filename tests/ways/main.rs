//! Ways in which a canary, a plan, a source or an API server can be wrong, against the four kinds of evidence: nothing of
//! it is ever promoted, and the mesh is left as the verdict says.
//!
//! Each trial is the whole path: a lab with its gateway and model servers, a plan, the driver, the weights in the mesh,
//! and what 200 requests of users get afterwards. A binary of its own, because it keeps both cores busy.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod actor;
mod front;
mod gauge;
mod kind;
mod objects;
mod scene;
mod stage;
mod staging;
mod table;
mod trial;
mod wrong;

use canary_tests::apiserver::ApiServer;
use kind::{EVERY, Kind};
use table::{Api, Row, Way, promotions, run_and_print, unexpected};
use tokio::sync::Mutex;

/// Trials under way at a time. Each keeps a lab busy, and counts by Prometheus are read against the clock.
const AT_A_TIME: usize = 10;
/// The same where a control plane reports on routes, and an API server works as well.
const ROUTES_AT_A_TIME: usize = 5;

async fn run(title: &str, ways: &'static [Way], of: (Kind, Api)) -> Vec<Row> {
    let sentences = std::env::var_os("CANARY_SENTENCES").is_some();
    let at_a_time = if of == (Kind::Subsets, Api::Lab) { AT_A_TIME } else { ROUTES_AT_A_TIME };
    let (rows, text) = run_and_print(title, ways, of, at_a_time, sentences).await;
    println!("{text}");
    rows
}

/// One table at a time: a table keeps both cores busy.
static ONE: Mutex<()> = Mutex::const_new(());

async fn all_promoted(of: (Kind, Api)) {
    let _one = ONE.lock().await;
    let rows = run("what is right", wrong::NOTHING, of).await;
    let unexpected = unexpected(&rows);
    assert!(unexpected.is_empty(), "{of:?}\n{}", unexpected.join("\n"));
    assert_eq!(promotions(&rows), rows.len() * 4);
}

async fn never_promoted(ways: &'static [Way], of: (Kind, Api), wide_enough: usize) {
    let _one = ONE.lock().await;
    let of_kind = ways.iter().filter(|way| way.kinds.contains(&of.0));
    let wide = of_kind.filter(|way| way.runs(of) >= 2).count();
    assert!(
        wide >= wide_enough || std::env::var_os("CANARY_WAY").is_some(),
        "{wide} ways are tried with at least two kinds of evidence"
    );
    let rows = run("what is wrong", ways, of).await;
    let unexpected = unexpected(&rows);
    assert!(unexpected.is_empty(), "{of:?}\n{}", unexpected.join("\n"));
    assert_eq!(promotions(&rows), 0);
}

/// Without this the table would be worth nothing: it promotes what is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_is_promoted_by_every_kind_of_evidence() {
    for kind in EVERY {
        all_promoted((*kind, Api::Lab)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_never_promoted() {
    never_promoted(wrong::all(), (Kind::Subsets, Api::Lab), 40).await;
}

/// On the other kinds of targets: what is wrong with the canary's pods and with routes, and in the long form all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_never_promoted_on_other_targets() {
    if is_long() {
        never_promoted(wrong::all(), (Kind::HttpRoute, Api::Lab), 40).await;
        never_promoted(wrong::all(), (Kind::Services, Api::Lab), 40).await;
    } else {
        never_promoted(wrong::of_routes(), (Kind::HttpRoute, Api::Lab), 15).await;
    }
}

/// The same on a real API server, whose definitions, defaults, generations and conflicts are the published ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_api_server_changes_nothing_of_it() {
    if ApiServer::gateway_api("standard").is_none() || ApiServer::shared().await.is_none() {
        return;
    }
    all_promoted((Kind::HttpRoute, Api::Server)).await;
    if is_long() {
        never_promoted(wrong::all(), (Kind::HttpRoute, Api::Server), 40).await;
        never_promoted(wrong::all(), (Kind::Subsets, Api::Server), 40).await;
    } else {
        never_promoted(wrong::of_routes(), (Kind::HttpRoute, Api::Server), 15).await;
    }
}

fn is_long() -> bool {
    std::env::var_os("CANARY_WAYS").is_some()
}
