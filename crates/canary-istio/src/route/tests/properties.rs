//! Properties of every mesh and every request, over generated ones.

use std::collections::BTreeMap;

use proptest::{collection::vec, option::of, prelude::*, sample::select};

use super::{super::RequestView, *};
use crate::networking::{
    Destination, HttpMatchRequest, HttpRoute, HttpRouteDestination, StringMatch,
};

const PATHS: &[&str] = &["/", "/v1", "/v1/models", "/v1beta", "/V1/models/m:predict", "/v2"];
const VALUES: &[&str] = &["", "a", "ab", "b", "a,b", "A"];
const NAMES: &[&str] = &["x", "y", "user-group"];
const METHODS: &[&str] = &["GET", "POST"];

fn text(values: &'static [&'static str]) -> impl Strategy<Value = StringMatch> {
    let value = select(values);
    let pattern = select(&["a.*", "[ab]+", ".*", "*", "/v[0-9].*", "(GET|PUT)"][..]);
    prop_oneof![
        3 => value.clone().prop_map(StringMatch::exact),
        2 => value.prop_map(StringMatch::prefix),
        1 => pattern.prop_map(StringMatch::regex),
        1 => Just(StringMatch::Present),
    ]
}

/// A text for a path, where a lone star would not compile.
fn path() -> impl Strategy<Value = StringMatch> {
    text(PATHS).prop_map(|found| match found {
        StringMatch::Regex(pattern) if pattern == "*" => StringMatch::regex(".*"),
        other => other,
    })
}

fn map() -> impl Strategy<Value = Option<BTreeMap<String, StringMatch>>> {
    of(proptest::collection::btree_map(select(NAMES).prop_map(str::to_owned), text(VALUES), 0..3))
}

fn matches() -> impl Strategy<Value = HttpMatchRequest> {
    (of(path()), of(text(METHODS)), map(), map(), map(), any::<bool>(), of(select(&[80, 81][..])))
        .prop_map(|(uri, method, headers, without_headers, query_params, fold, port)| {
            HttpMatchRequest {
                uri,
                method,
                headers,
                without_headers,
                query_params,
                ignore_uri_case: Some(fold),
                port,
                ..HttpMatchRequest::default()
            }
        })
}

fn rule() -> impl Strategy<Value = HttpRoute> {
    let target = (select(&["a", "b", "c"][..]), 0..5_i32).prop_map(|(host, weight)| {
        let destination = Destination { host: host.to_owned(), ..Destination::default() };
        HttpRouteDestination { destination, weight: Some(weight), headers: None }
    });
    (of(vec(matches(), 0..3)), vec(target, 1..4)).prop_map(|(matches, mut route)| {
        if route.iter().all(|target| target.weight == Some(0)) {
            route[0].weight = Some(1);
        }
        HttpRoute { matches, route: Some(route), ..HttpRoute::default() }
    })
}

fn request() -> impl Strategy<Value = Request> {
    let pairs = vec((select(NAMES), select(VALUES)), 0..4);
    (select(METHODS), select(PATHS), pairs.clone(), pairs, any::<u64>()).prop_map(
        |(method, path, headers, query, random)| {
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            headers.into_iter().fold(
                Request::new(method, &format!("http://x{path}{mark}{}", query.join("&")))
                    .random(random),
                |request, (name, value)| request.header(name, value),
            )
        },
    )
}

fn mesh_of(http: Vec<HttpRoute>) -> Mesh {
    let gateway = Gateway::http("edge", 80, ["*"]);
    let mut service = VirtualService::default();
    service.metadata.name = Some("a".to_owned());
    service.spec.hosts = Some(vec!["*".to_owned()]);
    service.spec.gateways = Some(vec!["edge".to_owned()]);
    service.spec.http = Some(http);
    Mesh::new([&gateway, &service]).unwrap()
}

/// Istio's conditions a second time, on the objects themselves and without any preparation.
mod reference {
    use super::*;

    fn whole(pattern: &str, value: &str) -> bool {
        regex::Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(value)
    }

