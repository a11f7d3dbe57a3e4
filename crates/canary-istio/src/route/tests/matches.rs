//! The conditions of a match, each alone.

use super::*;

/// Returns true when a request is taken by a rule with this one match.
fn fits(matches: &str, request: &Request) -> bool {
    let mesh = rules(&format!("- match: [{matches}]\n  route: [{{destination: {{host: a}}}}]"));
    goes(&mesh, request) == "a"
}

fn path(path: &str) -> Request {
    get(&format!("http://x{path}"))
}

#[test]
fn paths_are_compared_without_query_and_fragment() {
    assert!(fits("{uri: {exact: /v1}}", &path("/v1?x=/v2")));
    assert!(!fits("{uri: {exact: /v1}}", &path("/v1/")));
    assert!(fits("{uri: {prefix: /v1}}", &path("/v1beta")));
    assert!(!fits("{uri: {prefix: /v1}}", &path("/V1")));
    assert!(fits("{uri: {regex: '/v[0-9]+'}}", &path("/v12?x")));
    assert!(!fits("{uri: {regex: '/v[0-9]+'}}", &path("/v12/models")));
    assert!(!fits("{uri: {regex: '/v\\d'}}", &path("/v\u{663}")));
    assert!(fits("{uri: {prefix: ''}}", &path("/anything")));
    let mut fragment = path("/v1");
    fragment.path = "/v1#part".to_owned();
    assert!(fits("{uri: {exact: /v1}}", &fragment));
}

#[test]
fn case_is_ignored_for_exact_and_prefix_alone() {
    assert!(fits("{uri: {exact: /V1}, ignoreUriCase: true}", &path("/v1")));
    assert!(fits("{uri: {prefix: /V}, ignoreUriCase: true}", &path("/v1")));
    assert!(!fits("{uri: {prefix: /v1/long}, ignoreUriCase: true}", &path("/v1")));
    assert!(!fits("{uri: {regex: '/V.*'}, ignoreUriCase: true}", &path("/v1")));
}

#[test]
fn headers_are_found_by_any_case_and_joined() {
    let two = path("/").header("X-Group", "canary").header("x-group", "beta");
    assert!(fits("{headers: {X-GROUP: {exact: 'canary,beta'}}}", &two));
    assert!(!fits("{headers: {x-group: {exact: canary}}}", &two));
    assert!(fits("{headers: {x-group: {prefix: can}}}", &two));
    assert!(!fits("{headers: {x-group: {exact: Canary}}}", &path("/").header("x-group", "canary")));
    assert!(fits("{headers: {x-group: {regex: 'can.*'}}}", &two));
    assert!(!fits("{headers: {x-group: {regex: 'can'}}}", &two));
}

#[test]
fn presence_is_an_empty_match_or_a_star() {
    let empty = path("/").header("x-group", "");
    for matches in ["{headers: {x-group: {}}}", "{headers: {x-group: {regex: '*'}}}"] {
        assert!(fits(matches, &empty));
        assert!(!fits(matches, &path("/")));
    }
    assert!(fits("{headers: {x-group: {exact: ''}}}", &empty));
    assert!(!fits("{headers: {x-group: {exact: ''}}}", &path("/")));
}

#[test]
fn without_headers_takes_a_missing_header_for_an_empty_one() {
    let canary = path("/").header("x-group", "canary");
    assert!(fits("{withoutHeaders: {x-group: {}}}", &path("/")));
    assert!(!fits("{withoutHeaders: {x-group: {}}}", &canary));
    assert!(fits("{withoutHeaders: {x-group: {exact: canary}}}", &path("/")));
    assert!(!fits("{withoutHeaders: {x-group: {exact: canary}}}", &canary));
    assert!(!fits("{withoutHeaders: {x-group: {regex: '.*'}}}", &path("/")));
    assert!(fits("{withoutHeaders: {x-group: {regex: '.+'}}}", &path("/")));
}

