//! A `Gateway` as a whole, with the defaults of the API server.

use std::collections::BTreeMap;

use super::{addresses, forms, limits, listeners, parents::experimental_only, references};
use crate::{
    gateway_api::{FrontendTls, FrontendTlsConfig, Gateway, GatewayInfrastructure},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(gateway: &Gateway, sink: &mut Sink<'_>) {
    let spec = &gateway.spec;
    let root = Path::root("spec");
    forms::text(&spec.gateway_class_name, &forms::NAME, &root.field("gatewayClassName"), sink);
    listeners::check(&spec.listeners, &root.field("listeners"), sink);
    addresses::check(spec.addresses.as_ref(), &root.field("addresses"), sink);
    if let Some(infrastructure) = &spec.infrastructure {
        check_infrastructure(infrastructure, &root.field("infrastructure"), sink);
    }
    if let Some(tls) = &spec.tls {
        let path = root.field("tls");
        let backend = path.field("backend");
        if let Some(secret) =
            tls.backend.as_ref().and_then(|one| one.client_certificate_ref.as_ref())
        {
            references::secret(secret, &backend.field("clientCertificateRef"), sink);
        }
        if let Some(frontend) = &tls.frontend {
            check_frontend(frontend, &path.field("frontend"), sink);
        }
    }
    if spec.default_scope.is_some() {
        experimental_only(&root.field("defaultScope"), "the field", sink);
    }
}

fn check_infrastructure(
    infrastructure: &GatewayInfrastructure,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let GatewayInfrastructure { labels, annotations, parameters_ref } = infrastructure;
    let place = path.field("labels");
    keys(labels.as_ref(), 8, &place, sink);
    for (key, value) in labels.iter().flatten() {
        forms::text(value, &forms::LABEL_VALUE, &place.key(key), sink);
    }
    let place = path.field("annotations");
    keys(annotations.as_ref(), 16, &place, sink);
    for (key, value) in annotations.iter().flatten() {
        limits::characters(value, 0..=4096, &place.key(key), sink);
    }
    if let Some(reference) = parameters_ref {
        references::local(reference, &path.field("parametersRef"), sink);
    }
}

fn keys(map: Option<&BTreeMap<String, String>>, most: usize, path: &Path<'_>, sink: &mut Sink<'_>) {
    limits::entries(map.map_or(0, BTreeMap::len), 0..=most, path, sink);
    for key in map.into_iter().flatten().map(|(key, _)| key) {
        let place = path.key(key);
        forms::text(key, &forms::LABEL_KEY, &place, sink);
        let prefix = key.split('/').next().unwrap_or_default();
        if prefix.chars().count() >= 253 {
            sink.error(
                "G134",
                &place,
                "the part of the key before `/` must have 252 characters at most",
            )
            .found(key)
            .help("shorten the key");
        }
    }
}

fn check_frontend(frontend: &FrontendTls, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_config(&frontend.default, &path.field("default"), sink);
    let path = path.field("perPort");
    let ports = frontend.per_port.as_deref().unwrap_or_default();
    limits::entries(ports.len(), 0..=64, &path, sink);
    for (index, port) in ports.iter().enumerate() {
        let place = path.index(index);
        limits::port(port.port, &place.field("port"), sink);
        check_config(&port.tls, &place.field("tls"), sink);
        if ports[..index].iter().any(|other| other.port == port.port) {
            sink.error(
                "G135",
                &place.field("port"),
                format!("port {} stands in the list already", port.port),
            )
            .help("merge the two entries");
        }
    }
}

fn check_config(config: &FrontendTlsConfig, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(validation) = &config.validation else { return };
    let place = path.field("validation");
    let path = place.field("caCertificateRefs");
    limits::entries(validation.ca_certificate_refs.len(), 1..=16, &path, sink);
    for (index, reference) in validation.ca_certificate_refs.iter().enumerate() {
        references::object(reference, &path.index(index), sink);
    }
}
