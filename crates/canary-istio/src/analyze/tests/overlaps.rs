use serde_json::{Value, json};

use super::{Bundle, object};
use crate::{
    analyze::overlap::{Reach, overlaps, reach},
    networking::VirtualService,
};

/// A `VirtualService` whose rules have these lists of matches.
fn service(lists: &[Value]) -> VirtualService {
    let rules: Vec<_> = lists
        .iter()
        .map(|list| json!({"match": list, "route": [{"destination": {"host": "a"}}]}))
        .collect();
    object("s", &json!({"hosts": ["a.com"], "gateways": ["g"], "http": rules}))
}

/// `r` reached, `c` covered, `i` impossible, `u` unjudged, for each match.
#[track_caller]
fn expect(lists: &[Value], expected: &str) {
    let service = service(lists);
    let found: String = reach(&service)
        .iter()
        .map(|(_, reach)| match reach {
            Reach::Reached(_) => 'r',
            Reach::Covered { .. } => 'c',
            Reach::Impossible => 'i',
            Reach::Unjudged => 'u',
        })
        .collect();
    assert_eq!(found, expected, "{:?}", reach(&service));
}

#[test]
fn matches_are_reached_or_covered() {
    let uri = |kind: &str, text: &str| json!({"uri": {kind: text}});
    let cases: &[(Value, Value, &str)] = &[
        (uri("prefix", "/a"), uri("prefix", "/ab"), "rc"),
        (uri("prefix", "/ab"), uri("prefix", "/a"), "rr"),
        (uri("prefix", "/"), uri("regex", ".*"), "rc"),
        (uri("prefix", ""), json!({}), "rc"),
        (uri("regex", "/v[0-9]/.*"), uri("prefix", "/v1/"), "rc"),
        (uri("regex", "/v[0-9]/.+"), uri("prefix", "/v1/"), "rr"),
        (uri("regex", "/a|/b"), uri("exact", "/b"), "rc"),
        (uri("regex", r"/\w+"), uri("regex", "/[a-z]+"), "rc"),
        (uri("regex", "/[a-z]+"), uri("regex", r"/\w+"), "rr"),
        (json!({"uri": {"prefix": "/A"}, "ignoreUriCase": true}), uri("prefix", "/a/b"), "rc"),
        (uri("prefix", "/a"), json!({"uri": {"prefix": "/A"}, "ignoreUriCase": true}), "rr"),
        (uri("exact", "no-slash"), uri("exact", "/x?y"), "ii"),
        (
            json!({"headers": {"X-U": {"exact": "a"}}}),
            json!({"headers": {"x-u": {"exact": "a"}}, "uri": {"prefix": "/z"}}),
            "rc",
        ),
        (json!({"headers": {"x": {}}}), json!({"headers": {"x": {"regex": "a.*"}}}), "rc"),
        (json!({"headers": {"x": {"prefix": "a"}}}), json!({"headers": {"x": {}}}), "rr"),
        (json!({"withoutHeaders": {"x": {}}}), json!({"headers": {"x": {}}}), "rr"),
        (
            json!({"withoutHeaders": {"x": {"exact": "a"}}}),
            json!({"headers": {"x": {"exact": "b"}}}),
            "rc",
        ),
        (json!({"withoutHeaders": {"x": {"regex": ".*"}}}), json!({}), "ir"),
        (json!({"headers": {"x": {}}, "withoutHeaders": {"x": {}}}), json!({}), "ir"),
        (
            json!({"method": {"exact": "GET"}}),
            json!({"headers": {":method": {"exact": "GET"}}}),
            "rc",
        ),
        (json!({"scheme": {"exact": "http"}}), json!({"scheme": {"prefix": "http"}}), "rr"),
        (json!({"scheme": {"exact": "ftp"}}), json!({}), "ir"),
        (json!({"authority": {"prefix": "a.com"}}), json!({}), "rr"),
        (json!({"authority": {"regex": "(?i)a\\.com(:[0-9]+)?"}}), json!({}), "rc"),
        (json!({"authority": {"exact": "b.com"}}), json!({}), "ir"),
        (
            json!({"queryParams": {"q": {"prefix": "a"}}}),
            json!({"queryParams": {"q": {"exact": "ab"}, "r": {}}}),
            "rc",
        ),
        (json!({"port": 80}), json!({"port": 80, "uri": {"prefix": "/x"}}), "rc"),
        (json!({"port": 80}), json!({}), "rr"),
        (json!({"gateways": ["g"]}), json!({}), "rc"),
        (json!({"gateways": ["other"]}), json!({}), "ir"),
        (json!({"gateways": ["g"], "sourceNamespace": "n"}), json!({"sourceNamespace": "m"}), "rc"),
        (json!({"sourceLabels": {"a": "b"}}), json!({"sourceLabels": {"a": "b", "c": "d"}}), "rc"),
        (json!({"sourceLabels": {"a": "b"}}), json!({"sourceLabels": {"a": "c"}}), "rr"),
        (json!({"headers": {":path": {"prefix": "/a"}}}), json!({}), "uu"),
    ];
    for (one, other, expected) in cases {
        expect(&[json!([one]), json!([other])], expected);
        expect(&[json!([one, other])], expected);
    }
}

