//! Generated objects and requests: routes of others, left-overs, and conditions on the same header.

use proptest::{
    collection::{btree_map, vec},
    option::of,
    prelude::*,
    sample::select,
};

use super::*;

/// Names of headers, one of them in two spellings.
const NAMES: &[&str] = &["user-group", "User-Group", "x-more", "x-canary-probe"];
const VALUES: &[&str] = &["canary", "can", "ca", "staff", "s", ""];
const PATTERNS: &[&str] = &[".*", "*", "can.*", "staff|canary", "st.*"];
const PATHS: &[&str] = &["/", "/v1", "/v1/models/m:predict", "/v2"];

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    (any::<bool>(), any::<bool>()).prop_map(|(header, mirrored)| {
        let mut plan = plan();
        if !header {
            plan.header = None;
        }
        if mirrored {
            plan.steps[0].mirror = 50.into();
        }
        plan.route("target")
    })
}

fn text(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(values).prop_map(|value| json!({"exact": value})),
        2 => select(values).prop_map(|value| json!({"prefix": value})),
        2 => select(PATTERNS).prop_map(|pattern| json!({"regex": pattern})),
        1 => Just(json!({})),
    ]
}

fn path() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(PATHS).prop_map(|path| json!({"exact": path})),
        select(PATHS).prop_map(|path| json!({"prefix": path})),
        Just(json!({"regex": ".*"})),
    ]
}

fn one_match() -> impl Strategy<Value = Value> {
    let map = || of(btree_map(select(NAMES), text(VALUES), 0..3));
    let method = of(select(&["GET", "POST"][..]).prop_map(|method| json!({"exact": method})));
    (of(path()), method, map(), map()).prop_map(|(uri, method, headers, without)| {
        let mut one = json!({});
        let fields = [
            ("uri", uri),
            ("method", method),
            ("headers", headers.map(|all| json!(all))),
            ("withoutHeaders", without.map(|all| json!(all))),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                one[field] = value;
            }
        }
        one
    })
}

/// The matches of a route; `null` for one without, which is rare enough that most routes are reached.
fn matches() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => vec(one_match(), 1..4).prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn route(name: &str, matches: &Value, entries: &Value) -> Value {
    let mut route = json!({"name": name, "timeout": "10s", "route": entries});
    if !matches.is_null() {
        route["match"] = matches.clone();
    }
    route
}

/// A route of somebody else, which may lead to the canary or to another service.
fn foreign() -> impl Strategy<Value = Value> {
    let to = select(
        &[("image-classifier", "resnet101"), ("image-classifier", "resnet50"), ("other", "x")][..],
    );
    (matches(), vec(to, 1..3)).prop_map(|(matches, to)| {
        let each = |(host, subset)| {
            let to = json!({"host": host, "subset": subset, "port": {"number": 8501}});
            json!({"destination": to, "weight": 1})
        };
        route("foreign", &matches, &to.into_iter().map(each).collect())
    })
}

/// A route that a rollout created and left behind, as it was or with other matches and destinations.
fn stale() -> impl Strategy<Value = Value> {
    let canary = select(&["resnet101", "resnet50", "resnet18"][..]);
    let exact = prop_oneof![
        2 => (select(NAMES), select(VALUES)).prop_map(|(name, value)| {
            json!([{"headers": {name: {"exact": value}}}])
        }),
        1 => matches(),
    ];
    (canary.clone(), exact, canary).prop_map(|(name, matches, subset)| {
        let to = json!({"host": "image-classifier", "subset": subset, "port": {"number": 8501}});
        let entries = json!([{"destination": to}]);
        route(&HeaderRoute::route_name(name), &matches, &entries)
    })
}

/// An object with the target among routes of others, and the same with left-overs between them.
pub(super) fn objects() -> impl Strategy<Value = (Value, Value)> {
    let entries = prop_oneof![
        Just(json!([entry("resnet50", 100), entry("resnet101", 0)])),
        Just(json!([entry("resnet50", 100)])),
    ];
    let target =
        (matches(), entries).prop_map(|(matches, entries)| route("target", &matches, &entries));
    let around = || vec(foreign(), 0..3);
    let stale = vec((any::<proptest::sample::Index>(), stale()), 0..3);
    (around(), target, around(), stale).prop_map(|(mut http, target, behind, stale)| {
        http.push(target);
        http.extend(behind);
        let bare = with_routes(&http.clone().into());
        for (place, route) in stale {
            http.insert(place.index(http.len() + 1), route);
        }
        (bare, with_routes(&http.into()))
    })
}

/// A request without the header of any plan.
pub(super) fn requests() -> impl Strategy<Value = Request> {
    let more = of(select(VALUES));
    (select(&["GET", "POST"][..]), select(PATHS), more, any::<u64>()).prop_map(
        |(method, path, more, random)| {
            let request = Request::new(method, &format!("http://x{path}")).random(random);
            more.into_iter().fold(request, |request, value| request.header("x-more", value))
        },
    )
}
