//! Times of the checks: validates one VirtualService many times, and analyzes meshes of growing size.
//!
//! `cargo run --release -p canary-examples --example analyze_scale`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::Instant;

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    analyze::{Inventory, Subject, analyze},
};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (service, ..) = objects(0)?;
    let rounds = 100_000_u32;
    let start = Instant::now();
    let mut findings = 0;
    for _ in 0..rounds {
        findings += std::hint::black_box(&service).validate().len();
    }
    let each = start.elapsed() / rounds;
    println!("validate: {each:?} for a VirtualService of two rules, {findings} findings\n");
    println!("{:>8} {:>12} {:>14} {:>9}", "objects", "analyze", "per object", "findings");
    for count in [1_000, 2_000, 5_000, 10_000, 20_000] {
        let mut gateways = Vec::new();
        let mut services = Vec::new();
        let mut rules = Vec::new();
        // One Gateway for ten pairs of the other two.
        for number in 0..count * 10 / 21 {
            let (service, rule, gateway) = objects(number)?;
            services.push(service);
            rules.push(rule);
            if number % 10 == 0 {
                gateways.push(gateway);
            }
        }
        let total = gateways.len() + services.len() + rules.len();
        let subjects = gateways.iter().map(Subject::from).chain(services.iter().map(Subject::from));
        let start = Instant::now();
        let analysis =
            analyze(subjects.chain(rules.iter().map(Subject::from)), &Inventory::default());
        let elapsed = start.elapsed();
        let each = elapsed / u32::try_from(total)?;
        println!("{total:>8} {elapsed:>12.1?} {each:>14.1?} {:>9}", analysis.findings.len());
    }
    Ok(())
}

fn objects(number: usize) -> Result<(VirtualService, DestinationRule, Gateway), serde_json::Error> {
    let namespace = format!("n{}", number % 100);
    let host = format!("s{number}.{namespace}.svc.cluster.local");
    let metadata = json!({"name": format!("s{number}"), "namespace": namespace});
    let service = json!({"metadata": metadata, "spec": {
    "hosts": [host], "gateways": ["mesh", format!("n{}/s{}", number / 10 * 10 % 100, number / 10 * 10)],
    "http": [
        {"match": [{"uri": {"prefix": "/v1/models/"}, "headers": {"user-group": {"exact": "canary"}}}, {"uri": {"regex": "/v[0-9]+/canary/.*"}}],
         "route": [{"destination": {"host": host, "subset": "v2", "port": {"number": 8501}}}], "timeout": "30s", "retries": {"attempts": 2, "perTryTimeout": "10s"}},
        {"route": [{"destination": {"host": host, "subset": "v1"}, "weight": 90}, {"destination": {"host": host, "subset": "v2"}, "weight": 10}]},
    ]}});
    let rule = json!({"metadata": metadata, "spec": {"host": host, "subsets": [
        {"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}]}});
    let gateway = json!({"metadata": metadata, "spec": {"selector": {"istio": format!("gateway-{number}")}, "servers": [
        {"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": [format!("*/*.h{number}.com"), "*/*.svc.cluster.local"]}]}});
    Ok((
        serde_json::from_value(service)?,
        serde_json::from_value(rule)?,
        serde_json::from_value(gateway)?,
    ))
}
