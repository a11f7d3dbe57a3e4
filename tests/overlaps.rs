//! The analysis of overlapping and unused matches, compared with the evaluator of routes.

use canary_core::{
    Gateway, Mesh, VirtualService,
    analyze::overlap::{Reach, Witness, overlaps, reach},
    route::Request,
};
use serde_json::{Value, json};

/// A small generator: the sequence is part of the test.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

const PATHS: &[&str] = &["/", "/a", "/A", "/ab", "/a/b", "/b", "/v1/x", "/v2", "/é", "/a.b"];
const VALUES: &[&str] = &["a", "ab", "b", "A", "1", "12", ""];

fn condition(random: &mut Random) -> Value {
    match random.below(8) {
        0 | 1 => json!({"exact": random.pick(&["a", "ab", "b", "1"])}),
        2 | 3 => json!({"prefix": random.pick(&["a", "ab", "b"])}),
        4 | 5 => {
            json!({"regex": random.pick(&["a.*", "[ab]+", ".*", ".+", r"\d+", "(?i)a", "a|b", "[^a]*"])})
        }
        _ => json!({}),
    }
}

fn uri(random: &mut Random) -> Value {
    match random.below(6) {
        0 | 1 => json!({"exact": random.pick(&["/a", "/ab", "/A", "/v1/x"])}),
        2 | 3 => json!({"prefix": random.pick(&["/", "/a", "/A", "/ab", "/v", ""])}),
        _ => {
            json!({"regex": random.pick(&["/.*", "/a.*", "/[ab]+", r"/v\d(/.*)?", "(?i)/A", "/a|/b", "/[^/]*"])})
        }
    }
}

fn one_match(random: &mut Random) -> Value {
    let mut found = json!({});
    if !random.one_in(3) {
        found["uri"] = uri(random);
        if random.one_in(4) {
            found["ignoreUriCase"] = json!(true);
        }
    }
    if random.one_in(3) {
        found["headers"] = json!({ *random.pick(&["x", "X", "y"]): condition(random) });
    }
    if random.one_in(4) {
        found["withoutHeaders"] = json!({ *random.pick(&["x", "y"]): condition(random) });
    }
    if random.one_in(5) {
        found["method"] = json!({"exact": random.pick(&["GET", "POST"])});
    }
    if random.one_in(6) {
        found["scheme"] = json!({"exact": random.pick(&["http", "https"])});
    }
    if random.one_in(6) {
        found["authority"] = random
            .pick(&[
                json!({"exact": "a.com"}),
                json!({"prefix": "b."}),
                json!({"regex": r".*:\d+"}),
                json!({"exact": "c.org"}),
            ])
            .clone();
    }
    if random.one_in(5) {
        found["queryParams"] = json!({"q": condition(random)});
    }
    if random.one_in(6) {
        found["port"] = json!(random.pick(&[80, 81]));
    }
    if random.one_in(6) {
        found["gateways"] = json!([random.pick(&["g", "h"])]);
    }
    found
}

fn service(rules: &[Value]) -> VirtualService {
    serde_json::from_value(json!({
        "metadata": {"name": "s", "namespace": "default"},
        "spec": {"hosts": ["a.com", "*.com"], "gateways": ["g", "h"], "http": rules},
    }))
    .unwrap()
}

fn rule(matches: &[Value]) -> Value {
    json!({"match": matches, "route": [{"destination": {"host": "d"}}]})
}

/// A service whose hosts do not overlap, so that one virtual host has all of its rules.
fn mesh(service: &VirtualService) -> Mesh {
    let gateway = |name: &str| -> Gateway {
        let servers: Vec<_> = [80, 81, 82]
            .iter()
            .map(|port| json!({"port": {"number": port, "protocol": "HTTP", "name": format!("http-{port}")}, "hosts": ["*"]}))
            .collect();
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"selector": {"istio": name}, "servers": servers},
        }))
        .unwrap()
    };
    Mesh::new([&gateway("g"), &gateway("h"), service]).unwrap()
}

fn request(witness: &Witness) -> Request {
    let mut request = Request {
        method: witness.method.clone(),
        scheme: witness.scheme.clone(),
        authority: witness.authority.clone(),
        path: witness.path.clone(),
        ..Request::default()
    };
    request.headers.extend(witness.headers.clone());
    request.gateway(format!("default/{}", witness.gateway)).port(witness.port)
}