    fn fits(wanted: &StringMatch, value: Option<&str>) -> bool {
        match (wanted, value) {
            (_, None) => false,
            (StringMatch::Present, Some(_)) => true,
            (StringMatch::Regex(pattern), Some(_)) if pattern == "*" => true,
            (StringMatch::Exact(wanted), Some(value)) => wanted == value,
            (StringMatch::Prefix(wanted), Some(value)) => value.starts_with(wanted.as_str()),
            (StringMatch::Regex(pattern), Some(value)) => whole(pattern, value),
        }
    }

    fn is_presence(wanted: &StringMatch) -> bool {
        matches!(wanted, StringMatch::Present)
            || matches!(wanted, StringMatch::Regex(pattern) if pattern == "*")
    }

    pub(super) fn holds(matches: &HttpMatchRequest, request: &Request) -> bool {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let fold = matches.ignore_uri_case == Some(true);
        let uri = match matches.uri.as_ref() {
            None | Some(StringMatch::Present) => true,
            Some(StringMatch::Exact(wanted)) if fold => {
                wanted.to_lowercase() == path.to_lowercase()
            }
            Some(StringMatch::Prefix(wanted)) if fold => {
                path.to_lowercase().starts_with(&wanted.to_lowercase())
            }
            Some(wanted) => fits(wanted, Some(path)),
        };
        let header = |name: &str| {
            let values: Vec<&str> = request
                .headers
                .iter()
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect();
            (!values.is_empty()).then(|| values.join(","))
        };
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (key == name && !query.is_empty()).then_some(value)
            })
        };
        uri && matches.method.as_ref().is_none_or(|wanted| fits(wanted, Some(&request.method)))
            && matches.port.is_none_or(|port| port == 80)
            && matches
                .headers
                .iter()
                .flatten()
                .all(|(name, wanted)| fits(wanted, header(name).as_deref()))
            && matches.without_headers.iter().flatten().all(|(name, wanted)| {
                let value = header(name);
                if is_presence(wanted) {
                    value.is_none()
                } else {
                    !fits(wanted, Some(value.as_deref().unwrap_or_default()))
                }
            })
            && matches
                .query_params
                .iter()
                .flatten()
                .all(|(name, wanted)| fits(wanted, parameter(name)))
    }
}

