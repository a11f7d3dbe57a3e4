use serde_json::{Value, json};

use super::{destination_rule, policy};

#[test]
pub(super) fn hosts_subsets_and_export() {
    for host in ["a", "*", "*.a", "a.b.svc.cluster.local"] {
        destination_rule(&json!({"host": host}), &[]);
    }
    for host in ["", "10.0.0.1", "a_b"] {
        destination_rule(&json!({"host": host}), &["V083 spec.host"]);
    }
    let subsets = |subsets: Value, expected: &[&str]| {
        destination_rule(&json!({"host": "a", "subsets": subsets}), expected);
    };
    subsets(json!([{"name": "v1"}, {"name": "v2", "labels": {"version": "v2"}}]), &[]);
    subsets(json!([{"name": "v1"}, {"name": "v1"}]), &["V085 spec.subsets[1].name"]);
    subsets(
        json!([{}, {"name": "v.1"}]),
        &["V085 spec.subsets[0].name", "V085 spec.subsets[1].name"],
    );
    subsets(json!([{"name": "a", "labels": {"a/": "b"}}]), &["V008 spec.subsets[0].labels.a/"]);
    subsets(json!([{"name": "a", "trafficPolicy": {}}]), &["V084 spec.subsets[0].trafficPolicy"]);
    subsets(
        json!([{"name": "a", "trafficPolicy": {"outlierDetection": {"consecutiveErrors": 1}}}]),
        &["C003? spec.subsets[0].trafficPolicy.outlierDetection.consecutiveErrors"],
    );
    let selected = |export: Value, expected: &[&str]| {
        destination_rule(
            &json!({"host": "a", "exportTo": export, "workloadSelector": {"matchLabels": {"a": "b"}}}),
            expected,
        );
    };
    selected(json!([]), &[]);
    selected(json!(["."]), &[]);
    selected(json!(["here"]), &[]);
    selected(json!(["*"]), &["V086 spec.exportTo"]);
    selected(json!([".", "b"]), &["V086 spec.exportTo"]);
    let selector = |labels: Value, expected: &[&str]| {
        destination_rule(
            &json!({"host": "a", "workloadSelector": {"matchLabels": labels}}),
            expected,
        );
    };
    selector(json!({}), &["V087? spec.workloadSelector.matchLabels"]);
    selector(json!({"": "a"}), &["V087 spec.workloadSelector.matchLabels[\"\"]"]);
    selector(json!({"a": "b*"}), &["V087 spec.workloadSelector.matchLabels.a"]);
    selector(json!({"a": "b".repeat(64)}), &["S008 spec.workloadSelector.matchLabels.a"]);
    let many: serde_json::Map<_, _> =
        (0..4097).map(|number| (format!("l{number}"), json!("x"))).collect();
    selector(json!(many), &["S008 spec.workloadSelector.matchLabels"]);
}

#[test]
pub(super) fn policies_and_ports() {
    policy(&json!({}), &["V084 spec.trafficPolicy"]);
    policy(&json!({"portLevelSettings": []}), &["V084 spec.trafficPolicy"]);
    policy(&json!({"proxyProtocol": {}}), &[]);
    let tunnel = json!({"targetHost": "a", "targetPort": 443});
    policy(&json!({"tunnel": tunnel, "proxyProtocol": {}}), &["V084 spec.trafficPolicy"]);
    policy(&json!({"tunnel": tunnel}), &[]);
    policy(&json!({"tunnel": {"protocol": "POST", "targetHost": "::1", "targetPort": 1}}), &[]);
    policy(
        &json!({"tunnel": {"protocol": "GET", "targetHost": "*", "targetPort": 0}}),
        &[
            "V095 spec.trafficPolicy.tunnel.protocol",
            "V095 spec.trafficPolicy.tunnel.targetHost",
            "V095 spec.trafficPolicy.tunnel.targetPort",
        ],
    );
    policy(&json!({"retryBudget": {"percent": 100}}), &[]);
    policy(
        &json!({"retryBudget": {"percent": 101}}),
        &["S003 spec.trafficPolicy.retryBudget.percent"],
    );
    let ports =
        |ports: Value, expected: &[&str]| policy(&json!({"portLevelSettings": ports}), expected);
    ports(json!([{"port": {"number": 80}, "tls": {}}]), &[]);
    ports(json!([{"tls": {}}]), &["V094 spec.trafficPolicy.portLevelSettings[0].port"]);
    ports(json!([{"port": {"number": 80}}]), &["V094 spec.trafficPolicy.portLevelSettings[0]"]);
    ports(
        json!([{"port": {}, "tls": {}}]),
        &["C010? spec.trafficPolicy.portLevelSettings[0].port"],
    );
    ports(
        json!([{"port": {"number": 80}, "tls": {}}, {"port": {"number": 80}, "tls": {}}]),
        &["C010? spec.trafficPolicy.portLevelSettings[1].port"],
    );
    ports(
        json!([{"port": {"number": 80}, "outlierDetection": {"consecutiveErrors": 1}}]),
        &["C003? spec.trafficPolicy.portLevelSettings[0].outlierDetection.consecutiveErrors"],
    );
    let many: Vec<_> =
        (1..=4097).map(|number| json!({"port": {"number": number}, "tls": {}})).collect();
    ports(json!(many), &["S006 spec.trafficPolicy.portLevelSettings"]);
}