#[test]
fn several_matches_can_cover_one_together() {
    let methods: Vec<_> =
        ["http", "https"].iter().map(|scheme| json!({"scheme": {"exact": scheme}})).collect();
    expect(&[json!(methods), json!([])], "rrc");
    let split = json!([{"headers": {"x": {}}}, {"withoutHeaders": {"x": {}}}]);
    expect(&[split, json!([{"uri": {"prefix": "/a"}}])], "rrc");
    let three = json!([{"headers": {"x": {"prefix": "a"}}}, {"withoutHeaders": {"x": {}}}]);
    expect(&[three, json!([{"headers": {"x": {}}}])], "rrr");
    let service = service(&[json!(methods), json!([])]);
    let Reach::Covered { by, witness } = &reach(&service)[2].1 else { panic!("it is covered") };
    assert_eq!(by, &["spec.http[0].match[0]", "spec.http[0].match[1]"]);
    assert_eq!(witness.scheme, "http");
}

#[test]
fn pairs_overlap_or_not() {
    let service = service(&[
        json!([{"uri": {"prefix": "/a"}}, {"uri": {"regex": "/b+"}}]),
        json!([{"uri": {"regex": "/[ab]c?"}, "headers": {"x": {"exact": "1"}}}]),
    ]);
    let (found, unjudged) = overlaps(&service);
    let pairs: Vec<_> = found
        .iter()
        .map(|pair| (pair.earlier.as_str(), pair.later.as_str(), pair.covers))
        .collect();
    assert_eq!(
        pairs,
        [
            ("spec.http[0].match[0]", "spec.http[1].match[0]", false),
            ("spec.http[0].match[1]", "spec.http[1].match[0]", false),
        ]
    );
    assert!(unjudged.is_empty());
    assert_eq!(found[1].witness.path, "/b");
    assert_eq!(found[1].witness.headers["x"], "1");
    assert_eq!(found[1].witness.to_string(), "`GET http://a.com/b` with x: \"1\"");
}

#[test]
fn findings_say_who_gets_the_requests() {
    let prefix = |prefix: &str| json!({"uri": {"prefix": prefix}});
    let rule = |list: Value| json!({"match": list, "route": [{"destination": {"host": "a"}}]});
    let spec = |rules: Value| json!({"hosts": ["a"], "http": rules});
    Bundle::default()
        .service("s", &spec(json!([rule(json!([prefix("/a")])), rule(json!([]))])))
        .expect(&[]);
    Bundle::default()
        .service("s", &spec(json!([rule(json!([])), rule(json!([prefix("/a"), prefix("/b")]))])))
        .expect(&["IST0130 default/s spec.http[1]"]);
    Bundle::default()
        .service(
            "s",
            &spec(json!([rule(json!([prefix("/a")])), rule(json!([prefix("/ab"), prefix("/b")]))])),
        )
        .expect(&["IST0131 default/s spec.http[1].match[0]"]);
    // Istio reports this match, although requests with other authorities reach it.
    let narrow = json!({"uri": {"prefix": "/a"}, "authority": {"exact": "x"}});
    Bundle::default()
        .service("s", &json!({"hosts": ["*.com"], "http": [rule(json!([narrow])), rule(json!([prefix("/ab")]))]}))
        .expect(&["C502 default/s spec.http[0].match[0]"]);
    let analysis = Bundle::default()
        .service(
            "s",
            &spec(json!([rule(json!([{"headers": {":path": {}}}])), rule(json!([prefix("/ab")]))])),
        )
        .analyze();
    assert!(analysis.unjudged.iter().any(|unjudged| unjudged.code == "IST0131"));
}