/// Outcome without the draw, and for each cluster its share; 27 720 is a multiple of every total up to 12.
fn summary(decision: &Decision<&Request>) -> (Option<u16>, BTreeMap<String, u64>) {
    let mut shares = BTreeMap::new();
    for share in decision.shares().iter().filter(|share| share.weight > 0) {
        *shares.entry(share.cluster.name.clone()).or_default() +=
            share.weight * 27_720 / share.total;
    }
    (decision.outcome().status(), shares)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_first_rule_that_fits_is_taken(http in vec(rule(), 1..40), requests in vec(request(), 1..8)) {
        let mesh = mesh_of(http.clone());
        for request in &requests {
            let expected = http.iter().enumerate().find_map(|(index, rule)| {
                let all = rule.matches.as_deref().unwrap_or_default();
                if all.is_empty() {
                    return Some(format!("spec.http[{index}]"));
                }
                let entry = all.iter().position(|matches| reference::holds(matches, request))?;
                Some(format!("spec.http[{index}].match[{entry}]"))
            });
            let decision = mesh.route(request);
            prop_assert_eq!(decision.rule().map(|rule| rule.path.clone()), expected.clone());
            let why = decision.why();
            if why.host.is_none() {
                // Not one rule applies on the listener: the object has no host there.
                prop_assert!(expected.is_none() && !why.notes.is_empty());
                continue;
            }
            prop_assert_eq!(why.matched.map(|rule| rule.path), expected.clone());
            // Each rule before it is listed once, with a condition of its own.
            let mut earlier = Vec::new();
            'all: for (index, rule) in http.iter().enumerate() {
                for entry in 0..rule.matches.as_ref().map_or(0, Vec::len) {
                    let path = format!("spec.http[{index}].match[{entry}]");
                    if Some(&path) == expected.as_ref() {
                        break 'all;
                    }
                    earlier.push(path);
                }
                if expected.as_deref() == Some(&format!("spec.http[{index}]")) {
                    break;
                }
            }
            let told: Vec<String> = why.tried.iter().map(|tried| tried.rule.path.clone()).collect();
            prop_assert_eq!(told, earlier);
            prop_assert!(why.tried.iter().all(|tried| tried.unmet.path.starts_with(&tried.rule.path)));
        }
    }

    #[test]
    fn a_change_has_a_witness_and_no_witness_is_no_change(
        http in vec(rule(), 1..6), other in vec(rule(), 1..6), kept in any::<bool>(),
        requests in vec(request(), 1..20),
    ) {
        // Half of the time the meshes are alike except for one rule.
        let mut after = if kept { http.clone() } else { other.clone() };
        after.insert(after.len() / 2, other[0].clone());
        let (before, after) = (mesh_of(http), mesh_of(after));
        let found = crate::route::diff(&before, &after);
        for change in &found.changes {
            let (one, two) = (before.route(&change.witness), after.route(&change.witness));
            prop_assert_ne!(summary(&one), summary(&two));
        }
        if found.changes.is_empty() && found.unjudged.is_empty() {
            for request in &requests {
                prop_assert_eq!(summary(&before.route(request)), summary(&after.route(request)));
            }
        }
    }

    #[test]
    fn shares_are_what_the_random_numbers_give(rule in rule()) {
        let mesh = mesh_of(vec![HttpRoute { matches: None, ..rule }]);
        let first = get("http://x/");
        let shares = mesh.route(&first).shares();
        let total = shares[0].total;
        prop_assert_eq!(shares.iter().map(|share| share.weight).sum::<u64>(), total);
        let mut drawn: BTreeMap<String, u64> = BTreeMap::new();
        for random in 0..total {
            let request = get("http://x/").random(random);
            *drawn.entry(mesh.route(&request).cluster().unwrap().name.clone()).or_default() += 1;
        }
        let mut said: BTreeMap<String, u64> = BTreeMap::new();
        for share in shares.iter().filter(|share| share.weight > 0) {
            *said.entry(share.cluster.name.clone()).or_default() += share.weight;
        }
        prop_assert_eq!(drawn, said);
    }

    #[test]
    fn no_text_makes_it_panic(
        host in ".{0,12}", path in ".{0,16}", value in ".{0,12}", pattern in ".{0,12}",
        namespace in of(".{0,6}"), random in any::<u64>(),
    ) {
        let gateway = Gateway::http("edge", 80, [host.as_str(), "*"]);
        let mut service = VirtualService::default();
        service.metadata.namespace = namespace;
        service.spec.hosts = Some(vec![host.clone(), path.clone()]);
        service.spec.gateways = Some(vec!["edge".to_owned(), value.clone(), "mesh".to_owned()]);
        let headers = [(value.clone(), StringMatch::prefix(path.clone()))];
        service.spec.http = Some(vec![HttpRoute {
            matches: Some(vec![HttpMatchRequest {
                uri: Some(StringMatch::regex(pattern)),
                headers: Some(headers.into()),
                ..HttpMatchRequest::default()
            }, HttpMatchRequest {
                uri: Some(StringMatch::prefix(path.clone())),
                ignore_uri_case: Some(true),
                ..HttpMatchRequest::default()
            }]),
            rewrite: Some(crate::networking::HttpRewrite { uri: Some(value.clone()), ..Default::default() }),
            route: Some(vec![HttpRouteDestination {
                destination: Destination { host: host.clone(), ..Destination::default() },
                ..HttpRouteDestination::default()
            }]),
            ..HttpRoute::default()
        }]);
        if let Ok(mesh) = Mesh::new([&gateway, &service]) {
            let mut request = Request::new(value.clone(), &format!("http://{host}{path}"))
                .header(value.clone(), path.clone())
                .random(random);
            for gateway in [None, Some("mesh".to_owned()), Some(value.clone())] {
                request.gateway = gateway;
                let decision = mesh.route(&request);
                prop_assert!(serde_json::to_string(&decision).is_ok());
                prop_assert!(!decision.path().is_empty() || RequestView::path(&request).is_empty() || value.is_empty());
            }
        }
    }
}
