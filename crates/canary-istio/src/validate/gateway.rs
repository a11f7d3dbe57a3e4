//! A `Gateway`.

use std::collections::HashSet;

use super::{Options, Validate, address::is_ip, metadata, server_tls, sink::Sink};
use crate::names::{check_wildcard_domain, is_label};
use crate::path::Path;
use crate::{
    finding::Findings,
    names::server_host,
    networking::{Gateway, GatewaySpec, Port, Server, ServerTlsMode, ServerTlsSettings},
};

impl Validate for Gateway {
    fn validate_with(&self, options: &Options) -> Findings {
        let namespace = self.metadata.namespace.as_deref().unwrap_or(&options.namespace);
        let mut sink = Sink::new(options, namespace);
        if metadata::check(&self.metadata, &mut sink) {
            if !is_label(self.name()) {
                sink.error(
                    "V020",
                    &Path::root("metadata").field("name"),
                    "the name of a Gateway must be a DNS label: letters, digits and inner hyphens, 63 at most",
                )
                .found(self.name());
            }
            check(&self.spec, &mut sink);
        }
        sink.finish(|| super::object_name("Gateway", namespace, self.name()))
    }
}

/// The protocol of a port, as Istio reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP in plain text, of any version.
    Http,
    /// HTTPS or TLS.
    Tls,
    /// Any other that is known.
    Other,
}

/// Reads the protocol of a port, in any case.
pub(crate) fn protocol(name: &str) -> Option<Protocol> {
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    if ["HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB"].iter().any(is) {
        Some(Protocol::Http)
    } else if ["HTTPS", "TLS"].iter().any(is) {
        Some(Protocol::Tls)
    } else if ["TCP", "UDP", "MONGO", "REDIS", "MYSQL"].iter().any(is) {
        Some(Protocol::Other)
    } else {
        None
    }
}

fn check(spec: &GatewaySpec, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let list = root.field("servers");
    let servers = spec.servers.as_deref().unwrap_or_default();
    if servers.is_empty() {
        sink.error("V021", &list, "a Gateway needs at least one server");
    }
    let mut names = HashSet::new();
    for (index, server) in servers.iter().enumerate() {
        let place = list.index(index);
        check_server(server, &place, sink);
        let at_port = place.field("port");
        if !names.insert(server.port.name.as_str()) {
            sink.error(
                "V023",
                &at_port.field("name"),
                "the name of a port is used by an earlier server",
            )
            .found(&server.port.name)
            .help("give each server a port name of its own");
        }
        if server.tls.as_ref().is_some_and(|tls| tls.https_redirect == Some(true))
            && protocol(&server.port.protocol) != Some(Protocol::Http)
        {
            let tls = place.field("tls");
            sink.warning(
                "V024",
                &tls.field("httpsRedirect"),
                "httpsRedirect has an effect on HTTP servers only",
            )
            .help("remove it here and set it on the server of port 80");
        }
    }
}

fn check_server(server: &Server, path: &Path<'_>, sink: &mut Sink<'_>) {
    let hosts = server.hosts.as_deref().unwrap_or_default();
    let list = path.field("hosts");
    if hosts.is_empty() {
        sink.error("V025", &list, "a server needs at least one host")
            .help("write `hosts: [\"*\"]` for any host");
    }
    for (index, host) in hosts.iter().enumerate() {
        check_host(host, &list.index(index), sink);
    }
    let bind = server.bind.as_deref().unwrap_or_default();
    let before = sink.errors();
    check_server_port(&server.port, bind, &path.field("port"), sink);
    let port_is_valid = sink.errors() == before;
    check_bind(&server.port, bind, &path.field("bind"), sink);
    let tls_path = path.field("tls");
    if let Some(tls) = &server.tls {
        server_tls::check(tls, &tls_path, sink);
    }
    if port_is_valid {
        check_tls_presence(server.tls.as_ref(), protocol(&server.port.protocol), &tls_path, sink);
    }
}

fn check_host(host: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Err(reason) = check_host_form(host) {
        sink.error("V026", path, reason).found(host).help(
            "write `[namespace/]name`, such as `*`, `*.example.com` or `prod/api.example.com`",
        );
    }
}

