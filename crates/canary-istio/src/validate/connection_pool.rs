//! Limits of connections.

use super::{duration, sink::Sink};
use crate::networking::{ConnectionPoolSettings, H2UpgradePolicy, HttpSettings, TcpSettings};
use crate::path::Path;

/// Checks the limits.
pub(super) fn check(pool: Option<&ConnectionPoolSettings>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(pool) = pool else { return };
    if pool.http.is_none() && pool.tcp.is_none() {
        sink.error("V089", path, "a connection pool needs at least one field")
            .help("set `tcp`, `http` or both");
        return;
    }
    if let Some(http) = &pool.http {
        check_http(http, &path.field("http"), sink);
    }
    if let Some(tcp) = &pool.tcp {
        check_tcp(tcp, &path.field("tcp"), sink);
    }
}

fn not_negative(value: Option<i32>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(value) = value
        && value < 0
    {
        sink.error("V089", path, "a limit must be 0 or more").found(value);
    }
}

fn check_http(http: &HttpSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (field, value) in [
        ("http1MaxPendingRequests", http.http1_max_pending_requests),
        ("http2MaxRequests", http.http2_max_requests),
        ("maxRequestsPerConnection", http.max_requests_per_connection),
        ("maxRetries", http.max_retries),
        ("maxConcurrentStreams", http.max_concurrent_streams),
    ] {
        not_negative(value, &path.field(field), sink);
    }
    duration::check(http.idle_timeout.as_ref(), &path.field("idleTimeout"), sink);
    if http.h2_upgrade_policy == Some(H2UpgradePolicy::Upgrade)
        && http.use_client_protocol == Some(true)
    {
        sink.error(
            "V089",
            &path.field("useClientProtocol"),
            "useClientProtocol and h2UpgradePolicy UPGRADE contradict each other",
        )
        .help("keep one of them");
    }
    if let Some(keepalive) = &http.http2_keep_alive {
        let place = path.field("http2KeepAlive");
        for (field, value) in [("interval", &keepalive.interval), ("timeout", &keepalive.timeout)] {
            if value.is_none() {
                sink.error("V089", &place.field(field), format!("http2KeepAlive needs {field}"));
            }
            duration::check(value.as_ref(), &place.field(field), sink);
        }
    }
}

fn check_tcp(tcp: &TcpSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    not_negative(tcp.max_connections, &path.field("maxConnections"), sink);
    duration::check(tcp.connect_timeout.as_ref(), &path.field("connectTimeout"), sink);
    duration::check(
        tcp.max_connection_duration.as_ref(),
        &path.field("maxConnectionDuration"),
        sink,
    );
    // Anything below a millisecond counts as 0, which switches the timeout off.
    let idle = tcp.idle_timeout.as_ref().filter(|idle| idle.nanos() / 1_000_000 != 0);
    duration::check(idle, &path.field("idleTimeout"), sink);
    if let Some(keepalive) = &tcp.tcp_keepalive {
        let place = path.field("tcpKeepalive");
        duration::check(keepalive.time.as_ref(), &place.field("time"), sink);
        duration::check(keepalive.interval.as_ref(), &place.field("interval"), sink);
    }
}
