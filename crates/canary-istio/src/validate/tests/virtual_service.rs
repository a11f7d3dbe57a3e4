use serde_json::{Value, json};

use super::{lines, object, route, virtual_service};
use crate::{
    networking::VirtualService,
    validate::{Options, Validate as _},
};

fn rule() -> Value {
    json!({"route": [{"destination": {"host": "a"}}]})
}

#[test]
pub(super) fn hosts_gateways_and_export() {
    let with = |more: Value, expected: &[&str]| {
        let mut spec = json!({"hosts": ["a"], "http": [rule()]});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        virtual_service(&spec, expected);
    };
    with(json!({}), &[]);
    virtual_service(&json!({"http": [rule()]}), &[]);
    virtual_service(
        &json!({"gateways": ["g"], "http": [rule()], "tcp": [rule()], "tls": [{"match": [{"sniHosts": ["a"]}], "route": [{"destination": {"host": "a"}}]}]}),
        &[
            "V045 spec.gateways",
            "V045 spec.tls",
            "V045 spec.tcp",
            "V078 spec.tls[0].match[0].sniHosts[0]",
        ],
    );
    for gateways in
        [json!(["g"]), json!(["ns/g"]), json!(["mesh"]), json!(["ns/g", "mesh", "g"]), json!([])]
    {
        with(json!({"gateways": gateways}), &[]);
    }
    with(json!({"gateways": ["g.ns"]}), &["V047? spec.gateways[0]"]);
    for bad in ["/g", "ns/", "./g", "ns/g.b", "a_b", "", "ns/a/b"] {
        with(json!({"gateways": [bad]}), &["V047 spec.gateways[0]"]);
    }
    with(json!({"gateways": ["a.b/c.d"]}), &["V047 spec.gateways[0]", "V047 spec.gateways[0]"]);
    with(
        json!({"gateways": ["g", "a_b", "./g", "ok"]}),
        &["C002? spec.gateways[1]", "C002? spec.gateways[2]"],
    );
    with(json!({"gateways": ["a/g", "b_/g"]}), &["V047 spec.gateways[1]"]);
    for host in ["a", "*.a", "10.0.0.1", "::1", "*foo", "a.com."] {
        with(json!({"hosts": [host]}), &[]);
    }
    for host in ["", "a_b", "a.*", "10.0.0", "a b"] {
        with(json!({"hosts": [host]}), &["V048 spec.hosts[0]"]);
    }
    with(json!({"hosts": ["*"]}), &["V049 spec.hosts[0]"]);
    with(json!({"hosts": ["*"], "gateways": ["g", "mesh"]}), &["V049 spec.hosts[0]"]);
    with(json!({"hosts": ["*"], "gateways": ["g"]}), &[]);
    with(json!({"hosts": ["a", "b", "a"]}), &["V050 spec.hosts[2]"]);
    with(
        json!({"hosts": ["*.a", "b.a", "*.b.a", "c"]}),
        &["V050 spec.hosts[1]", "V050 spec.hosts[2]"],
    );
    with(json!({"hosts": ["a_b", "a_b"]}), &["V048 spec.hosts[0]", "V048 spec.hosts[1]"]);
    virtual_service(&json!({"hosts": ["a"]}), &["V051 spec"]);
    with(json!({"exportTo": ["*"]}), &[]);
    with(json!({"exportTo": [".", "b"]}), &[]);
    with(json!({"exportTo": [".", "here"]}), &["V017 spec.exportTo[1]"]);
    with(json!({"exportTo": ["a", "a"]}), &["V017 spec.exportTo[1]"]);
    with(json!({"exportTo": ["~", "a b"]}), &["V017 spec.exportTo[0]", "V017 spec.exportTo[1]"]);
    with(json!({"exportTo": ["*", "a"]}), &["V017 spec.exportTo"]);
    let claim = json!({"hosts": ["a"], "http": [{"match": [{"headers": {"@request.auth.claims.sub": {"exact": "x"}}, "withoutHeaders": {"@request.auth.claims[a]": {}}}], "route": rule()["route"]}]});
    virtual_service(
        &claim,
        &[
            "V052 spec.http[0].match[0].headers[\"@request.auth.claims.sub\"]",
            "V052 spec.http[0].match[0].withoutHeaders[\"@request.auth.claims[a]\"]",
        ],
    );
    let mut bound = claim;
    bound["gateways"] = json!(["g"]);
    virtual_service(&bound, &[]);
}