#[test]
pub(super) fn outliers_and_pools() {
    let at = |code: &str, field: &str| format!("{code} spec.trafficPolicy.{field}");
    let check = |change: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        policy(&change, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let outlier = |value: Value, expected: &[(&str, &str)]| {
        check(json!({"outlierDetection": value}), expected);
    };
    outlier(
        json!({"interval": "10s", "baseEjectionTime": "1ms", "maxEjectionPercent": 100, "consecutive5xxErrors": 0}),
        &[],
    );
    outlier(
        json!({"interval": "0s", "baseEjectionTime": "1us"}),
        &[("V006", "outlierDetection.baseEjectionTime"), ("V006", "outlierDetection.interval")],
    );
    outlier(
        json!({"maxEjectionPercent": 101, "minHealthPercent": -1}),
        &[
            ("V088", "outlierDetection.maxEjectionPercent"),
            ("V088", "outlierDetection.minHealthPercent"),
        ],
    );
    outlier(json!({"consecutiveErrors": 5}), &[("V088?", "outlierDetection.consecutiveErrors")]);
    outlier(
        json!({"consecutiveLocalOriginFailures": 5}),
        &[("V088", "outlierDetection.consecutiveLocalOriginFailures")],
    );
    outlier(
        json!({"consecutiveLocalOriginFailures": 5, "splitExternalLocalOriginErrors": true}),
        &[],
    );
    outlier(
        json!({"outlierDetectionHttpErrorCodes": [500, 600]}),
        &[("S004", "outlierDetection.outlierDetectionHttpErrorCodes[1]")],
    );
    let pool =
        |value: Value, expected: &[(&str, &str)]| check(json!({"connectionPool": value}), expected);
    pool(json!({}), &[("V089", "connectionPool")]);
    pool(json!({"http": {}, "tcp": {"idleTimeout": "0s"}}), &[]);
    pool(
        json!({"tcp": {"idleTimeout": "1500us", "maxConnections": -1, "connectTimeout": "0s"}}),
        &[
            ("V089", "connectionPool.tcp.maxConnections"),
            ("V006", "connectionPool.tcp.connectTimeout"),
            ("V006", "connectionPool.tcp.idleTimeout"),
        ],
    );
    pool(json!({"tcp": {"idleTimeout": "900us"}}), &[]);
    pool(
        json!({"tcp": {"tcpKeepalive": {"time": "0s", "interval": "0s"}, "maxConnectionDuration": "0s"}}),
        &[
            ("V006", "connectionPool.tcp.maxConnectionDuration"),
            ("V006", "connectionPool.tcp.tcpKeepalive.time"),
            ("V006", "connectionPool.tcp.tcpKeepalive.interval"),
        ],
    );
    pool(
        json!({"http": {"http1MaxPendingRequests": -1, "http2MaxRequests": -1, "maxRequestsPerConnection": -1, "maxRetries": -1, "maxConcurrentStreams": -1}}),
        &[
            ("V089", "connectionPool.http.http1MaxPendingRequests"),
            ("V089", "connectionPool.http.http2MaxRequests"),
            ("V089", "connectionPool.http.maxRequestsPerConnection"),
            ("V089", "connectionPool.http.maxRetries"),
            ("V089", "connectionPool.http.maxConcurrentStreams"),
        ],
    );
    pool(
        json!({"http": {"h2UpgradePolicy": "UPGRADE", "useClientProtocol": true}}),
        &[("V089", "connectionPool.http.useClientProtocol")],
    );
    pool(
        json!({"http": {"http2KeepAlive": {"interval": "0s"}}}),
        &[
            ("V006", "connectionPool.http.http2KeepAlive.interval"),
            ("V089", "connectionPool.http.http2KeepAlive.timeout"),
        ],
    );
}

#[test]
pub(super) fn load_balancers() {
    let at = |code: &str, field: &str| format!("{code} spec.trafficPolicy.loadBalancer{field}");
    let check = |value: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected.iter().map(|(code, field)| at(code, field)).collect();
        policy(
            &json!({"loadBalancer": value}),
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    let hash =
        |value: Value, expected: &[(&str, &str)]| check(json!({"consistentHash": value}), expected);
    check(json!({"simple": "LEAST_REQUEST"}), &[]);
    hash(
        json!({"httpCookie": {"name": "a", "ttl": "0s", "attributes": [{"name": "b"}, {"name": "c"}]}}),
        &[],
    );
    hash(
        json!({"httpCookie": {"attributes": [{"name": "b"}, {"name": "b"}, {}]}}),
        &[
            ("V090", ".consistentHash.httpCookie.name"),
            ("V090", ".consistentHash.httpCookie.attributes[1].name"),
            ("V090", ".consistentHash.httpCookie.attributes[2].name"),
        ],
    );
    hash(
        json!({"useSourceIp": true, "minimumRingSize": 1024}),
        &[("V090?", ".consistentHash.minimumRingSize")],
    );
    hash(
        json!({"minimumRingSize": 1, "ringHash": {}}),
        &[
            ("V090?", ".consistentHash.minimumRingSize"),
            ("V090", ".consistentHash.minimumRingSize"),
        ],
    );
    for (size, good) in [
        (0, false),
        (1, true),
        (65_537, true),
        (65_536, false),
        (5_000_011, false),
        (4_999_999, true),
    ] {
        hash(
            json!({"maglev": {"tableSize": size}}),
            if good { &[] } else { &[("V090", ".consistentHash.maglev.tableSize")] },
        );
    }
    check(json!({"localityLbSetting": {}, "zoneAwareLbSetting": {}}), &[("V090", "")]);
    check(json!({"warmupDurationSecs": "0s"}), &[("S002", ".warmupDurationSecs")]);
    check(json!({"warmup": {"duration": "10s", "minimumPercent": 10, "aggression": 1.5}}), &[]);
    check(
        json!({"warmup": {"minimumPercent": 101, "aggression": 0}}),
        &[
            ("V006", ".warmup.duration"),
            ("V090", ".warmup.minimumPercent"),
            ("V090", ".warmup.aggression"),
        ],
    );
    check(
        json!({"warmup": {"duration": "1s", "minimumPercent": -1}}),
        &[("S003", ".warmup.minimumPercent")],
    );
    let locality = |value: Value, expected: &[(&str, &str)]| {
        check(json!({"localityLbSetting": value}), expected);
    };
    locality(json!({"distribute": [{"from": "a/*", "to": {"a": 70, "b": 30}}]}), &[]);
    locality(
        json!({"distribute": [{"from": "a", "to": {"a": 100}}], "failover": [{"from": "a", "to": "b"}]}),
        &[("V091", ".localityLbSetting")],
    );
    locality(
        json!({"failover": [{"from": "a", "to": "b"}], "failoverPriority": ["topology.kubernetes.io/zone"]}),
        &[("V091", ".localityLbSetting.failoverPriority[0]")],
    );
    locality(
        json!({"distribute": [{"from": "a", "to": {"a": 0}}]}),
        &[("V091", ".localityLbSetting.distribute[0].to.a")],
    );
    locality(
        json!({"distribute": [{"from": "a", "to": {"a": 99}}]}),
        &[("V091", ".localityLbSetting.distribute[0].to")],
    );
    locality(
        json!({"distribute": [{"from": "a", "to": {"a": 50, "a/b": 50}}]}),
        &[("V091", ".localityLbSetting.distribute[0].to")],
    );
    locality(
        json!({"distribute": [{"from": "a", "to": {"a": 100}}, {"from": "a", "to": {"a": 100}}]}),
        &[("V091", ".localityLbSetting.distribute")],
    );
    locality(json!({"failover": [{"from": "a", "to": "b"}]}), &[("V091?", ".localityLbSetting")]);
    locality(
        json!({"failover": [{"from": "a", "to": "a"}, {"from": "a/b", "to": "*"}]}),
        &[
            ("V091?", ".localityLbSetting"),
            ("V091", ".localityLbSetting.failover[0]"),
            ("V091", ".localityLbSetting.failover[1].from"),
            ("V091", ".localityLbSetting.failover[1].to"),
        ],
    );
    let zones = |value: Value, expected: &[(&str, &str)]| {
        check(json!({"zoneAwareLbSetting": value}), expected);
    };
    zones(json!({"minClusterSize": 1}), &[]);
    zones(json!({"minClusterSize": 4_294_967_295_u64}), &[]);
    let size = [("S005", ".zoneAwareLbSetting.minClusterSize")];
    zones(json!({"minClusterSize": 4_294_967_296_u64}), &size);
    zones(json!({"minClusterSize": 0}), &size);
    zones(
        json!({"failoverPriority": ["topology.kubernetes.io/region"], "failover": [{"from": "a", "to": "a"}]}),
        &[
            ("V092", ".zoneAwareLbSetting.failoverPriority[0]"),
            ("V091?", ".zoneAwareLbSetting"),
            ("V092", ".zoneAwareLbSetting.failover[0]"),
        ],
    );
}

#[test]
pub(super) fn client_tls() {
    let check = |value: Value, expected: &[(&str, &str)]| {
        let lines: Vec<_> = expected
            .iter()
            .map(|(code, field)| format!("{code} spec.trafficPolicy.tls.{field}"))
            .collect();
        policy(&json!({"tls": value}), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({}), &[]);
    check(json!({"mode": "SIMPLE", "caCertificates": "a"}), &[]);
    check(json!({"mode": "MUTUAL", "clientCertificate": "a", "privateKey": "a"}), &[]);
    check(json!({"mode": "MUTUAL"}), &[("V093", "clientCertificate"), ("V093", "privateKey")]);
    check(json!({"mode": "MUTUAL", "credentialName": "a"}), &[]);
    check(json!({"mode": "SIMPLE", "credentialName": "a", "caCrl": "b"}), &[("V093", "caCrl")]);
    check(json!({"mode": "SIMPLE", "insecureSkipVerify": true}), &[]);
    check(
        json!({"mode": "SIMPLE", "insecureSkipVerify": true, "credentialName": "a"}),
        &[("V093", "insecureSkipVerify")],
    );
    check(json!({"mode": "MUTUAL", "insecureSkipVerify": true, "credentialName": "a"}), &[]);
    check(
        json!({"mode": "MUTUAL", "insecureSkipVerify": true, "credentialName": "a", "subjectAltNames": ["x"]}),
        &[("V093", "insecureSkipVerify")],
    );
    check(
        json!({"mode": "ISTIO_MUTUAL", "clientCertificate": "a"}),
        &[("C009?", "clientCertificate")],
    );
    check(json!({"caCertificates": "a"}), &[("C009?", "caCertificates")]);
    check(json!({"mode": "SIMPLE", "credentialName": "configmap://here/a"}), &[]);
    for name in ["configmap://a", "configmap://other/a", "configmap:///a", "configmap://here/"] {
        check(json!({"mode": "SIMPLE", "credentialName": name}), &[("V093", "credentialName")]);
    }
}