#[test]
fn pseudo_headers_are_what_the_fields_are() {
    let post = Request::post("https://x.com:8443/p?q").gateway("default/edge").port(80);
    assert!(fits("{method: {exact: POST}}", &post));
    assert!(fits("{headers: {':method': {exact: POST}}}", &post));
    assert!(fits("{scheme: {exact: https}}", &post));
    assert!(fits("{authority: {exact: 'x.com:8443'}}", &post));
    assert!(!fits("{authority: {exact: 'x.com'}}", &post));
    assert!(fits("{headers: {host: {prefix: 'x.com'}}}", &post));
    assert!(fits("{headers: {':path': {exact: '/p?q'}}}", &post));
    assert!(!fits("{method: {exact: post}}", &post));
}

#[test]
fn query_parameters_are_compared_undecoded_and_first() {
    let request = path("/p?flag&a=1&a=2&b=%20");
    assert!(fits("{queryParams: {flag: {}}}", &request));
    assert!(fits("{queryParams: {a: {exact: '1'}}}", &request));
    assert!(!fits("{queryParams: {a: {exact: '2'}}}", &request));
    assert!(!fits("{queryParams: {A: {exact: '1'}}}", &request));
    assert!(fits("{queryParams: {b: {exact: '%20'}}}", &request));
    assert!(!fits("{queryParams: {b: {exact: ' '}}}", &request));
    assert!(!fits("{queryParams: {c: {}}}", &request));
    assert!(fits("{queryParams: {a: {regex: '[0-9]'}}}", &request));
}

#[test]
fn claims_are_texts_or_lists_of_texts() {
    let request = path("/").claims(serde_json::json!({
        "role": "tester", "groups": ["a", "b"], "nested": {"id": "7"}, "age": 3,
    }));
    assert!(fits("{headers: {'@request.auth.claims.role': {exact: tester}}}", &request));
    assert!(fits("{headers: {'@Request.Auth.Claims[groups]': {exact: b}}}", &request));
    assert!(fits("{headers: {'@request.auth.claims[nested][id]': {exact: '7'}}}", &request));
    assert!(fits("{headers: {'@request.auth.claims.nested.id': {prefix: '7'}}}", &request));
    assert!(!fits("{headers: {'@request.auth.claims.age': {exact: '3'}}}", &request));
    assert!(!fits("{headers: {'@request.auth.claims.role': {exact: tester}}}", &path("/")));
    assert!(fits("{withoutHeaders: {'@request.auth.claims.role': {exact: admin}}}", &request));
    assert!(!fits("{withoutHeaders: {'@request.auth.claims.role': {exact: tester}}}", &request));
}

#[test]
fn entries_are_or_and_fields_are_and() {
    let either = "{uri: {prefix: /a}}, {headers: {x: {exact: '1'}}}";
    assert!(fits(either, &path("/a")));
    assert!(fits(either, &path("/b").header("x", "1")));
    assert!(!fits(either, &path("/b")));
    let both = "{uri: {prefix: /a}, headers: {x: {exact: '1'}}}";
    assert!(!fits(both, &path("/a")));
    assert!(fits(both, &path("/a").header("x", "1")));
    assert!(fits("{}", &path("/a")));
    assert!(fits("{name: n, statPrefix: s}", &path("/a")));
}

#[test]
fn many_headers_do_not_displace_each_other() {
    let mut request = path("/");
    let mut matches = Vec::new();
    for number in 0..40 {
        request = request.header(format!("h{number}"), format!("v{number}"));
        matches.push(format!("h{number}: {{exact: v{number}}}"));
    }
    let all = format!("{{headers: {{{}}}}}", matches.join(", "));
    assert!(fits(&all, &request));
    request.headers[17].1 = "other".to_owned();
    assert!(!fits(&all, &request));
}

#[test]
fn expressions_that_do_not_compile_are_all_reported() {
    let yaml = format!(
        "{EDGE}{}",
        service(
            "a",
            "['*']",
            "- match: [{uri: {regex: '('}}, {headers: {x: {regex: '(?=a)'}}}]\n  route: [{destination: {host: a}}]"
        )
    );
    let error = builder(&yaml).build().unwrap_err();
    let crate::Error::Invalid(findings) = error else { panic!("{error}") };
    let paths: Vec<_> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        paths,
        ["spec.http[0].match[0].uri.regex", "spec.http[0].match[1].headers[x].regex"]
    );
    assert_eq!(findings.0[0].object, "VirtualService default/a");
}