#[test]
pub(super) fn what_a_rule_holds_together() {
    let redirect = json!({"uri": "/x"});
    let direct = json!({"status": 200});
    let fault = json!({"abort": {"httpStatus": 503, "percentage": {"value": 1}}});
    let at = |code: &str, field: &str| format!("{code} spec.http[0]{field}");
    route(&json!({}), &[]);
    route(&json!({"route": null}), &[&at("V059", "")]);
    route(&json!({"route": []}), &[&at("V059", "")]);
    route(&json!({"route": null, "redirect": redirect}), &[]);
    route(&json!({"route": null, "directResponse": direct}), &[]);
    let twice = |code: &str, field: &str, times: usize| vec![at(code, field); times];
    let redirected = twice("V057", ".redirect", 4);
    route(
        &json!({"redirect": redirect, "fault": fault, "rewrite": {"uri": "/"}, "directResponse": direct}),
        &redirected.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let direct_only = twice("V058", ".directResponse", 3);
    route(
        &json!({"fault": fault, "rewrite": {"uri": "/"}, "directResponse": direct}),
        &direct_only.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    route(&json!({"route": null, "delegate": {"name": "d"}}), &[]);
    route(
        &json!({"delegate": {"name": "d"}, "redirect": redirect}),
        &[&at("V055", ".redirect"), &at("V055", ".route")],
    );
    virtual_service(
        &json!({"http": [{"delegate": {"name": "d"}, "route": rule()["route"]}]}),
        &[&at("V056", ".delegate")],
    );
    virtual_service(
        &json!({"http": [{"delegate": {"name": "d"}}]}),
        &[&at("V056", ".delegate"), &at("V059", "")],
    );
    route(
        &json!({"mirror": {"host": "b"}, "mirrors": [{"destination": {"host": "c"}}]}),
        &[&at("V060", ".mirrors")],
    );
    route(
        &json!({"route": null, "redirect": redirect, "timeout": "1s", "retries": {"attempts": 1}, "mirror": {"host": "b"}}),
        &[&at("C004?", ".timeout"), &at("C004?", ".retries"), &at("C004?", ".mirror")],
    );
    route(&json!({"timeout": "0s"}), &[&at("V006", ".timeout")]);
    route(&json!({"timeout": "-1s"}), &[&at("V006", ".timeout")]);
    route(&json!({"timeout": "1500us"}), &[&at("V006", ".timeout")]);
    route(&json!({"timeout": "1ms"}), &[]);
}

#[test]
pub(super) fn matches() {
    let twice = json!({"match": [{"uri": {"regex": "/(?P<a>x)/(?P<a>y)"}}]});
    route(&twice, &["C022? spec.http[0].match[0].uri.regex"]);

    let at = |code: &str, field: &str| format!("{code} spec.http[0].match[0]{field}");
    let check = |condition: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(
            &json!({"match": [condition]}),
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    check(json!({}), &[]);
    for name in ["x-user", ":path", ":authority", "@request.auth.claims.a"] {
        let expected: &[_] = if name.starts_with('@') {
            &[("V052", ".headers[\"@request.auth.claims.a\"]")]
        } else {
            &[]
        };
        check(json!({"headers": {name: {"exact": ""}}}), expected);
    }
    check(json!({"headers": {"a b": {}}}), &[("V010", ".headers.a b")]);
    check(json!({"headers": {":Path": {}}}), &[("V010", ".headers.:Path")]);
    check(json!({"withoutHeaders": {"": {}}}), &[("V010", ".withoutHeaders[\"\"]")]);
    check(json!({"headers": {"a": {"regex": "*"}}}), &[("V014", ".headers.a.regex")]);
    check(json!({"withoutHeaders": {"a": {"regex": "*"}}}), &[]);
    check(json!({"withoutHeaders": {"a": {"regex": "+"}}}), &[("V014", ".withoutHeaders.a.regex")]);
    check(json!({"headers": {"a": {"prefix": ""}}}), &[("V014", ".headers.a.prefix")]);
    check(json!({"uri": {"prefix": ""}}), &[]);
    check(json!({"uri": {"regex": ""}}), &[("V014", ".uri.regex")]);
    check(json!({"uri": {"regex": "(?=a)"}}), &[("V014", ".uri.regex")]);
    check(json!({"uri": {"regex": "a".repeat(1025)}}), &[("V014", ".uri.regex")]);
    check(
        json!({"scheme": {"regex": "["}, "method": {"prefix": ""}, "authority": {"regex": ""}, "queryParams": {"q": {"prefix": ""}}}),
        &[
            ("V014", ".scheme.regex"),
            ("V014", ".method.prefix"),
            ("V014", ".authority.regex"),
            ("V014", ".queryParams.q.prefix"),
        ],
    );
    check(json!({"port": 0}), &[]);
    check(json!({"port": 65536}), &[("V005", ".port")]);
    check(json!({"sourceLabels": {"a": "b"}}), &[]);
    check(
        json!({"sourceLabels": {"-": "b", "a": "-"}}),
        &[("V008", ".sourceLabels.-"), ("V008", ".sourceLabels.a")],
    );
    check(json!({"gateways": ["a/b/c"]}), &[("V047", ".gateways[0]")]);
    check(json!({"gateways": ["g.ns"]}), &[("C003?", ".gateways[0]")]);
    check(json!({"sourceNamespace": ""}), &[]);
    check(json!({"sourceNamespace": "a.b"}), &[("V062", ".sourceNamespace")]);
    check(json!({"gateways": ["g"], "sourceNamespace": "a"}), &[("C017?", ".gateways")]);
    check(json!({"gateways": ["g"], "sourceLabels": {"a": "b"}}), &[("C017?", ".gateways")]);
    check(json!({"uri": {"regex": "/a"}, "ignoreUriCase": true}), &[("C018?", ".ignoreUriCase")]);
}

#[test]
pub(super) fn headers() {
    let at = |code: &str, field: &str| format!("{code} spec.http[0].headers.{field}");
    let check = |headers: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        route(&json!({"headers": headers}), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(
        json!({"request": {"set": {"Host": "a", "any thing": "b"}, "add": {"x": ""}, "remove": ["y"]}}),
        &[],
    );
    check(
        json!({"request": {"set": {":path": "a"}, "add": {"": "b"}, "remove": ["host", ":a", ""]}}),
        &[
            ("V011", "request.add[\"\"]"),
            ("V011", "request.set.:path"),
            ("V012", "request.remove[0]"),
            ("V012", "request.remove[1]"),
            ("V012", "request.remove[2]"),
        ],
    );
    check(
        json!({"response": {"set": {":authority": "a"}, "add": {"HOST": "b"}, "remove": [":status"]}}),
        &[
            ("V012", "response.add.HOST"),
            ("V012", "response.set.:authority"),
            ("V012", "response.remove[0]"),
        ],
    );
    check(json!({"request": {"set": {"a": "50%"}}}), &[("V009", "request.set.a")]);
}

#[test]
pub(super) fn authority_once() {
    let twice = json!({"request": {"set": {"host": "a", ":authority": "b"}}});
    route(&json!({"headers": twice}), &["V064 spec.http[0].headers"]);
    route(
        &json!({"rewrite": {"authority": "x"}, "headers": {"request": {"add": {"Host": "a"}}}}),
        &["V064 spec.http[0].headers"],
    );
    route(&json!({"rewrite": {"authority": "x"}}), &[]);
}

#[test]
pub(super) fn weights_and_destinations() {
    let weights = |weights: &[Option<i32>]| {
        let list: Vec<_> = weights
            .iter()
            .map(|weight| match weight {
                Some(weight) => json!({"destination": {"host": "a"}, "weight": weight}),
                None => json!({"destination": {"host": "a"}}),
            })
            .collect();
        json!({"hosts": ["a"], "http": [{"route": list}]})
    };
    let at = |code: &str, field: &str| format!("{code} spec.http[0].route{field}");
    virtual_service(&weights(&[Some(90), Some(10)]), &[]);
    virtual_service(&weights(&[Some(100), None]), &[]);
    virtual_service(&weights(&[Some(100)]), &[]);
    virtual_service(&weights(&[Some(1), Some(2)]), &[&at("C019!", "")]);
    virtual_service(&weights(&[Some(0)]), &[&at("C020?", "[0].weight")]);
    virtual_service(&weights(&[None, Some(0)]), &[&at("V074", "")]);
    virtual_service(&weights(&[Some(101), Some(-1)]), &[&at("V073", "[1].weight")]);
    virtual_service(&weights(&[Some(1), Some(-1)]), &[&at("V073", "[1].weight"), &at("V074", "")]);
    virtual_service(&weights(&[Some(i32::MAX), Some(i32::MAX), Some(2)]), &[&at("V074", "")]);
    virtual_service(
        &weights(&[Some(i32::MAX), Some(i32::MAX), Some(i32::MAX)]),
        &[&at("C008?", "")],
    );
    let old = |given: &[Option<i32>], expected: &[&str]| {
        let options = Options::default().istio_version("1.14".parse().unwrap());
        assert_eq!(
            lines(&object::<VirtualService>(&weights(given)).validate_with(&options)),
            expected
        );
    };
    old(&[Some(50), Some(50)], &[]);
    old(&[Some(1), Some(2)], &[&at("V074", "")]);
    old(&[Some(150), Some(-50)], &[&at("V073", "[0].weight"), &at("V073", "[1].weight")]);

    let destination = |destination: Value, field: &str, code: &str| {
        let line = format!("{code} spec.http[0].route[0].destination{field}");
        let expected: &[&str] = if code.is_empty() { &[] } else { &[&line] };
        route(&json!({"route": [{"destination": destination}]}), expected);
    };
    destination(json!({"host": "a.b", "subset": "v1", "port": {"number": 80}}), "", "");
    destination(json!({}), "", "V076");
    destination(json!({"host": "", "subset": "v1"}), ".host", "V077");
    destination(json!({"host": "*"}), ".host", "V077");
    destination(json!({"host": "10.0.0.1"}), ".host", "V077");
    destination(json!({"host": "*.a"}), ".host", "C007?");
    destination(json!({"host": "a", "subset": "v_1"}), ".subset", "V077");
    destination(json!({"host": "a", "subset": ""}), "", "");
    destination(json!({"host": "a", "port": {}}), ".port.number", "V005");
    route(
        &json!({"route": [{"destination": {"host": "a"}, "headers": {"request": {"remove": ["host"]}}}]}),
        &["V012 spec.http[0].route[0].headers.request.remove[0]"],
    );
}

#[test]
pub(super) fn tls_and_tcp() {
    let tls = |condition: Value, hosts: Value, expected: &[&str]| {
        virtual_service(
            &json!({"hosts": hosts, "tls": [{"match": [condition], "route": rule()["route"]}]}),
            expected,
        );
    };
    tls(json!({"sniHosts": ["a.b"]}), json!(["*.b"]), &[]);
    tls(json!({}), json!(["a"]), &["V078 spec.tls[0].match[0].sniHosts"]);
    tls(json!({"sniHosts": ["c"]}), json!(["a"]), &["V078 spec.tls[0].match[0].sniHosts[0]"]);
    tls(json!({"sniHosts": ["a_b"]}), json!(["a"]), &["V078 spec.tls[0].match[0].sniHosts[0]"]);
    tls(
        json!({"sniHosts": ["10.0.0.1"]}),
        json!(["a"]),
        &["V078? spec.tls[0].match[0].sniHosts[0]"],
    );
    tls(
        json!({"sniHosts": ["a"], "destinationSubnets": ["x"], "port": 65536, "sourceLabels": {"": "b"}, "gateways": ["g.ns"]}),
        json!(["a"]),
        &[
            "V007 spec.tls[0].match[0].destinationSubnets[0]",
            "V005 spec.tls[0].match[0].port",
            "V008 spec.tls[0].match[0].sourceLabels[\"\"]",
            "V047? spec.tls[0].match[0].gateways[0]",
        ],
    );
    virtual_service(
        &json!({"hosts": ["a"], "tls": [{}]}),
        &["V078 spec.tls[0].match", "V078 spec.tls[0].route"],
    );
    virtual_service(
        &json!({"hosts": ["outbound_.80_._.a.b"], "gateways": ["g"], "tls": [{"match": [{"sniHosts": ["outbound_.80_._.a.b"]}], "route": rule()["route"]}]}),
        &[],
    );
    virtual_service(&json!({"hosts": ["a"], "tcp": [{}]}), &["V079 spec.tcp[0].route"]);
    virtual_service(
        &json!({"hosts": ["a"], "tcp": [{"match": [{"destinationSubnets": ["10.0.0.0/40"], "sourceSubnet": "nonsense", "gateways": ["g.ns"]}], "route": [{"destination": {"host": "a"}, "weight": -1}]}]}),
        &[
            "V007 spec.tcp[0].match[0].destinationSubnets[0]",
            "C003? spec.tcp[0].match[0].gateways[0]",
            "V073 spec.tcp[0].route[0].weight",
        ],
    );
}

#[test]
pub(super) fn reachability() {
    let http = |matches: &[Value], expected: &[&str]| {
        let rules: Vec<_> =
            matches.iter().map(|list| json!({"match": list, "route": rule()["route"]})).collect();
        virtual_service(&json!({"hosts": ["a"], "http": rules}), expected);
    };
    let prefix = |prefix: &str| json!({"uri": {"prefix": prefix}});
    http(&[json!([prefix("/a")]), json!([])], &[]);
    http(&[json!([]), json!([])], &["IST0130? spec.http[1]"]);
    http(
        &[json!([]), json!([prefix("/a"), prefix("/b")])],
        &["IST0130? spec.http[1]", "IST0130? spec.http[1]"],
    );
    http(
        &[json!([prefix("/a"), {"name": "x", "port": 0, "uri": {"prefix": "/a"}}])],
        &["IST0131? spec.http[0].match[1]"],
    );
    http(
        &[json!([prefix("/a")]), json!([prefix("/a")])],
        &["IST0131? spec.http[1].match[0]", "IST0130? spec.http[1]"],
    );
    http(&[json!([prefix("/a")]), json!([prefix("/ab")])], &["IST0131? spec.http[1].match[0]"]);
    http(&[json!([prefix("/ab")]), json!([prefix("/a")])], &[]);
    http(&[json!([{"uri": {"prefix": "/a"}, "port": 80}]), json!([prefix("/ab")])], &[]);
    http(
        &[json!([{"uri": {"prefix": "/a"}, "method": {"exact": "POST"}}]), json!([prefix("/ab")])],
        &[],
    );
    http(
        &[json!([{"uri": {"prefix": "/a"}, "method": {"exact": "GET"}}]), json!([prefix("/ab")])],
        &["IST0131? spec.http[1].match[0]"],
    );
    // Istio reports this, although requests with other authorities reach it.
    http(
        &[json!([{"uri": {"prefix": "/a"}, "authority": {"exact": "x"}}]), json!([prefix("/ab")])],
        &["IST0131? spec.http[1].match[0]"],
    );
    http(&[json!([{"uri": {"prefix": "/a"}, "headers": {"x": {}}}]), json!([prefix("/ab")])], &[]);
    let many: Vec<_> =
        (0..20).map(|number| prefix(&format!("/{number}/"))).chain([prefix("/7/")]).collect();
    http(&[json!(many)], &["IST0131? spec.http[0].match[20]"]);
    let tcp = json!({"match": [{"port": 1}, {"port": 1}], "route": rule()["route"]});
    virtual_service(&json!({"hosts": ["a"], "tcp": [tcp]}), &["IST0131? spec.tcp[0].match[1]"]);
    let tls = json!({"match": [{"sniHosts": ["a"]}], "route": rule()["route"]});
    virtual_service(
        &json!({"hosts": ["a"], "tls": [tls, tls]}),
        &["IST0131? spec.tls[1].match[0]", "IST0130? spec.tls[1]"],
    );
}
