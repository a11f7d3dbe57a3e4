//! The traffic policy of a host, of a subset and of a port.

use super::{address::is_ip, client_tls, connection_pool, duration, load_balancer, sink::Sink};
use crate::names::check_fqdn;
use crate::networking::{OutlierDetection, PortTrafficPolicy, TrafficPolicy, TunnelSettings};
use crate::path::Path;

/// Checks a policy.
pub(super) fn check(policy: &TrafficPolicy, path: &Path<'_>, sink: &mut Sink<'_>) {
    let ports = policy.port_level_settings.as_deref().unwrap_or_default();
    if policy.outlier_detection.is_none()
        && policy.connection_pool.is_none()
        && policy.load_balancer.is_none()
        && policy.tls.is_none()
        && ports.is_empty()
        && policy.tunnel.is_none()
        && policy.proxy_protocol.is_none()
        && policy.retry_budget.is_none()
    {
        sink.error("V084", path, "a traffic policy needs at least one field")
            .help("remove it, or say what it changes");
        return;
    }
    if policy.tunnel.is_some() && policy.proxy_protocol.is_some() {
        sink.error("V084", path, "tunnel and proxyProtocol cannot be combined in one policy")
            .help("keep one of them");
        return;
    }
    let outlier = policy.outlier_detection.as_ref();
    check_outlier(outlier, &path.field("outlierDetection"), sink);
    connection_pool::check(policy.connection_pool.as_ref(), &path.field("connectionPool"), sink);
    load_balancer::check(policy.load_balancer.as_ref(), outlier, &path.field("loadBalancer"), sink);
    client_tls::check(policy.tls.as_ref(), &path.field("tls"), sink);
    sink.where_warnings_are_lost(|sink| check_ports(ports, &path.field("portLevelSettings"), sink));
    if let Some(tunnel) = &policy.tunnel {
        check_tunnel(tunnel, &path.field("tunnel"), sink);
    }
    if let Some(percent) = policy.retry_budget.as_ref().and_then(|budget| budget.percent)
        && !(0.0..=100.0).contains(&percent.get())
    {
        let budget = path.field("retryBudget");
        sink.error("S003", &budget.field("percent"), "percent must be in 0..100").found(percent);
    }
}

fn check_ports(ports: &[PortTrafficPolicy], path: &Path<'_>, sink: &mut Sink<'_>) {
    if ports.len() > 4096 {
        sink.error("S006", path, "portLevelSettings can have 4096 entries at most")
            .found(ports.len());
    }
    let mut seen = std::collections::HashSet::new();
    for (index, policy) in ports.iter().enumerate() {
        let place = path.index(index);
        let at_port = place.field("port");
        match &policy.port {
            None => {
                sink.error("V094", &at_port, "a port is required").help("give `port: {number: …}`");
            }
            Some(port) => {
                let number = port.number.unwrap_or(0);
                if number == 0 || number > 65535 {
                    sink.warning(
                        "C010",
                        &at_port,
                        "no service has this port, the settings have no effect",
                    )
                    .found(number);
                } else if !seen.insert(number) {
                    sink.warning(
                        "C010",
                        &at_port,
                        "the port has settings already, only the first count",
                    )
                    .found(number);
                }
            }
        }
        if policy.outlier_detection.is_none()
            && policy.connection_pool.is_none()
            && policy.load_balancer.is_none()
            && policy.tls.is_none()
        {
            sink.error("V094", &place, "the policy of a port needs at least one field")
                .help("set connectionPool, loadBalancer, outlierDetection or tls");
            continue;
        }
        let outlier = policy.outlier_detection.as_ref();
        check_outlier(outlier, &place.field("outlierDetection"), sink);
        connection_pool::check(
            policy.connection_pool.as_ref(),
            &place.field("connectionPool"),
            sink,
        );
        load_balancer::check(
            policy.load_balancer.as_ref(),
            outlier,
            &place.field("loadBalancer"),
            sink,
        );
        client_tls::check(policy.tls.as_ref(), &place.field("tls"), sink);
    }
}

fn check_outlier(outlier: Option<&OutlierDetection>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(outlier) = outlier else { return };
    duration::check(outlier.base_ejection_time.as_ref(), &path.field("baseEjectionTime"), sink);
    if outlier.consecutive_errors.unwrap_or(0) != 0 {
        sink.warning("V088", &path.field("consecutiveErrors"), "consecutiveErrors is deprecated")
            .help("use consecutiveGatewayErrors or consecutive5xxErrors");
    }
    if outlier.consecutive_local_origin_failures.unwrap_or(0) > 0
        && outlier.split_external_local_origin_errors != Some(true)
    {
        sink.error(
            "V088",
            &path.field("consecutiveLocalOriginFailures"),
            "consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors",
        )
        .help("set `splitExternalLocalOriginErrors: true`");
    }
    duration::check(outlier.interval.as_ref(), &path.field("interval"), sink);
    for (field, percent) in [
        ("maxEjectionPercent", outlier.max_ejection_percent),
        ("minHealthPercent", outlier.min_health_percent),
    ] {
        let percent = percent.unwrap_or(0);
        if !(0..=100).contains(&percent) {
            sink.error("V088", &path.field(field), format!("{field} must be in 0..100"))
                .found(percent);
        }
    }
    let codes = path.field("outlierDetectionHttpErrorCodes");
    for (index, code) in outlier.outlier_detection_http_error_codes.iter().flatten().enumerate() {
        if !(100..=599).contains(code) {
            sink.error("S004", &codes.index(index), "an HTTP status must be in 100..599")
                .found(code);
        }
    }
}

fn check_tunnel(tunnel: &TunnelSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(protocol) = tunnel.protocol.as_deref()
        && !matches!(protocol, "" | "CONNECT" | "POST")
    {
        sink.error("V095", &path.field("protocol"), "a tunnel uses `CONNECT` or `POST`")
            .found(protocol);
    }
    let host = tunnel.target_host.as_str();
    if let Err(reason) = check_fqdn(host)
        && !is_ip(host)
    {
        sink.error(
            "V095",
            &path.field("targetHost"),
            format!("neither a host name nor an IP address: {reason}"),
        )
        .found(host);
    }
    if !(1..=65535).contains(&tunnel.target_port) {
        sink.error("V095", &path.field("targetPort"), "the number of a port must be in 1..65535")
            .found(tunnel.target_port);
    }
}
