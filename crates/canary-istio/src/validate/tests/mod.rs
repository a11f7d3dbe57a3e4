//! Every rule with objects that keep it and objects that break it.

mod catalogue;
mod destination_rule;
mod gateway;
mod gateway_api;
mod http_action;
mod virtual_service;

use std::{cell::RefCell, collections::BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Options, Validate};
use crate::{
    finding::{Findings, Severity},
    networking::{DestinationRule, Gateway, VirtualService},
};

thread_local! {
    /// The codes that checks gave in this thread, with their severity.
    static SEEN: RefCell<BTreeSet<(String, Severity)>> = const { RefCell::new(BTreeSet::new()) };
}

/// `code` for an error, `code?` for a warning, `code!` for a note, each with the path.
fn lines(findings: &Findings) -> Vec<String> {
    SEEN.with_borrow_mut(|seen| {
        seen.extend(findings.iter().map(|finding| (finding.code.clone(), finding.severity)));
    });
    findings
        .iter()
        .map(|finding| {
            let mark = match finding.severity {
                Severity::Error => "",
                Severity::Warning => "?",
                Severity::Info => "!",
            };
            format!("{}{mark} {}", finding.code, finding.path)
        })
        .collect()
}

fn object<T: DeserializeOwned>(spec: &Value) -> T {
    let text = json!({"metadata": {"name": "it", "namespace": "here"}, "spec": spec}).to_string();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks that `spec` gives exactly the findings expected.
#[track_caller]
fn expect<T: Validate + DeserializeOwned>(spec: &Value, expected: &[&str]) {
    let findings = object::<T>(spec).validate_with(&Options::default());
    assert_eq!(lines(&findings), expected, "{spec}\n{findings}");
}

#[track_caller]
fn gateway(spec: &Value, expected: &[&str]) {
    expect::<Gateway>(spec, expected);
}

#[track_caller]
fn virtual_service(spec: &Value, expected: &[&str]) {
    expect::<VirtualService>(spec, expected);
}

#[track_caller]
fn destination_rule(spec: &Value, expected: &[&str]) {
    expect::<DestinationRule>(spec, expected);
}

/// A `VirtualService` with one HTTP rule to one destination, changed by `change`.
#[track_caller]
fn route(change: &Value, expected: &[&str]) {
    let mut rule = json!({"route": [{"destination": {"host": "a"}}]});
    for (key, value) in change.as_object().unwrap() {
        if value.is_null() {
            rule.as_object_mut().unwrap().remove(key);
        } else {
            rule[key] = value.clone();
        }
    }
    virtual_service(&json!({"hosts": ["a"], "http": [rule]}), expected);
}

/// A `DestinationRule` with this traffic policy.
#[track_caller]
fn policy(policy: &Value, expected: &[&str]) {
    destination_rule(&json!({"host": "a", "trafficPolicy": policy}), expected);
}

/// A `Gateway` with one HTTP server on port 80, changed by `change`.
#[track_caller]
fn server(change: &Value, expected: &[&str]) {
    let mut server =
        json!({"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]});
    for (key, value) in change.as_object().unwrap() {
        server[key] = value.clone();
    }
    gateway(&json!({"servers": [server]}), expected);
}

/// A `Gateway` with one HTTPS server with these TLS settings.
#[track_caller]
fn tls(settings: &Value, expected: &[&str]) {
    let port = json!({"number": 443, "protocol": "HTTPS", "name": "https"});
    server(&json!({"port": port, "tls": settings}), expected);
}