fn any_request(random: &mut Random) -> Request {
    let mut path = (*random.pick(PATHS)).to_owned();
    if random.one_in(3) {
        path = format!("{path}?q={}", random.pick(VALUES));
    }
    let mut request = Request {
        method: (*random.pick(&["GET", "POST", "PUT"])).to_owned(),
        scheme: (*random.pick(&["http", "https"])).to_owned(),
        authority: (*random.pick(&["a.com", "a.com:80", "b.com", "b.com:8080"])).to_owned(),
        path,
        ..Request::default()
    };
    for name in ["x", "y"] {
        if random.one_in(2) {
            request.headers.push((name.to_owned(), (*random.pick(VALUES)).to_owned()));
        }
    }
    let gateway = format!("default/{}", random.pick(&["g", "h"]));
    request.gateway(gateway).port(*random.pick(&[80, 81, 82]))
}

fn place(mesh: &Mesh, request: &Request) -> Option<String> {
    mesh.route(request).rule().map(|rule| rule.path.clone())
}

/// Rules of one match each, some without.
fn generated(random: &mut Random) -> Vec<Value> {
    (0..2 + random.below(4))
        .map(|_| {
            let matches: Vec<_> = (0..random.below(3)).map(|_| one_match(random)).collect();
            if matches.is_empty() && !random.one_in(4) {
                rule(&[one_match(random)])
            } else {
                rule(&matches)
            }
        })
        .collect()
}

fn one_host(rules: &[Value]) -> VirtualService {
    let mut service = service(rules);
    service.spec.hosts = Some(vec!["*.com".to_owned()]);
    service
}

#[test]
fn every_match_is_reached_or_covered_as_the_evaluator_routes() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut reached, mut covered, mut impossible) = (0, 0, 0);
    for _ in 0..200 {
        let service = one_host(&generated(&mut random));
        let mesh = mesh(&service);
        let samples: Vec<_> = (0..60).map(|_| any_request(&mut random)).collect();
        let taken: std::collections::BTreeSet<_> =
            samples.iter().filter_map(|request| place(&mesh, request)).collect();
        for (path, answer) in reach(&service) {
            let rules = serde_json::to_string(&service.spec.http).unwrap();
            match answer {
                Reach::Reached(witness) => {
                    reached += 1;
                    assert_eq!(
                        place(&mesh, &request(&witness)).as_ref(),
                        Some(&path),
                        "{witness} in {rules}"
                    );
                }
                Reach::Covered { by, witness } => {
                    covered += 1;
                    assert!(!taken.contains(&path), "{path} is reached in {rules}");
                    let first = place(&mesh, &request(&witness)).unwrap();
                    assert!(
                        first < path && (by.len() > 1 || by.contains(&first) || first < by[0]),
                        "{witness} in {rules}"
                    );
                }
                Reach::Impossible => {
                    impossible += 1;
                    assert!(!taken.contains(&path), "{path} is reached in {rules}");
                }
                other => panic!("{path} is {other:?} in {rules}"),
            }
        }
    }
    assert!(reached > 400 && covered > 50 && impossible > 5, "{reached} {covered} {impossible}");
}

#[test]
fn every_overlap_claimed_has_a_witness_and_no_other_pair_has_one() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let (mut claimed, mut unclaimed) = (0, 0);
    for _ in 0..200 {
        let matches = [one_match(&mut random), one_match(&mut random)];
        let service = one_host(&[rule(&matches[..1]), rule(&matches[1..])]);
        let alone: Vec<_> =
            matches.iter().map(|one| mesh(&one_host(&[rule(std::slice::from_ref(one))]))).collect();
        let fits = |request: &Request| alone.iter().all(|mesh| place(mesh, request).is_some());
        let (found, unjudged) = overlaps(&service);
        assert!(unjudged.is_empty(), "{unjudged:?} in {matches:?}");
        if let [pair] = found.as_slice() {
            claimed += 1;
            assert!(fits(&request(&pair.witness)), "{} in {matches:?}", pair.witness);
            if pair.covers {
                for _ in 0..60 {
                    let sample = any_request(&mut random);
                    let later = place(&alone[1], &sample).is_some();
                    assert!(!later || fits(&sample), "{sample:?} in {matches:?}");
                }
            }
        } else {
            unclaimed += 1;
            for _ in 0..200 {
                let sample = any_request(&mut random);
                assert!(!fits(&sample), "{sample:?} in {matches:?}");
            }
        }
    }
    assert!(claimed > 40 && unclaimed > 40, "{claimed} {unclaimed}");
}
