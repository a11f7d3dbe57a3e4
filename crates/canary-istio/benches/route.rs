//! Decisions per second on one core: rules tried in order, the last of them matching.
//!
//! `cargo bench -p canary-core --bench route` prints one line for each number of rules: the median of rounds, with
//! the decision taken for granted only when it is the right one.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for its printed figures")]

use std::{hint::black_box, time::Instant};

use canary_core::{DestinationRule, Gateway, Mesh, Request, VirtualService, istio::StringMatch};

/// Requests in one round.
const REQUESTS: u64 = 20_000;
/// Rounds, of which the median counts.
const ROUNDS: usize = 15;

/// A mesh of `rules` rules, a third each on header, path and method with query, before a weighted one for the rest.
fn mesh(rules: usize) -> Mesh {
    let gateway = Gateway::http("edge", 80, ["*"]);
    let subsets = DestinationRule::subsets("models", ["resnet50", "resnet101"]);
    let mut split = VirtualService::weighted("models", [("resnet50", 70), ("resnet101", 30)])
        .hosts(["*"])
        .gateway("edge")
        .port(8501);
    let last = split.spec.http.as_mut().unwrap().remove(0);
    let mut http = Vec::new();
    for index in 0..rules - 1 {
        let mut rule = last.clone();
        let mut matches = canary_core::istio::HttpMatchRequest::default();
        match index % 3 {
            0 => {
                let header =
                    [("user-group".to_owned(), StringMatch::exact(format!("group-{index}")))];
                matches.headers = Some(header.into());
            }
            1 => matches.uri = Some(StringMatch::prefix(format!("/v1/models/model-{index}"))),
            _ => {
                matches.method = Some(StringMatch::exact("POST"));
                let query = [("variant".to_owned(), StringMatch::exact(index.to_string()))];
                matches.query_params = Some(query.into());
            }
        }
        rule.matches = Some(vec![matches]);
        http.push(rule);
    }
    http.push(last);
    split.spec.http = Some(http);
    Mesh::new([&gateway, &subsets, &split]).unwrap()
}

fn request() -> Request {
    Request::post("http://203.0.113.7/v1/models/image_classifier:predict?trace=on")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip")
        .header("user-agent", "canary/0.1")
        .header("x-request-id", "00000000-0000-0000-0000-000000000000")
        .header("x-forwarded-proto", "http")
        .header("user-group", "staff")
        .header("content-length", "1234")
}

fn main() {
    println!("rules | decisions/s | ns/decision");
    for rules in [1, 10, 50, 100, 200, 400] {
        let mesh = mesh(rules);
        let mut request = request();
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let mut canary = 0_u64;
                for random in 0..REQUESTS {
                    request.random = random;
                    let decision = mesh.route(black_box(&request));
                    let cluster = decision.cluster().unwrap();
                    canary += u64::from(cluster.subset.as_deref() == Some("resnet101"));
                }
                assert_eq!(canary, REQUESTS * 3 / 10);
                start.elapsed().as_secs_f64()
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        #[allow(clippy::cast_precision_loss, reason = "a small count")]
        let each = rounds[ROUNDS / 2] / REQUESTS as f64;
        println!("{rules:5} | {:11.0} | {:.0}", 1.0 / each, each * 1e9);
    }
}
