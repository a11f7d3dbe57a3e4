//! Texts of one megabyte, the worst cases: hosts times rules, roots times delegates, rules that differ in one letter,
//! expressions whose automata are large. Each is read, validated, analyzed, compiled and compared, in memory that is
//! bounded and in time that grows with the text.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::{fmt::Write as _, sync::Mutex};

use canary_core::{
    Manifest, Mesh, Request,
    analyze::{Inventory, Subject, analyze},
    route::diff,
};
use canary_tests::memory::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: the memory of two would be counted together.
static TURN: Mutex<()> = Mutex::new(());

const SIZE: usize = 1_000_000;
const LIMIT: usize = 256 << 20;

/// Takes a text through everything that reads objects, within the memory that one may cost.
fn survive(text: &str) {
    survive_both(text, text);
}

/// The same for two texts, whose meshes are compared with one another too.
fn survive_both(text: &str, other: &str) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert!(text.len() <= SIZE + 1000 && other.len() <= SIZE + 1000);
    let before = memory::restart();
    let within = |what: &str| {
        let peak = memory::most_since(before);
        assert!(peak <= LIMIT, "{what} took {} MB", peak >> 20);
    };
    let (manifest, _) = Manifest::read_lenient(text);
    within("reading");
    let findings = manifest.validate();
    within("validation");
    drop(findings);
    let subjects = manifest.iter().filter_map(Subject::of);
    let analysis = analyze(subjects, &Inventory::default());
    within("analysis");
    drop(analysis);
    let mesh = match Mesh::of(&manifest) {
        Ok(mesh) => mesh,
        Err(canary_core::manifest::Error::Invalid(findings)) => {
            assert!(findings.errors().next().is_some());
            within("refusing the mesh");
            return;
        }
        Err(other) => panic!("{other}"),
    };
    within("compiling");
    drop(manifest);
    let request = Request::get("http://a0.x/p0?q=1").header("h", "v");
    let why = mesh.route(&request).why();
    assert_eq!(why.matched.as_ref(), mesh.route(&request).rule());
    within("routing");
    drop(why);
    let second = Mesh::of(&Manifest::read_lenient(other).0).unwrap();
    let start = memory::restart();
    let found = diff(&mesh, &second);
    let peak = memory::most_since(start);
    assert!(peak <= LIMIT, "comparing took {} MB", peak >> 20);
    if text == other {
        assert!(found.changes.is_empty(), "{}", found.changes[0]);
    }
}

/// `head`, then parts until a megabyte is full.
fn fill(head: &str, part: impl Fn(usize) -> String) -> String {
    filled(head, SIZE, part)
}

fn filled(head: &str, size: usize, part: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let next = part(number);
        if text.len() + next.len() > size {
            break;
        }
        text.push_str(&next);
    }
    text
}

const GATEWAY: &str = "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: g}, spec: {servers: [{hosts: ['*'], port: {number: 80, protocol: HTTP, name: http}}]}}\n---\n";

fn service(name: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: {name}}}, spec: {{gateways: [g], {rest}}}}}\n---\n"
    )
}

fn hosts_and_rules(hosts: usize, rule: impl Fn(usize) -> String) -> String {
    let hosts = filled("", hosts, |n| format!("a{n}.x, "));
    let rules = filled("", SIZE - hosts.len() - 700, |n| format!("{}, ", rule(n)));
    format!("{GATEWAY}{}", service("v", &format!("hosts: [{hosts}], http: [{rules}]")))
}

#[test]
fn many_hosts_times_many_rules() {
    survive(&hosts_and_rules(500_000, |n| {
        format!("{{match: [{{uri: {{exact: /p{n}}}}}], route: [{{destination: {{host: h{n}}}}}]}}")
    }));
}

#[test]
fn many_rules_on_one_prefix() {
    survive(&hosts_and_rules(10, |n| {
        format!("{{match: [{{uri: {{prefix: /a}}}}], route: [{{destination: {{host: h{n}}}}}]}}")
    }));
}

#[test]
fn rules_that_all_come_to_another_destination() {
    let text = |turn: usize| {
        hosts_and_rules(10, move |n| {
            format!(
                "{{match: [{{uri: {{prefix: /p{n}}}}}], route: [{{destination: {{host: h{}}}}}]}}",
                n + turn
            )
        })
    };
    survive_both(&text(0), &text(1));
}

#[test]
fn rules_that_have_nothing_in_common() {
    let text = |letter: char| {
        hosts_and_rules(10, move |n| {
            format!(
                "{{match: [{{headers: {{{letter}{n}: {{prefix: v}}}}}}], route: [{{destination: {{host: {letter}{n}}}}}]}}"
            )
        })
    };
    survive_both(&text('a'), &text('b'));
}

#[test]
fn expressions_that_hardly_differ() {
    let text = |turn: usize| {
        hosts_and_rules(10, move |n| {
            format!(
                "{{match: [{{uri: {{regex: '/(a|b)*a(a|b){{9}}{n}'}}}}], route: [{{destination: {{host: h{}}}}}]}}",
                n + turn
            )
        })
    };
    survive_both(&text(0), &text(1));
}

#[test]
fn expressions_as_long_as_they_may_be() {
    survive(&hosts_and_rules(10, |n| {
        let long = "(a|b)*a(a|b){11}".repeat(60);
        format!(
            "{{match: [{{uri: {{regex: '/{long}{n}'}}}}], route: [{{destination: {{host: h}}}}]}}"
        )
    }));
}

#[test]
fn rewrites_with_large_expressions() {
    survive(&hosts_and_rules(10, |n| {
        format!(
            "{{match: [{{uri: {{exact: /p{n}}}}}], rewrite: {{uriRegexRewrite: {{match: '(\\pL{{900}}){n}', rewrite: /}}}}, route: [{{destination: {{host: h}}}}]}}"
        )
    }));
}

