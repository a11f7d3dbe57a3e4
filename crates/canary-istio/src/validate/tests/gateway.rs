use serde_json::json;

use super::{gateway, lines, server, tls};
use crate::{networking::Gateway, validate::Validate as _};

#[test]
pub(super) fn servers_and_ports() {
    server(&json!({}), &[]);
    gateway(&json!({}), &["V021 spec.servers"]);
    gateway(&json!({"selector": {}, "servers": []}), &["V021 spec.servers"]);
    let http = |name: &str| json!({"port": {"number": 80, "protocol": "HTTP", "name": name}, "hosts": ["*"]});
    gateway(&json!({"servers": [http("a"), http("b")]}), &[]);
    gateway(&json!({"servers": [http("a"), http("a")]}), &["V023 spec.servers[1].port.name"]);
    server(&json!({"hosts": []}), &["V025 spec.servers[0].hosts"]);
    gateway(&json!({"servers": [{"hosts": ["*"]}]}), &["V027 spec.servers[0].port"]);
    let port = |number: u32, protocol: &str, name: &str| json!({"port": {"number": number, "protocol": protocol, "name": name}});
    server(&port(80, "http", "x"), &[]);
    server(&port(80, "SMTP", "x"), &["V028 spec.servers[0].port.protocol"]);
    server(&port(80, "", "x"), &["V028 spec.servers[0].port.protocol"]);
    for protocol in
        ["GRPC-WEB", "HTTP_PROXY", "tcp", "UDP", "MONGO", "redis", "MySQL", "HTTP2", "grpc"]
    {
        server(&port(80, protocol, "x"), &[]);
    }
    server(&port(0, "HTTP", "x"), &["V029 spec.servers[0].port.number"]);
    server(&port(65536, "HTTP", "x"), &["V029 spec.servers[0].port.number"]);
    server(&port(65535, "HTTP", "x"), &[]);
    server(&port(80, "HTTP", ""), &["V031 spec.servers[0].port.name"]);
    server(
        &json!({"port": {"number": 80, "protocol": "HTTP", "name": "x", "targetPort": 8080}}),
        &["V030 spec.servers[0].port.targetPort"],
    );
}

#[test]
pub(super) fn hosts_and_binds() {
    // The schema wants the number that Istio takes for 0.
    let socket = json!({"port": {"protocol": "HTTP", "name": "x"}, "bind": "unix:///a"});
    server(&socket, &["S013 spec.servers[0].port.number"]);
    let zero = json!({"port": {"number": 0, "protocol": "HTTP", "name": "x"}, "bind": "unix:///a"});
    server(&zero, &[]);

    for host in ["*", "*.a.com", "a.com", "./a.com", "*/a.com", "prod/*", "10.0.0.1", "a.com."] {
        server(&json!({"hosts": [host]}), &[]);
    }
    let bad = "V026 spec.servers[0].hosts[0]";
    for host in
        ["a", "*foo.com", "/a.com", "~/a.com", "a b/a.com", "a.*.com", "a.com/b.com", "prod/a"]
    {
        server(&json!({"hosts": [host]}), &[bad]);
    }
    for host in ["::1", "a/", "", "*foo.com"] {
        server(&json!({"hosts": [host]}), &[bad]);
    }
    for bind in ["10.0.0.1", "::1", ""] {
        server(&json!({"bind": bind}), &[]);
    }
    server(&json!({"bind": "a"}), &["V032 spec.servers[0].bind"]);
    server(&json!({"bind": "unix:///run/a"}), &["V032 spec.servers[0].bind"]);
    let socket =
        |bind: &str| json!({"bind": bind, "port": {"number": 0, "protocol": "HTTP", "name": "x"}});
    server(&socket("unix:///run/a"), &[]);
    server(&socket("unix://@a"), &[]);
    for bind in ["unix://", "unix://a", "unix:///a/"] {
        server(&socket(bind), &["V032 spec.servers[0].bind"]);
    }
}

