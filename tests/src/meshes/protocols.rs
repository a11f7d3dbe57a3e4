//! Services of other protocols than HTTP in generated meshes.

use serde_json::{Value, json};

use super::draw::Draw;

/// The protocols that a port is given; empty for one that the proxy has to find out.
const PROTOCOLS: &[&str] = &["http", "http", "", "", "tcp", "tcp", "tls", "mongo"];

/// Gives the ports of services other protocols, and some hosts outside of the cluster a range of addresses.
pub fn mix<'o>(draw: &mut Draw, objects: impl Iterator<Item = &'o mut Value>) {
    for object in objects {
        if object["kind"] == "Sidecar" {
            continue;
        }
        let kubernetes = object["kind"] == "Service";
        for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
            let protocol = draw.one(PROTOCOLS);
            if kubernetes {
                let number = &port["port"];
                let word = if protocol.is_empty() { "port" } else { protocol };
                port["name"] = json!(format!("{word}-{number}"));
            } else {
                port["protocol"] = json!(protocol.to_ascii_uppercase());
            }
        }
        if !kubernetes && draw.once_in(5) {
            object["spec"]["addresses"] = json!(["10.8.0.0/16"]);
        }
    }
}
