//! Generated objects without what Istio's admission refuses, where meshes of admitted objects are wanted.

use canary_core::{
    Object, VirtualService,
    istio::{HttpDelayType, HttpMatchRequest, HttpRoute, StringMatch},
    names::covers,
};

/// Corrects what the generators often draw and Istio refuses. `mesh` is true for services of sidecars.
pub fn mend(service: &mut VirtualService, mesh: bool) {
    let hosts = service.spec.hosts.get_or_insert_default();
    if mesh {
        hosts.retain(|host| host != "*");
    }
    if let [one, other] = hosts.as_slice()
        && (one == other || covers(one, other) || covers(other, one))
    {
        hosts.truncate(1);
    }
    let gateways = service.spec.gateways.as_deref().unwrap_or_default();
    let at_gateway =
        !mesh && gateways.iter().all(|gateway| gateway != "mesh") && !gateways.is_empty();
    for gateway in service.spec.gateways.iter_mut().flatten() {
        if let Some(name) = gateway.strip_prefix("./") {
            *gateway = name.to_owned();
        }
    }
    for rule in service.spec.http.iter_mut().flatten() {
        mend_rule(rule);
        for entry in rule.matches.iter_mut().flatten() {
            mend_match(entry, at_gateway);
        }
    }
}

fn mend_rule(rule: &mut HttpRoute) {
    if let Some(retries) = &mut rule.retries
        && retries.attempts.unwrap_or(0) == 0
        && (retries.retry_on.is_some() || retries.per_try_timeout.is_some())
    {
        retries.attempts = Some(1);
    }
    if let Some(delay) = rule.fault.as_mut().and_then(|fault| fault.delay.as_mut())
        && let Some(HttpDelayType::ExponentialDelay(time)) = &delay.http_delay_type
    {
        delay.http_delay_type = Some(HttpDelayType::FixedDelay(time.clone()));
    }
}

fn mend_match(entry: &mut HttpMatchRequest, at_gateway: bool) {
    let maps = [&mut entry.headers, &mut entry.without_headers, &mut entry.query_params];
    for map in maps.into_iter().flatten() {
        map.retain(|name, _| at_gateway || !name.starts_with('@'));
        for text in map.values_mut() {
            if matches!(text, StringMatch::Regex(expression) if expression == "*") {
                *text = StringMatch::regex(".*");
            }
        }
    }
}

/// The hosts of the services of a mesh, with a name for each wildcard.
pub fn hosts(objects: &[Object]) -> Vec<String> {
    let services = objects.iter().filter_map(|object| match object {
        Object::VirtualService(service) => service.spec.hosts.as_ref(),
        _ => None,
    });
    services.flatten().map(|host| host.replacen('*', "x.b", 1)).collect()
}