#[test]
fn destinations_of_one_rule_against_many_rules() {
    let one = filled("", SIZE - 1000, |n| format!("{{destination: {{host: h{n}}}, weight: 1}}, "));
    let one =
        format!("{GATEWAY}{}", service("v", &format!("hosts: ['*'], http: [{{route: [{one}]}}]")));
    let many = hosts_and_rules(10, |n| {
        format!("{{match: [{{uri: {{prefix: /p{n}}}}}], route: [{{destination: {{host: h{n}}}}}]}}")
    })
    .replace("a0.x", "'*'");
    survive_both(&one, &many);
}

#[test]
fn many_wildcards() {
    let text = |letter: char| {
        let hosts = filled("", SIZE - 2000, |n| format!("'*.{letter}{n}.x', "));
        format!(
            "{GATEWAY}{}",
            service(
                "v",
                &format!(
                    "hosts: ['*', {hosts}], http: [{{route: [{{destination: {{host: h}}}}]}}]"
                )
            )
        )
    };
    survive_both(&text('a'), &text('b'));
}

#[test]
fn wildcards_within_wildcards() {
    let mut host = String::from("x");
    let mut hosts = String::new();
    while hosts.len() + host.len() + 10 < SIZE - 1000 {
        let _ = write!(hosts, "'*.{host}', ");
        host.insert_str(0, "a.");
    }
    survive(&format!(
        "{GATEWAY}{}",
        service(
            "v",
            &format!("hosts: [{hosts}], http: [{{route: [{{destination: {{host: h}}}}]}}]")
        )
    ));
}

#[test]
fn servers_of_many_hosts_for_many_services() {
    let hosts = filled("", SIZE / 2, |n| format!("'n{n}/a{n}.x', a{n}.x, "));
    let gateway = GATEWAY.replace("'*'", &hosts);
    survive(&fill(&gateway, |n| {
        service(&format!("v{n}"), "hosts: ['*'], http: [{route: [{destination: {host: h}}]}]")
    }));
}

#[test]
fn many_gateways_and_servers() {
    survive(&fill("", |n| {
        GATEWAY
            .replace("name: g}", &format!("name: g{n}}}"))
            .replace("'*'", &format!("'a{}.x', '*'", n % 7))
    }));
    let server = |n: usize| {
        format!(
            "{{hosts: ['a{n}.x', '*.x'], port: {{number: {}, protocol: HTTP, name: p{n}}}}}, ",
            n % 60_000 + 1
        )
    };
    let servers = filled("", SIZE - 1000, server);
    let gateway = format!(
        "{{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {{name: g}}, spec: {{servers: [{servers}]}}}}\n---\n"
    );
    survive(&format!(
        "{gateway}{}",
        service("v", "hosts: ['*'], http: [{route: [{destination: {host: h}}]}]")
    ));
}

#[test]
fn roots_times_delegates() {
    let headers = filled("", SIZE / 2, |n| format!("h{n}: v, "));
    let delegate_rules =
        filled("", SIZE / 2 - 2000, |_| "{route: [{destination: {host: h}}]}, ".to_owned());
    let delegate = format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: d}}, spec: {{http: [{delegate_rules}]}}}}\n---\n"
    );
    let root = service(
        "r",
        &format!(
            "hosts: ['*'], http: [{{headers: {{request: {{set: {{{headers}}}}}}}, delegate: {{name: d}}}}]"
        ),
    );
    survive(&format!("{GATEWAY}{delegate}{root}"));
    let roots = filled("", SIZE / 2, |n| {
        format!("{{match: [{{uri: {{prefix: /p{n}}}}}], delegate: {{name: d}}}}, ")
    });
    let root = service("r", &format!("hosts: ['*'], http: [{roots}]"));
    survive(&format!("{GATEWAY}{delegate}{root}"));
}

#[test]
fn many_services_in_the_mesh() {
    let text = |turn: usize| {
        fill("", move |n| {
            service(
                &format!("v{n}, namespace: n{}", n % 100),
                &format!(
                    "hosts: [h{n}.x], http: [{{route: [{{destination: {{host: h{}}}}}]}}]",
                    n + turn
                ),
            )
            .replace("gateways: [g], ", "")
        })
    };
    survive_both(&text(0), &text(1));
}

#[test]
fn many_subsets_and_rules_for_them() {
    let subsets = filled("", SIZE / 2, |n| format!("{{name: s{n}, labels: {{v: '{n}'}}}}, "));
    let rule = format!(
        "{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: d}}, spec: {{host: h, subsets: [{subsets}]}}}}\n---\n"
    );
    let rules = filled("", SIZE / 2 - 2000, |n| {
        format!(
            "{{match: [{{uri: {{exact: /p{n}}}}}], route: [{{destination: {{host: h, subset: s{n}}}}}]}}, "
        )
    });
    survive(&format!("{GATEWAY}{rule}{}", service("v", &format!("hosts: ['*'], http: [{rules}]"))));
    survive(&fill(GATEWAY, |n| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: d{n}}}, spec: {{host: h, subsets: [{{name: s{n}, labels: {{v: '{n}'}}}}]}}}}\n---\n"
        )
    }));
}

#[test]
fn matches_that_hardly_differ() {
    survive(&hosts_and_rules(10, |n| {
        format!(
            "{{match: [{{headers: {{a: {{regex: 'x.*{n}'}}, b: {{prefix: y{n}}}}}, withoutHeaders: {{c: {{regex: '.*z'}}}}, queryParams: {{q: {{regex: '{n}.*'}}}}}}], route: [{{destination: {{host: h{n}}}}}]}}"
        )
    }));
}