fn check_host_form(host: &str) -> Result<(), String> {
    let (namespace, name) = server_host(host);
    if let Some(namespace) = namespace {
        if namespace.is_empty() || name.is_empty() {
            return Err("both the namespace and the name must be given around `/`".to_owned());
        }
        if !matches!(namespace, "*" | ".") && !is_label(namespace) {
            return Err("the namespace of a host must be `*`, `.` or a DNS label".to_owned());
        }
    }
    if name != "*" && !name.contains('.') {
        return Err("a short name is not the host of a server; it must have a dot".to_owned());
    }
    if let Err(reason) = check_wildcard_domain(name)
        && !is_ip(name)
    {
        return Err(format!("not a host name: {reason}"));
    }
    if name.contains('*') && name != "*" && !name.starts_with("*.") {
        return Err("a wildcard must be a whole label, as in `*.example.com`".to_owned());
    }
    Ok(())
}

const UNIX: &str = "unix://";

fn check_server_port(port: &Port, bind: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if *port == Port::default() {
        sink.error("V027", path, "a server needs a port")
            .help("give it `number`, `protocol` and `name`");
        return;
    }
    if protocol(&port.protocol).is_none() {
        sink.error("V028", &path.field("protocol"), "not a protocol that Istio knows")
            .found(&port.protocol)
            .help("use HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, HTTP_PROXY, TLS, TCP, UDP, MONGO, REDIS or MYSQL");
    }
    let number = port.number.unwrap_or(0);
    if number > 65535 || (number == 0 && !bind.starts_with(UNIX)) {
        sink.error("V029", &path.field("number"), "the number of a port must be in 1..65535")
            .found(port.number);
    } else if port.number.is_none() {
        // Istio takes a missing number for 0, which a Unix socket has; the schema does not.
        sink.error("S013", &path.field("number"), "the number of a port is missing")
            .help("write `number: 0` for a Unix socket");
    }
    if port.target_port.unwrap_or(0) > 0 {
        sink.error("V030", &path.field("targetPort"), "targetPort has no meaning in a Gateway")
            .found(port.target_port)
            .help("remove it");
    }
    if port.name.is_empty() {
        sink.error("V031", &path.field("name"), "a port needs a name")
            .help("name it after its protocol, such as `http`");
    }
}

fn check_bind(port: &Port, bind: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(socket) = bind.strip_prefix(UNIX) {
        if socket.is_empty() {
            sink.error("V032", path, "the path of a Unix socket is missing").found(bind);
        } else if !socket.starts_with('@') && (!socket.starts_with('/') || socket.ends_with('/')) {
            sink.error(
                "V032",
                path,
                "a Unix socket needs the absolute path of a file, or `@` and a name",
            )
            .found(bind);
        }
        if port.number.is_some_and(|number| number != 0) {
            sink.error("V032", path, "the number of the port must be 0 for a Unix socket")
                .found(port.number);
        }
    } else if !bind.is_empty() && !is_ip(bind) {
        sink.error("V032", path, "a server binds to an IP address or to `unix://` and a path")
            .found(bind);
    }
}

fn check_tls_presence(
    tls: Option<&ServerTlsSettings>,
    protocol: Option<Protocol>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    match (protocol, tls) {
        (Some(Protocol::Tls), None) => sink
            .error("V033", path, "an HTTPS or TLS server needs TLS settings")
            .help("set `mode`, and `credentialName` for the modes that end TLS"),
        (Some(Protocol::Http), Some(tls)) => {
            let passes = matches!(
                tls.mode.unwrap_or_default(),
                ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough
            );
            let has_files = [&tls.ca_certificates, &tls.private_key, &tls.server_certificate]
                .into_iter()
                .flatten()
                .any(|file| !file.is_empty());
            if !passes || has_files {
                sink.error(
                    "V034",
                    path,
                    "a plain HTTP server can have httpsRedirect as its only TLS setting",
                )
                .help("change the protocol of the port to HTTPS, or remove the settings");
            }
        }
        (Some(Protocol::Other), Some(_)) => sink
            .error("V035", path, "only HTTPS and TLS servers can have TLS settings")
            .help("change the protocol of the port to TLS, or remove the settings"),
        _ => {}
    }
}
