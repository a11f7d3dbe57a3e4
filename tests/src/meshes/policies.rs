//! Generated traffic policies.

use canary_core::istio::{
    ConnectionPoolSettings, ConsistentHashLb, HashAlgorithm, HashKey, HttpSettings, LbPolicy,
    LoadBalancerSettings, MagLev, OutlierDetection, PortSelector, PortTrafficPolicy, RingHash,
    SimpleLb, TcpSettings, TrafficPolicy,
};

use super::draw::Draw;

/// A policy, with entries for ports if it is not one of those.
pub(super) fn policy(draw: &mut Draw) -> TrafficPolicy {
    let mut policy = TrafficPolicy {
        load_balancer: draw.maybe(2, balancer),
        connection_pool: draw.maybe(3, pool),
        outlier_detection: draw.maybe(3, ejection),
        port_level_settings: draw.maybe(3, |draw| {
            let mut ports = vec![80, 8080, 8501];
            ports.truncate(1 + usize::try_from(draw.below(3)).unwrap());
            ports
                .into_iter()
                .map(|port| PortTrafficPolicy {
                    port: Some(PortSelector { number: Some(port) }),
                    load_balancer: draw.maybe(2, balancer),
                    connection_pool: draw.maybe(3, pool),
                    outlier_detection: draw.maybe(1, ejection),
                    tls: None,
                })
                .collect()
        }),
        ..TrafficPolicy::default()
    };
    if policy == TrafficPolicy::default() {
        policy.load_balancer = Some(balancer(draw));
    }
    policy
}

fn balancer(draw: &mut Draw) -> LoadBalancerSettings {
    let policy = match draw.below(6) {
        0 => LbPolicy::Simple(SimpleLb::RoundRobin),
        1 => LbPolicy::Simple(SimpleLb::Random),
        2 => LbPolicy::Simple(SimpleLb::LeastRequest),
        _ => LbPolicy::ConsistentHash(ConsistentHashLb {
            hash_key: Some(match draw.below(3) {
                0 => HashKey::HttpHeaderName("x-user".to_owned()),
                1 => HashKey::UseSourceIp(true),
                _ => HashKey::HttpQueryParameterName("q".to_owned()),
            }),
            hash_algorithm: match draw.below(3) {
                0 => Some(HashAlgorithm::RingHash(RingHash { minimum_ring_size: Some(64) })),
                1 => Some(HashAlgorithm::Maglev(MagLev { table_size: Some(101) })),
                _ => None,
            },
            minimum_ring_size: None,
        }),
    };
    LoadBalancerSettings { lb_policy: Some(policy), ..LoadBalancerSettings::default() }
}

fn pool(draw: &mut Draw) -> ConnectionPoolSettings {
    ConnectionPoolSettings {
        tcp: draw.maybe(1, |draw| TcpSettings {
            max_connections: draw.maybe(1, |_| 100),
            connect_timeout: draw.maybe(2, |_| "3s".parse().unwrap()),
            ..TcpSettings::default()
        }),
        http: draw.maybe(2, |draw| HttpSettings {
            http1_max_pending_requests: draw.maybe(1, |_| 50),
            http2_max_requests: draw.maybe(2, |_| 200),
            max_retries: draw.maybe(2, |_| 7),
            ..HttpSettings::default()
        }),
    }
}

fn ejection(draw: &mut Draw) -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx_errors: draw.maybe(2, |draw| if draw.once_in(4) { 0 } else { 9 }),
        consecutive_gateway_errors: draw.maybe(3, |_| 8),
        interval: draw.maybe(2, |_| "20s".parse().unwrap()),
        base_ejection_time: draw.maybe(2, |_| "40s".parse().unwrap()),
        max_ejection_percent: draw.maybe(2, |_| 30),
        ..OutlierDetection::default()
    }
}
