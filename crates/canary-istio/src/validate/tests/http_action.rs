use serde_json::{Value, json};

use super::{lines, object, route};
use crate::{
    networking::{Percent, VirtualService},
    validate::{Options, Validate as _},
};

#[test]
pub(super) fn cors() {
    let at = |code: &str, field: &str| format!("{code} spec.http[0].corsPolicy.{field}");
    let check = |policy: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(
            &json!({"corsPolicy": policy}),
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    check(
        json!({"allowOrigins": [{"exact": "a"}, {"regex": "a.*"}], "allowMethods": ["GET", "*"], "allowHeaders": ["*"], "maxAge": "24h"}),
        &[],
    );
    check(
        json!({"allowOrigins": [{}, {"exact": ""}, {"regex": "["}]}),
        &[
            ("V065", "allowOrigins[0]"),
            ("V065", "allowOrigins[1]"),
            ("V014", "allowOrigins[2].regex"),
        ],
    );
    check(
        json!({"allowMethods": ["get"], "allowHeaders": ["a b"], "exposeHeaders": [""]}),
        &[("V065", "allowMethods[0]"), ("V013", "allowHeaders[0]"), ("V013", "exposeHeaders[0]")],
    );
    check(json!({"maxAge": "1.5s"}), &[("V065", "maxAge")]);
    check(json!({"maxAge": "0s"}), &[("V006", "maxAge")]);
}

#[test]
pub(super) fn faults() {
    let at = |code: &str, field: &str| format!("{code} spec.http[0].fault{field}");
    let check = |fault: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(&json!({"fault": fault}), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({}), &[("V066", "")]);
    check(json!({"abort": {"httpStatus": 600, "percentage": {"value": 0.0001}}}), &[]);
    check(
        json!({"abort": {"httpStatus": 601, "percentage": {"value": 100.1}}}),
        &[("V066", ".abort.percentage.value"), ("V066", ".abort.httpStatus")],
    );
    check(
        json!({"abort": {"httpStatus": 199, "percentage": {"value": 0.00001}}}),
        &[("V066", ".abort.percentage.value"), ("V066", ".abort.httpStatus")],
    );
    check(json!({"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {}}}), &[]);
    check(
        json!({"abort": {"grpcStatus": "unavailable", "percentage": {}}}),
        &[("V066", ".abort.grpcStatus")],
    );
    check(
        json!({"abort": {"http2Error": "X", "percentage": {}}}),
        &[("V066", ".abort.http2Error")],
    );
    check(json!({"abort": {}}), &[("C003?", ".abort")]);
    check(json!({"abort": {"httpStatus": 500}}), &[("C011?", ".abort")]);
    check(json!({"delay": {"fixedDelay": "5s", "percentage": {"value": 1}}}), &[]);
    check(json!({"delay": {"fixedDelay": "5s", "percent": 5}}), &[]);
    check(
        json!({"delay": {"fixedDelay": "0s"}}),
        &[("V006", ".delay.fixedDelay"), ("C011?", ".delay")],
    );
    check(
        json!({"delay": {"exponentialDelay": "5s", "percentage": {"value": -1}}}),
        &[("V066", ".delay.percentage.value"), ("V066", ".delay.exponentialDelay")],
    );
    check(json!({"delay": {}}), &[("C016?", ".delay")]);
}

#[test]
pub(super) fn mirrors() {
    let at = |code: &str, field: &str| format!("{code} spec.http[0].{field}");
    let check = |change: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(&change, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({"mirror": {"host": "b"}, "mirrorPercentage": {"value": 100}}), &[]);
    check(json!({"mirror": {"host": "b"}, "mirrorPercent": 100}), &[("V067?", "mirrorPercent")]);
    check(
        json!({"mirror": {"host": "b"}, "mirrorPercent": 101}),
        &[("V067", "mirrorPercent"), ("V067?", "mirrorPercent")],
    );
    check(
        json!({"mirror": {"host": "b"}, "mirrorPercentage": {"value": 100.5}}),
        &[("V067", "mirrorPercentage.value")],
    );
    check(
        json!({"mirrors": [{"destination": {"host": "b"}, "percentage": {"value": -0.5}}]}),
        &[("V067", "mirrors[0].percentage.value")],
    );
    check(json!({"mirrors": [{}]}), &[("V076", "mirrors[0].destination")]);
    route(&json!({"mirrorPercentage": {"value": 1}}), &["C021? spec.http[0]"]);
    let mut service: VirtualService = object(
        &json!({"hosts": ["a"], "http": [{"mirror": {"host": "b"}, "route": json!([{"destination": {"host": "a"}}])}]}),
    );
    service.spec.http.as_mut().unwrap()[0].mirror_percentage =
        Some(Percent { value: Some(f64::NAN.into()) });
    assert_eq!(
        lines(&service.validate_with(&Options::default())),
        ["C001? spec.http[0].mirrorPercentage.value"]
    );
}

#[test]
pub(super) fn redirects_and_responses() {
    let bytes = |bytes: &str| json!({"route": null, "directResponse": {"status": 200, "body": {"bytes": bytes}}});
    route(&bytes("aGk="), &[]);
    route(&bytes(""), &["S014 spec.http[0].directResponse.body.bytes"]);

    let check = |redirect: Value, field: &str| {
        let line = format!("V068 spec.http[0].redirect{field}");
        let expected: &[&str] = if field == "ok" { &[] } else { &[&line] };
        route(
            &json!({"route": null, "match": [{"uri": {"exact": "/a"}}], "redirect": redirect}),
            expected,
        );
    };
    for good in [
        json!({"uri": "/x"}),
        json!({"authority": "x"}),
        json!({"port": 80}),
        json!({"derivePort": "FROM_PROTOCOL_DEFAULT"}),
        json!({"scheme": "https", "redirectCode": 308}),
        json!({"port": 0}),
    ] {
        check(good, "ok");
    }
    check(json!({}), "");
    check(json!({"uri": "/x", "prefixRewrite": "/y"}), "");
    check(json!({"prefixRewrite": "/y"}), ".prefixRewrite");
    route(
        &json!({"route": null, "match": [{"uri": {"prefix": "/a"}}, {}], "redirect": {"prefixRewrite": "/y"}}),
        &[],
    );
    check(json!({"uri": "/x", "redirectCode": 200}), ".redirectCode");
    check(json!({"uri": "/x", "scheme": "ftp"}), ".scheme");
    route(
        &json!({"route": null, "redirect": {"port": 70000}}),
        &["V005 spec.http[0].redirect.port"],
    );
    route(
        &json!({"route": null, "redirect": {"uri": "/x", "redirectCode": 304}}),
        &["C013? spec.http[0].redirect.redirectCode"],
    );
    let direct = |response: Value, expected: &[&str]| {
        route(&json!({"route": null, "directResponse": response}), expected);
    };
    direct(json!({"status": 600, "body": {"string": "x"}}), &[]);
    direct(json!({"status": 199}), &["V069 spec.http[0].directResponse.status"]);
    direct(json!({"status": 4_294_967_295_u32}), &["V069 spec.http[0].directResponse.status"]);
    direct(json!({"status": 200, "body": {"string": "x".repeat(102_400)}}), &[]);
    direct(
        json!({"status": 200, "body": {"string": "x".repeat(102_401)}}),
        &["V069? spec.http[0].directResponse.body"],
    );
    direct(
        json!({"status": 200, "body": {"string": "x".repeat(1_048_577)}}),
        &["V069 spec.http[0].directResponse.body"],
    );
}

#[test]
pub(super) fn retries_and_rewrites() {
    let at = |code: &str, field: &str| format!("{code} spec.http[0].{field}");
    let check = |change: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(&change, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(
        json!({"retries": {"attempts": 3, "perTryTimeout": "1s", "retryOn": "5xx,503,+503,reset", "backoff": "1ms"}}),
        &[],
    );
    check(json!({"retries": {"attempts": -1}}), &[("V070", "retries.attempts")]);
    check(json!({"retries": {"attempts": 0, "retryIgnorePreviousHosts": true}}), &[]);
    check(json!({"retries": {"retryOn": "5xx"}}), &[("V070", "retries.attempts")]);
    check(
        json!({"retries": {"perTryTimeout": "0s", "backoff": "0s"}}),
        &[
            ("V070", "retries.attempts"),
            ("V006", "retries.perTryTimeout"),
            ("V006", "retries.backoff"),
        ],
    );
    check(
        json!({"retries": {"attempts": 1, "retryOn": "5xx, reset,999,,306"}}),
        &[("V070", "retries.retryOn"); 4],
    );
    check(json!({"retries": {}}), &[("C012?", "retries")]);
    check(
        json!({"timeout": "1s", "retries": {"attempts": 1, "perTryTimeout": "2s"}}),
        &[("C005?", "retries.perTryTimeout")],
    );
    check(json!({"rewrite": {"uri": "/"}}), &[]);
    check(json!({"rewrite": {}}), &[("V071", "rewrite")]);
    check(json!({"rewrite": {"uri": "/", "uriRegexRewrite": {}}}), &[("V071", "rewrite")]);
    check(
        json!({"rewrite": {"uriRegexRewrite": {"match": "a"}}}),
        &[("V071", "rewrite.uriRegexRewrite")],
    );
    check(
        json!({"rewrite": {"uriRegexRewrite": {"match": "(a", "rewrite": "b"}}}),
        &[("V014", "rewrite.uriRegexRewrite.match")],
    );
    check(json!({"rewrite": {"uriRegexRewrite": {"match": "(a)", "rewrite": r"\1\0\\"}}}), &[]);
    check(
        json!({"rewrite": {"uriRegexRewrite": {"match": "(a)", "rewrite": r"\2"}}}),
        &[("C014?", "rewrite.uriRegexRewrite.rewrite")],
    );
    check(
        json!({"rewrite": {"uriRegexRewrite": {"match": "(a)", "rewrite": r"\x"}}}),
        &[("C014?", "rewrite.uriRegexRewrite.rewrite")],
    );
    check(
        json!({"match": [{"uri": {"prefix": "/v1"}}], "rewrite": {"uri": "/"}}),
        &[("C015?", "rewrite.uri")],
    );
    check(json!({"match": [{"uri": {"prefix": "/v1/"}}], "rewrite": {"uri": "/"}}), &[]);
}