#[test]
pub(super) fn tls_by_protocol() {
    let port = |protocol: &str| json!({"number": 443, "protocol": protocol, "name": "x"});
    server(&json!({"port": port("HTTPS")}), &["V033 spec.servers[0].tls"]);
    server(&json!({"port": port("TLS")}), &["V033 spec.servers[0].tls"]);
    server(&json!({"tls": {"httpsRedirect": true}}), &[]);
    server(
        &json!({"tls": {"mode": "SIMPLE", "credentialName": "a"}}),
        &["V034 spec.servers[0].tls"],
    );
    server(
        &json!({"tls": {"privateKey": "a"}}),
        &["V039? spec.servers[0].tls", "V034 spec.servers[0].tls"],
    );
    server(&json!({"port": port("TCP"), "tls": {}}), &["V035 spec.servers[0].tls"]);
    // With an invalid port there are no findings about TLS.
    server(&json!({"port": port("SMTP"), "tls": {}}), &["V028 spec.servers[0].port.protocol"]);
    tls(
        &json!({"mode": "SIMPLE", "credentialName": "a", "httpsRedirect": true}),
        &["V024? spec.servers[0].tls.httpsRedirect"],
    );
}

#[test]
pub(super) fn tls_settings() {
    // Expressions of the TLS library begin with a sign.
    for suite in ["", "ALL", "-SSLv3", "[AES128-SHA|AES256-SHA]", "!aNULL"] {
        tls(&json!({"mode": "SIMPLE", "credentialName": "c", "cipherSuites": [suite]}), &[]);
    }
    tls(
        &json!({"mode": "SIMPLE", "credentialName": "c", "cipherSuites": ["ALL", "ALL", "9x", "high"]}),
        &[
            "V037? spec.servers[0].tls.cipherSuites[1]",
            "V037? spec.servers[0].tls.cipherSuites[2]",
            "V037? spec.servers[0].tls.cipherSuites[3]",
        ],
    );

    let at = |field: &str, code: &str| format!("{code} spec.servers[0].tls{field}");
    let good = |more: serde_json::Value| {
        let mut settings = json!({"mode": "SIMPLE", "credentialName": "a"});
        for (key, value) in more.as_object().unwrap() {
            settings[key] = value.clone();
        }
        settings
    };
    tls(&good(json!({})), &[]);
    tls(&good(json!({"minProtocolVersion": "TLSV1_1"})), &[&at(".minProtocolVersion", "V036?")]);
    tls(&good(json!({"minProtocolVersion": "TLSV1_0", "cipherSuites": ["AES128-SHA"]})), &[]);
    tls(
        &good(json!({"cipherSuites": ["AES128-SHA", "NOPE", "AES128-SHA"]})),
        &[&at(".cipherSuites[1]", "V037?"), &at(".cipherSuites[2]", "V037?")],
    );
    tls(
        &good(json!({"minProtocolVersion": "TLSV1_3", "maxProtocolVersion": "TLSV1_2"})),
        &[&at(".maxProtocolVersion", "C006?")],
    );
    tls(
        &json!({"mode": "ISTIO_MUTUAL", "serverCertificate": "a", "privateKey": "a", "caCertificates": "a",
            "tlsCertificates": [{}], "credentialName": "a", "credentialNames": ["a"]}),
        &[
            ".serverCertificate",
            ".privateKey",
            ".caCertificates",
            ".tlsCertificates",
            ".credentialName",
            ".credentialNames",
        ]
        .map(|field| at(field, "V038"))
        .each_ref()
        .map(String::as_str),
    );
    tls(&json!({"mode": "ISTIO_MUTUAL"}), &[]);
    tls(&json!({"mode": "AUTO_PASSTHROUGH", "caCrl": "a"}), &[&at("", "V039?")]);
    tls(&json!({}), &[]);
    tls(
        &json!({"mode": "SIMPLE", "credentialName": "a", "credentialNames": ["b"]}),
        &[&at("", "V040")],
    );
    tls(
        &json!({"mode": "SIMPLE", "serverCertificate": "a", "privateKey": "a", "credentialName": "a"}),
        &[&at("", "V040")],
    );
    tls(&json!({"mode": "SIMPLE", "serverCertificate": "a", "privateKey": "a"}), &[]);
    tls(
        &json!({"mode": "SIMPLE"}),
        &[&at(".serverCertificate", "V042"), &at(".privateKey", "V042")],
    );
    tls(
        &json!({"mode": "MUTUAL", "serverCertificate": "a", "privateKey": "a"}),
        &[&at(".caCertificates", "V042")],
    );
    tls(
        &json!({"mode": "OPTIONAL_MUTUAL", "serverCertificate": "a", "caCertificates": "a"}),
        &[&at(".privateKey", "V042")],
    );
    tls(
        &json!({"mode": "SIMPLE", "tlsCertificates": [{"privateKey": "a"}]}),
        &[&at(".tlsCertificates[0].serverCertificate", "V042")],
    );
    let pair = json!({"serverCertificate": "a", "privateKey": "a"});
    tls(&json!({"mode": "SIMPLE", "tlsCertificates": [pair, pair]}), &[]);
    tls(
        &json!({"mode": "SIMPLE", "tlsCertificates": [pair, pair, pair]}),
        &[&at(".tlsCertificates", "S007"), &at(".tlsCertificates", "V042?")],
    );
    tls(&json!({"credentialName": "a", "caCrl": "a"}), &[&at("", "V039?"), &at(".caCrl", "V043")]);
    tls(
        &json!({"mode": "SIMPLE", "serverCertificate": "a", "privateKey": "a", "caCrl": "a"}),
        &[&at(".caCrl", "V044")],
    );
    tls(
        &json!({"mode": "SIMPLE", "credentialName": "a", "credentialNames": []}),
        &[&at(".credentialNames", "S007"), &at("", "S009")],
    );
    tls(
        &json!({"mode": "SIMPLE", "credentialName": "", "credentialNames": ["a"]}),
        &[&at("", "S009")],
    );
}

