//! Listeners of a `Gateway`.

use std::collections::BTreeMap;

use super::{forms, limits, references};
use crate::{
    gateway_api::{Listener, ListenerTlsMode},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(listeners: &[Listener], path: &Path<'_>, sink: &mut Sink<'_>) {
    limits::entries(listeners.len(), 1..=64, path, sink);
    for (index, listener) in listeners.iter().enumerate() {
        let place = path.index(index);
        one(listener, &place, sink);
        protocol(listener, &place, sink);
        let before = &listeners[..index];
        if before.iter().any(|other| other.name == listener.name) {
            sink.error("G125", &place.field("name"), "another listener has this name")
                .found(&listener.name)
                .help("give each listener a name of its own");
        }
        let twin = before.iter().find(|other| {
            other.port == listener.port
                && other.protocol == listener.protocol
                && other.hostname == listener.hostname
        });
        if let Some(twin) = twin {
            sink.error(
                "G126",
                &place,
                format!("listener {} has the same port, protocol and hostname", twin.name),
            )
            .help("remove one of them, or correct its hostname");
        }
    }
}

fn one(listener: &Listener, path: &Path<'_>, sink: &mut Sink<'_>) {
    forms::text(&listener.name, &forms::SECTION, &path.field("name"), sink);
    let host = listener.hostname.as_ref();
    forms::optional(host, &forms::HOSTNAME, &path.field("hostname"), sink);
    limits::port(listener.port, &path.field("port"), sink);
    forms::text(&listener.protocol, &forms::PROTOCOL, &path.field("protocol"), sink);
    if let Some(kinds) = listener.allowed_routes.as_ref().and_then(|one| one.kinds.as_ref()) {
        let allowed = path.field("allowedRoutes");
        let path = allowed.field("kinds");
        limits::entries(kinds.len(), 0..=8, &path, sink);
        for (index, kind) in kinds.iter().enumerate() {
            let place = path.index(index);
            forms::optional(kind.group.as_ref(), &forms::GROUP, &place.field("group"), sink);
            forms::text(&kind.kind, &forms::KIND, &place.field("kind"), sink);
        }
    }
    if let Some(namespaces) =
        listener.allowed_routes.as_ref().and_then(|one| one.namespaces.as_ref())
        && namespaces.from == Some(crate::gateway_api::FromNamespaces::None)
    {
        let allowed = path.field("allowedRoutes");
        sink.error(
            "G209",
            &allowed.field("namespaces").field("from"),
            "routes cannot come from `None`",
        )
        .found("None")
        .help("write All, Selector or Same");
    }
}

fn protocol(listener: &Listener, path: &Path<'_>, sink: &mut Sink<'_>) {
    let place = path.field("tls");
    let name = listener.protocol.as_str();
    if matches!(name, "TCP" | "UDP") && listener.hostname.is_some() {
        sink.error(
            "G130",
            &path.field("hostname"),
            format!("a listener of {name} cannot tell host names apart"),
        )
        .help("remove the hostname");
    }
    let Some(tls) = &listener.tls else {
        if name == "TLS" {
            sink.error("G129", path, "a listener of TLS has no tls with a mode")
                .help("add tls with mode Terminate or Passthrough");
        }
        return;
    };
    let mode = tls.mode.unwrap_or_default();
    if matches!(name, "HTTP" | "TCP" | "UDP") {
        sink.error("G127", &place, format!("a listener of {name} has no TLS"))
            .help("remove tls, or make the protocol HTTPS or TLS");
    }
    if name == "HTTPS" && mode != ListenerTlsMode::Terminate {
        sink.error("G128", &place.field("mode"), "a listener of HTTPS cannot pass TLS through")
            .help("write mode Terminate, or make the protocol TLS");
    }
    let certificates = tls.certificate_refs.as_deref().unwrap_or_default();
    let options = tls.options.as_ref();
    if mode == ListenerTlsMode::Terminate
        && certificates.is_empty()
        && options.is_none_or(BTreeMap::is_empty)
    {
        sink.error("G131", &place, "the listener ends TLS, and has no certificate")
            .help("name the Secret in certificateRefs");
    }
    let path = place.field("certificateRefs");
    limits::entries(certificates.len(), 0..=64, &path, sink);
    for (index, secret) in certificates.iter().enumerate() {
        references::secret(secret, &path.index(index), sink);
    }
    let path = place.field("options");
    limits::entries(options.map_or(0, BTreeMap::len), 0..=16, &path, sink);
    for (key, value) in options.into_iter().flatten() {
        limits::characters(value, 0..=4096, &path.key(key), sink);
    }
}
