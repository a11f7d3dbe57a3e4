//! Good specs of the Gateway API's kinds to begin with, and texts for their fields.

use serde_json::{Value, json};

/// The values of `type` in a schema with one payload for each, as (value of `type`, field of the payload).
pub(super) fn union(schema: &Value) -> Vec<(&str, &str)> {
    let Some(fields) = schema["properties"].as_object() else { return Vec::new() };
    let kinds = fields.get("type").and_then(|one| one["enum"].as_array());
    let payload = |kind: &str| {
        fields.keys().find(|field| field.eq_ignore_ascii_case(kind)).map(String::as_str)
    };
    kinds
        .into_iter()
        .flatten()
        .filter_map(|kind| kind.as_str().and_then(|kind| Some((kind, payload(kind)?))))
        .collect()
}

/// Texts for a field.
#[expect(clippy::too_many_lines, reason = "a table of texts")]
pub(super) fn texts(name: &str, schema: &Value) -> &'static [&'static str] {
    if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("(h|m|s|ms)")) {
        return &[
            "1s",
            "10s",
            "500ms",
            "1m30s",
            "1h",
            "0s",
            "1.5s",
            "-1s",
            "100000s",
            "1s1s1s1s1s",
            "5",
            "",
        ];
    }
    match name {
        "hostname" | "hostnames" => &[
            "pets.example.com",
            "*.example.com",
            "*",
            "example.com",
            "UPPER.example.com",
            "a..b",
            "1.2.3.4",
            "-a.example.com",
            "",
            "a_b.example.com",
        ],
        "group" => {
            &["gateway.networking.k8s.io", "", "", "networking.istio.io", "Not A Group", "a.b"]
        }
        "kind" => {
            &["Gateway", "Service", "Service", "Secret", "HTTPRoute", "Hostname", "1Kind", ""]
        }
        "namespace" => &["default", "models", "Not_A_Label", "", "a.b"],
        "sectionName" => &["http", "https", "a.b", "Upper", ""],
        "gatewayClassName" => &["istio", "istio-waypoint", "Any Text", ""],
        "protocol" => &[
            "HTTP",
            "HTTPS",
            "TLS",
            "TCP",
            "UDP",
            "HBONE",
            "example.com/QUIC",
            "no protocol",
            "",
            "X.Y",
        ],
        "controllerName" => {
            &["istio.io/gateway-controller", "example.com/a/b", "istio.io", "Upper.io/a", ""]
        }
        "value" => &[
            "/",
            "/v1",
            "/v1/models",
            "/v1/",
            "//",
            "/a/./b",
            "/a/../b",
            "/a%2fb",
            "/a%2Fb",
            "/a#b",
            "/a/..",
            "/a/.",
            "no-slash",
            "/a b",
            "/ü",
            "/a%20b",
            "/a%2",
            "",
            "one",
            "two words",
            " leading",
            "trailing ",
            "a\tb",
            "a  b",
            "10.0.0.1",
            "::1",
            "10.0.0.256",
            "fe80::1%eth0",
            "pets.example.com",
            "Not A Host",
            "^/v[12]$",
            "(",
        ],
        "type" => &[
            "IPAddress",
            "Hostname",
            "NamedAddress",
            "example.com/any",
            "AnyIPAddress",
            "Hostnames",
            "Other",
            "",
        ],
        "name" => &[
            "pets", "pets-v1", "http", "x-canary", "X-Canary", "a.b", "a b", "", "Upper", "x_y",
            "a:b", "https",
        ],
        "service" => {
            &["pets.v1.Pets", ".pets.Pets", "Pets", "pets..Pets", "pets-v1", "1pets", "", "Peſts"]
        }
        "method" => &["Classify", "classify_2", "a.b", "1a", ""],
        "replaceFullPath" | "replacePrefixMatch" => &["/", "/new", "", "new", "/a b"],
        "allowOrigins" => &[
            "*",
            "https://pets.example.com",
            "http://*.example.com:8080",
            "http://*",
            "https://",
            "ftp://a",
            "a.example.com",
            "https://a:123456",
            "",
        ],
        "allowHeaders" | "exposeHeaders" => &["*", "x-canary", "X-Other", "a b", "", "a:b"],
        "allowMethods" => &["GET", "POST", "*", "get"],
        "uri" => &["spiffe://cluster.local/ns/default/sa/pets", "https://a", "no-uri", "", "a:b"],
        "wellKnownCACertificates" => &["System", "example.com/own", "system", ""],
        "operator" => &["In", "Exists", "Any", ""],
        _ => &["value", "a", "x-b", "", "istio.io/rev", "1", "a b", "-", "UPPER"],
    }
}