#[test]
pub(super) fn metadata() {
    let check = |metadata: serde_json::Value, expected: &[&str]| {
        let http =
            json!({"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]});
        let gateway: Gateway =
            serde_json::from_value(json!({"metadata": metadata, "spec": {"servers": [http]}}))
                .unwrap();
        assert_eq!(
            lines(&gateway.validate_with(&crate::validate::Options::default())),
            expected,
            "{metadata}"
        );
    };
    check(json!({"name": "a"}), &[]);
    check(json!({"name": "a.b"}), &["V020 metadata.name"]);
    check(json!({"name": "A"}), &["S001 metadata.name"]);
    check(json!({}), &["S001 metadata.name", "V020 metadata.name"]);
    check(
        json!({"name": "a", "annotations": {"istio.io/dry-run": "true"}}),
        &["V018 metadata.annotations[\"istio.io/dry-run\"]"],
    );
    for annotation in ["webhook-always-reject", "parent-namespace", "parents"] {
        let key = format!("internal.istio.io/{annotation}");
        check(
            json!({"name": "a", "annotations": {&key: ""}}),
            &[&format!("V019 metadata.annotations[{key:?}]")],
        );
    }
    check(json!({"name": "a", "namespace": "team-a"}), &[]);
    for namespace in ["Team", "a.b", "-a", "a_b", &"a".repeat(64)] {
        check(json!({"name": "a", "namespace": namespace}), &["S010 metadata.namespace"]);
    }
    let long = "v".repeat(63);
    check(json!({"name": "a", "labels": {"app": "", "example.com/Part_of": long}}), &[]);
    for (key, value) in [
        ("-app", "a"),
        ("Example.com/app", "a"),
        ("/app", "a"),
        ("a/b/c", "a"),
        ("app", "a b"),
        ("app", "-"),
        ("app", &"v".repeat(64)),
    ] {
        let path = crate::path::Path::root("metadata").field("labels").key(key).to_string();
        check(json!({"name": "a", "labels": {key: value}}), &[&format!("S011 {path}")]);
    }
    check(json!({"name": "a", "annotations": {"Example.com/Any": "any text: {}"}}), &[]);
    check(json!({"name": "a", "annotations": {"a b": ""}}), &["S012 metadata.annotations.a b"]);
    let large = "x".repeat(256 * 1024);
    check(json!({"name": "a", "annotations": {"a": large}}), &["S012 metadata.annotations"]);
    let gateway = Gateway::default().namespace("prod");
    assert_eq!(gateway.validate().0[0].object, "Gateway prod/");
}
