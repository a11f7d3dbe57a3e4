//! Actions of a rule besides the choice of a destination: edits, rewrites, redirects, faults, mirrors, timeouts.

use std::time::Duration;

use super::*;

const TO_A: &str = "route: [{destination: {host: a}}]";

fn edits(decision: &Decision<&Request>) -> Vec<String> {
    decision.request_edits().iter().map(ToString::to_string).collect()
}

#[test]
fn the_rule_wins_over_several_destinations_and_loses_to_one() {
    let headers = "  headers: {request: {set: {x: rule}, remove: [r]}, response: {add: {y: rule}}}";
    let target = "{destination: {host: a}, weight: 1, headers: {request: {set: {x: dest}, remove: [d]}, response: {remove: [y]}}}";
    let one = rules(&format!("- route: [{target}]\n{headers}"));
    let request = get("http://x/");
    assert_eq!(edits(&one.route(&request)), ["remove r", "remove d", "set x: rule", "set x: dest"]);
    let two = rules(&format!("- route: [{target}, {{destination: {{host: b}}}}]\n{headers}"));
    let decision = two.route(&request);
    assert_eq!(edits(&decision), ["remove d", "set x: dest", "remove r", "set x: rule"]);
    let response: Vec<_> = decision.response_edits().iter().map(ToString::to_string).collect();
    assert_eq!(response, ["remove y", "add y: rule"]);
}

#[test]
fn authority_is_rewritten_by_the_rule_before_the_destination() {
    let authority = |fields: &str, target: &str| {
        let mesh = rules(&format!("- route: [{{destination: {{host: a}}{target}}}]\n{fields}"));
        let request = get("http://x:80/");
        mesh.route(&request).authority().to_owned()
    };
    let rewrite = "  rewrite: {authority: rewritten}\n";
    let set = "  headers: {request: {set: {Host: set}, add: {':authority': added}}}";
    let target = ", headers: {request: {set: {':authority': target}}}";
    assert_eq!(authority("", ""), "x:80");
    assert_eq!(authority(&format!("{rewrite}{set}"), target), "rewritten");
    assert_eq!(authority(set, target), "set");
    assert_eq!(authority("", target), "target");
}

#[test]
fn paths_are_rewritten_with_the_query_kept() {
    let path = |matches: &str, rewrite: &str, path: &str| {
        let mesh = rules(&format!("- match: [{matches}]\n  rewrite: {rewrite}\n  {TO_A}"));
        let request = get(&format!("http://x{path}"));
        mesh.route(&request).path().into_owned()
    };
    assert_eq!(
        path("{uri: {prefix: /v1}}", "{uri: /}", "/v1/models/m:predict?x=1"),
        "//models/m:predict?x=1"
    );
    assert_eq!(
        path("{uri: {prefix: /v1/}}", "{uri: /}", "/v1/models/m:predict"),
        "/models/m:predict"
    );
    assert_eq!(path("{uri: {prefix: /V1}, ignoreUriCase: true}", "{uri: /w}", "/v1/x"), "/w/x");
    assert_eq!(path("{uri: {exact: /v1}}", "{uri: /w}", "/v1?q"), "/w?q");
    assert_eq!(path("{uri: {regex: '/v.*'}}", "{uri: /w}", "/v1/x?q"), "/w?q");
    assert_eq!(path("{headers: {h: {}}}, {}", "{uri: /w}", "/v1"), "/wv1");
    assert_eq!(
        path("{}", "{uriRegexRewrite: {match: '^/v([0-9])/(.*)', rewrite: '/\\2/\\1'}}", "/v1/m?q"),
        "/m/1?q"
    );
}

#[test]
fn redirects_and_direct_responses_answer_themselves() {
    let mesh = rules(
        "- match: [{uri: {prefix: /old}}]\n  redirect: {uri: /new, redirectCode: 308}\n- directResponse: {status: 418, body: {string: short}}\n  headers: {response: {set: {content-type: text/plain}}}",
    );
    assert_eq!(goes(&mesh, &get("http://x/old?q")), "308 to http://x/new?q");
    let request = get("http://x/");
    let decision = mesh.route(&request);
    let Outcome::DirectResponse(direct) = decision.outcome() else { panic!("{decision}") };
    assert_eq!((direct.status, direct.body.as_slice()), (418, &b"short"[..]));
    assert_eq!(decision.response_edits().len(), 1);
    assert!(decision.cluster().is_none() && decision.shares().is_empty());
}

#[test]
fn faults_befall_their_share_of_requests() {
    let mesh = rules(&format!(
        "- fault: {{abort: {{httpStatus: 503, percentage: {{value: 20}}}}, delay: {{fixedDelay: 2s, percentage: {{value: 50}}}}}}\n  {TO_A}"
    ));
    let all: Vec<_> =
        (0..20_000).map(|random| get("http://x/").random(random * 0x1234_5678_9abc)).collect();
    let decisions: Vec<_> = all.iter().map(|request| mesh.route(request)).collect();
    let aborted = decisions.iter().filter(|d| d.outcome().status() == Some(503)).count();
    let delayed = decisions.iter().filter(|d| d.delay() == Some(Duration::from_secs(2))).count();
    let both =
        decisions.iter().filter(|d| d.delay().is_some() && d.outcome().status().is_some()).count();
    // Four standard deviations of binomials; the draws are independent.
    assert!(
        aborted.abs_diff(4000) < 230 && delayed.abs_diff(10_000) < 290 && both.abs_diff(2000) < 170,
        "{aborted} {delayed} {both}"
    );
    let certain = rules(&format!(
        "- fault: {{abort: {{grpcStatus: UNAVAILABLE, percentage: {{value: 100}}}}}}\n  {TO_A}"
    ));
    assert_eq!(goes(&certain, &get("http://x/")), "fault: gRPC status UNAVAILABLE");
    let without = rules(&format!("- fault: {{abort: {{httpStatus: 503}}}}\n  {TO_A}"));
    assert!((0..1000).all(|random| goes(&without, &get("http://x/").random(random)) == "a"));
}

