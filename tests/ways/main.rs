//! Ways in which a canary, a plan, a source or an API server can be wrong, against the four kinds of evidence: nothing of
//! it is ever promoted, and the mesh is left as the verdict says.
//!
//! Each trial is the whole path: a lab with its gateway and model servers, a plan, the driver, the weights in the mesh,
//! and what 200 requests of users get afterwards. A binary of its own, because it keeps both cores busy.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod actor;
mod front;
mod gauge;
mod scene;
mod stage;
mod staging;
mod table;
mod trial;
mod wrong;

use table::{Row, Way, promotions, run_and_print, unexpected};

/// Trials under way at a time.
const AT_A_TIME: usize = 10;

async fn run(title: &str, ways: &'static [Way], sentences: bool) -> Vec<Row<'static>> {
    let (rows, text) = run_and_print(title, ways, AT_A_TIME, sentences).await;
    println!("{text}");
    rows
}

/// Without this the table would be worth nothing: it promotes what is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_is_promoted_by_every_kind_of_evidence() {
    let rows = run("what is right", wrong::NOTHING, false).await;
    let unexpected = unexpected(&rows);
    assert!(unexpected.is_empty(), "\n{}", unexpected.join("\n"));
    assert_eq!(promotions(&rows), rows.len() * 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_never_promoted() {
    let ways = wrong::all();
    let wide = ways.iter().filter(|way| way.runs() >= 2).count();
    assert!(
        wide >= 40 || std::env::var_os("CANARY_WAY").is_some(),
        "{wide} ways are tried with at least two kinds of evidence"
    );
    let rows = run("what is wrong", ways, std::env::var_os("CANARY_SENTENCES").is_some()).await;
    let unexpected = unexpected(&rows);
    assert!(unexpected.is_empty(), "\n{}", unexpected.join("\n"));
    assert_eq!(promotions(&rows), 0);
}
