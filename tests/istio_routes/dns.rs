//! The addresses to which a client connects: a name that it calls, as its resolver finds it.

use canary_core::Object;
use serde_json::Value;

use super::stock::{list, text};

/// The address that a name leads to from a namespace; `None` when no object gives it one.
pub(crate) fn address(objects: &[Object], namespace: &str, authority: &str) -> Option<String> {
    let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Some(host);
    }
    let objects: Vec<Value> =
        objects.iter().filter_map(|object| serde_json::to_value(object).ok()).collect();
    let absolute = host.strip_suffix('.');
    let searched =
        ["", &format!(".{namespace}.svc.cluster.local"), ".svc.cluster.local", ".cluster.local"]
            .map(|domain| format!("{host}{domain}"));
    match absolute {
        Some(host) => of_host(&objects, host),
        None => searched.iter().find_map(|host| of_host(&objects, host)),
    }
}

fn of_host(objects: &[Value], host: &str) -> Option<String> {
    objects.iter().find_map(|object| {
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        if object["kind"] == "ServiceEntry" && list(&spec["hosts"]).any(|own| own == host) {
            return spec["addresses"][0].as_str().map(|address| address.replace("0/16", "1"));
        }
        let own = format!(
            "{}.{}.svc.cluster.local",
            text(&metadata["name"]),
            text(&metadata["namespace"])
        );
        if object["kind"] != "Service" || own != host {
            return None;
        }
        match spec["externalName"].as_str() {
            Some(other) => of_host(objects, other),
            None => spec["clusterIP"].as_str().map(str::to_owned),
        }
    })
}