#[test]
fn mirrors_are_drawn_one_by_one() {
    let mirrored = |fields: &str| {
        let mesh = rules(&format!("- {TO_A}\n{fields}"));
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for random in 0..4000_u64 {
            let request = get("http://x/").random(random);
            for cluster in mesh.route(&request).mirrors() {
                *counts.entry(cluster.host.split('.').next().unwrap().to_owned()).or_default() += 1;
            }
        }
        counts
    };
    assert_eq!(mirrored("  mirror: {host: m}")["m"], 4000);
    assert!(mirrored("  mirror: {host: m}\n  mirrorPercentage: {value: 0}").is_empty());
    assert!(
        mirrored("  mirror: {host: m}\n  mirrorPercentage: {}\n  mirrorPercent: 100").is_empty()
    );
    assert_eq!(mirrored("  mirror: {host: m}\n  mirrorPercent: 100")["m"], 4000);
    let both = mirrored(
        "  mirrors: [{destination: {host: m}, percentage: {value: 50}}, {destination: {host: n}}]",
    );
    assert_eq!(both["n"], 4000);
    assert!(both["m"].abs_diff(2000) < 130, "{both:?}");
}

#[test]
fn times_and_retries_have_istios_defaults() {
    let mesh = rules(&format!(
        "- match: [{{uri: {{prefix: /t}}}}]\n  timeout: 3s\n  retries: {{attempts: 1, perTryTimeout: 1s}}\n  {TO_A}\n- match: [{{uri: {{prefix: /off}}}}]\n  retries: {{attempts: 0}}\n  {TO_A}\n- {TO_A}"
    ));
    let timed = get("http://x/t");
    let decision = mesh.route(&timed);
    assert_eq!(decision.timeout(), Some(Duration::from_secs(3)));
    assert_eq!(decision.retries().unwrap().per_try_timeout, Some(Duration::from_secs(1)));
    assert!(mesh.route(&get("http://x/off")).retries().is_none());
    let plain = get("http://x/");
    let decision = mesh.route(&plain);
    assert_eq!(decision.timeout(), None);
    assert_eq!(decision.retries().unwrap().attempts, 2);
}

#[test]
fn preflights_are_answered_by_the_proxy() {
    let mesh = rules(&format!(
        "- corsPolicy: {{allowOrigins: [{{exact: 'https://a.example'}}], allowMethods: [POST], exposeHeaders: [x-model]}}\n  {TO_A}"
    ));
    let preflight = Request::new("OPTIONS", "http://x/")
        .header("Origin", "https://a.example")
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(goes(&mesh, &preflight), "200 to a CORS preflight, 3 headers");
    let request = get("http://x/").header("origin", "https://a.example");
    let decision = mesh.route(&request);
    assert_eq!(told(&decision), "a");
    assert_eq!(decision.cors_headers().len(), 2);
    let foreign = get("http://x/").header("origin", "https://b.example");
    assert!(mesh.route(&foreign).cors_headers().is_empty());
}

#[test]
fn cors_concerns_only_requests_that_are_sent_on() {
    let policy = "  corsPolicy: {allowOrigins: [{exact: '*'}]}";
    let request = get("http://x/").header("origin", "https://a.example");
    for (action, headers) in [
        (TO_A, 1),
        ("directResponse: {status: 200}", 0),
        ("redirect: {uri: /new}", 0),
        (
            "fault: {abort: {httpStatus: 503, percentage: {value: 100}}}\n  route: [{destination: {host: a}}]",
            0,
        ),
    ] {
        let mesh = rules(&format!("- {action}\n{policy}"));
        assert_eq!(mesh.route(&request).cors_headers().len(), headers, "{action}");
    }
}

#[test]
fn an_abort_carries_the_edits_of_its_rule() {
    let mesh = rules(&format!(
        "- fault: {{abort: {{httpStatus: 503, percentage: {{value: 100}}}}}}\n  headers: {{response: {{set: {{y: rule}}}}}}\n  {TO_A}"
    ));
    let request = get("http://x/");
    assert_eq!(mesh.route(&request).response_edits().len(), 1);
}

#[test]
fn rules_see_normalised_paths() {
    let mesh = rules(&format!("- match: [{{uri: {{exact: /v2/x}}}}]\n  {TO_A}"));
    let request = get("http://x/v1/../v2/%78?q=/../a");
    let decision = mesh.route(&request);
    assert_eq!((told(&decision), &*decision.path()), ("a".to_owned(), "/v2/x?q=/../a"));
    assert_eq!(goes(&mesh, &get("http://x/v2%2Fx")), "404 NR");
    assert_eq!(goes(&mesh, &get("http://x/v2/%00")), "400 -");
}
