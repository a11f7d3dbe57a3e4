//! Generated routes.

use serde_json::{Value, json};

use super::{super::draw::Draw, NAMESPACES, filters, gateways::GATEWAY, matches, metadata, put};

/// A route of either kind.
pub(super) fn route(draw: &mut Draw, number: u64, mesh: bool) -> Value {
    let grpc = draw.once_in(4);
    let namespace = draw.one(&NAMESPACES);
    let mut spec = json!({});
    let parents = draw.several(1, 2, |draw| if mesh { of_mesh(draw) } else { of_gateway(draw) });
    spec["parentRefs"] = json!(parents);
    if !draw.once_in(4) {
        let mut names = draw.several(1, 3, |draw| {
            draw.one(&[
                "a.example.com",
                "a.example.com",
                "b.example.com",
                "*.example.com",
                "x.b.example.com",
                "*.b.example.com",
                "*.com",
                "model.example.org",
            ])
        });
        names.sort_unstable();
        names.dedup();
        spec["hostnames"] = json!(names);
    }
    if !draw.once_in(30) {
        let mut rules = draw.several(1, 3, |draw| rule(draw, grpc));
        if let Some(last) = rules.last_mut().filter(|_| draw.once_in(2)) {
            // Otherwise most requests fit no rule.
            last.as_object_mut().unwrap().remove("matches");
        }
        spec["rules"] = json!(rules);
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": if grpc { "GRPCRoute" } else { "HTTPRoute" },
        "metadata": metadata(draw, &format!("r{number}"), namespace), "spec": spec,
    })
}

fn of_gateway(draw: &mut Draw) -> Value {
    let mut parent = json!({"name": GATEWAY, "namespace": "default"});
    put(&mut parent, "sectionName", draw.maybe(4, |draw| json!(draw.one(&["l1", "l2", "l3"]))));
    put(&mut parent, "port", draw.maybe(8, |draw| json!(if draw.once_in(2) { 80 } else { 8080 })));
    parent
}

fn of_mesh(draw: &mut Draw) -> Value {
    let (name, namespace, ports) = match draw.below(6) {
        0 | 1 => ("model", "default", [8501, 8501]),
        2 | 3 => ("other", "default", [80, 8080]),
        4 => ("model", "shop", [9000, 9000]),
        _ => ("empty", "default", [80, 80]),
    };
    let mut parent = json!({"group": "", "kind": "Service", "name": name, "namespace": namespace});
    let port = draw.maybe(3, |draw| {
        json!(if draw.once_in(6) { 81 } else { ports[usize::from(draw.once_in(2))] })
    });
    put(&mut parent, "port", port);
    parent
}

fn rule(draw: &mut Draw, grpc: bool) -> Value {
    let mut rule = json!({});
    put(&mut rule, "name", draw.maybe(6, |draw| json!(draw.one(&["main", "probe"]))));
    let found: Vec<Value> = if draw.once_in(5) {
        Vec::new()
    } else {
        draw.several(1, 3, if grpc { matches::grpc } else { matches::http })
    };
    let prefix = found.len() == 1 && {
        let path = &found[0]["path"];
        path.is_null() || path["type"].is_null() || path["type"] == "PathPrefix"
    };
    put(&mut rule, "matches", (!found.is_empty()).then(|| json!(found)));
    let (filters, redirects) = filters::of_rule(draw, grpc, prefix);
    put(&mut rule, "filters", (!filters.is_empty()).then(|| json!(filters)));
    if !redirects && !draw.once_in(20) {
        rule["backendRefs"] = json!(draw.several(1, 3, backend));
    }
    if !grpc {
        put(&mut rule, "timeouts", draw.maybe(6, timeouts));
        put(&mut rule, "retry", draw.maybe(8, retry));
    }
    rule
}

/// A backend that mostly exists.
pub(super) fn backend(draw: &mut Draw) -> Value {
    let (name, port) = match draw.below(10) {
        0..=3 => ("model", 8501),
        4..=6 => ("other", if draw.once_in(2) { 80 } else { 8080 }),
        7 => ("empty", 80),
        8 => ("missing", 80),
        _ => ("alias", 80),
    };
    let port = if draw.once_in(15) { 1 } else { port };
    let mut backend = json!({"name": name, "port": port});
    match draw.below(12) {
        0 => backend["namespace"] = json!("default"),
        1 => backend = json!({"name": "model", "namespace": "shop", "port": 9000}),
        2 if draw.once_in(3) => {
            backend = json!({"group": "x.io", "kind": "Thing", "name": "t", "port": 80});
        }
        3 if draw.once_in(8) => backend = json!({"name": "model.default", "port": 8501}),
        _ => {}
    }
    put(
        &mut backend,
        "weight",
        match draw.below(4) {
            0 => None,
            1 => Some(json!(0)),
            2 => Some(json!(7)),
            _ => Some(json!(100)),
        },
    );
    let filters = filters::of_backend(draw);
    put(&mut backend, "filters", (!filters.is_empty()).then(|| json!(filters)));
    backend
}

fn timeouts(draw: &mut Draw) -> Value {
    let mut timeouts = json!({});
    put(
        &mut timeouts,
        "request",
        draw.maybe(2, |draw| json!(draw.one(&["5s", "1m", "0s", "30s500ms"]))),
    );
    put(
        &mut timeouts,
        "backendRequest",
        draw.maybe(2, |draw| json!(draw.one(&["4s", "2s", "0s"]))),
    );
    timeouts
}

fn retry(draw: &mut Draw) -> Value {
    let mut retry = json!({});
    put(&mut retry, "codes", draw.maybe(2, |_| json!([500, 503])));
    put(&mut retry, "attempts", draw.maybe(2, |draw| json!(1 + draw.below(3))));
    put(&mut retry, "backoff", draw.maybe(3, |_| json!("100ms")));
    retry
}