/// Good specs to begin with.
pub(super) fn skeletons(kind: &str) -> Vec<Value> {
    let parents = json!([{"name": "public"}]);
    let split = json!([{"name": "pets-v1", "port": 80, "weight": 90}, {"name": "pets-v2", "port": 80, "weight": 10}]);
    match kind {
        "HTTPRoute" => vec![
            json!({"parentRefs": parents, "hostnames": ["pets.example.com"], "rules": [{"backendRefs": split}]}),
            json!({"parentRefs": [{"group": "", "kind": "Service", "name": "pets", "port": 80}], "rules": [
                {"name": "main", "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}], "backendRefs": split,
                 "timeouts": {"request": "10s", "backendRequest": "5s"}},
                {"matches": [{"path": {"value": "/v1"}, "headers": [{"name": "x-canary", "value": "1"}], "method": "GET",
                    "queryParams": [{"name": "model", "value": "m", "type": "Exact"}]}],
                 "backendRefs": [{"name": "pets-v2", "port": 80}]}]}),
            json!({"parentRefs": parents, "rules": [
                {"matches": [{"path": {"type": "PathPrefix", "value": "/old"}}],
                 "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}}},
                    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 80}, "percent": 10}}],
                 "backendRefs": split},
                {"matches": [{"path": {"type": "Exact", "value": "/gone"}}],
                 "filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301,
                    "path": {"type": "ReplaceFullPath", "replaceFullPath": "/there"}}}]}]}),
            json!({"parentRefs": [{"name": "public", "sectionName": "http"}, {"name": "public", "sectionName": "https"}], "rules": [
                {"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-a", "value": "1"}], "remove": ["x-b"]}},
                    {"type": "CORS", "cors": {"allowOrigins": ["https://pets.example.com"], "allowMethods": ["GET"], "maxAge": 10}},
                    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 80}, "fraction": {"numerator": 1}}}],
                 "backendRefs": [{"name": "pets", "port": 80, "filters": [
                    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "x-c", "value": "1"}]}}]}]}]}),
            json!({"parentRefs": parents, "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "pets", "port": 80, "filters": [{"type": "URLRewrite",
                    "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}}]}, {"name": "other", "port": 80}]}]}),
            json!({}),
        ],
        "GRPCRoute" => vec![
            json!({"parentRefs": parents, "hostnames": ["pets.example.com"], "rules": [{"backendRefs": split}]}),
            json!({"parentRefs": parents, "rules": [
                {"name": "main", "matches": [{"method": {"service": "pets.v1.Pets", "method": "Classify"},
                    "headers": [{"name": "x-canary", "value": "1", "type": "RegularExpression"}]}],
                 "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 80}}}],
                 "backendRefs": split},
                {"matches": [{"method": {"type": "RegularExpression", "service": "a.*"}}], "backendRefs": split}]}),
        ],
        "Gateway" => vec![
            json!({"gatewayClassName": "istio", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}),
            json!({"gatewayClassName": "istio", "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com",
                 "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "pets"}}},
                    "kinds": [{"kind": "HTTPRoute"}]}},
                {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}},
                {"name": "tls", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}],
                "addresses": [{"value": "10.0.0.1"}, {"type": "Hostname", "value": "pets.example.com"}],
                "infrastructure": {"labels": {"a": "b"}, "annotations": {"a.io/b": "c"}}}),
            json!({"gatewayClassName": "istio", "listeners": [
                {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"mode": "Terminate", "options": {"a": "b"}}}],
                "tls": {"frontend": {"default": {}, "perPort": [{"port": 443, "tls": {"validation":
                    {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}}]}},
                "allowedListeners": {"namespaces": {"from": "Same"}}}),
        ],
        "GatewayClass" => {
            vec![json!({"controllerName": "istio.io/gateway-controller", "description": "Istio",
                "parametersRef": {"group": "", "kind": "ConfigMap", "name": "a", "namespace": "b"}})]
        }
        "ReferenceGrant" => vec![
            json!({"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "web"}],
                "to": [{"group": "", "kind": "Service"}, {"group": "", "kind": "Service", "name": "pets"}]}),
        ],
        _ => vec![
            json!({"targetRefs": [{"group": "", "kind": "Service", "name": "pets"}],
                "validation": {"hostname": "pets.example.com", "wellKnownCACertificates": "System"}}),
            json!({"targetRefs": [{"group": "", "kind": "Service", "name": "pets", "sectionName": "http"},
                    {"group": "", "kind": "Service", "name": "pets", "sectionName": "https"}],
                "validation": {"hostname": "pets.example.com", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
                    "subjectAltNames": [{"type": "Hostname", "hostname": "*.example.com"}, {"type": "URI", "uri": "spiffe://a/b"}]},
                "options": {"a": "b"}}),
        ],
    }
}
