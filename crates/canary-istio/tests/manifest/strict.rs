//! Strict reading refuses with path, place and remedy; lenient reading reports the same.

use canary_core::{
    Finding, Findings, Manifest, Object, Severity, gateway_api::GatewayApiObject, manifest::Error,
};

pub(crate) fn service(spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: reviews}}\nspec:\n{spec}"
    )
}

fn rule(spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: reviews}}\nspec:\n  host: reviews\n{spec}"
    )
}

fn refused(text: &str) -> Findings {
    match Manifest::read(text) {
        Err(Error::Invalid(findings)) => findings,
        other => panic!("expected findings, got {other:?}"),
    }
}

fn the_one(text: &str) -> Finding {
    let findings = refused(text);
    assert_eq!(findings.len(), 1, "{findings}");
    findings.0.into_iter().next().unwrap()
}

fn syntax(text: &str) -> String {
    match Manifest::read(text) {
        Err(Error::Manifest { reason, .. }) => reason,
        other => panic!("expected a syntax error, got {other:?}"),
    }
}

#[test]
fn an_unknown_field_is_named_with_path_line_and_nearest_name() {
    let finding = the_one(&service("  hosts: [reviews]\n  htttp: []\n"));
    assert_eq!(finding.path, "spec.htttp");
    assert_eq!((finding.line, finding.column), (Some(6), Some(3)));
    assert_eq!(finding.help.unwrap(), "did you mean `http`?");
    assert_eq!(finding.object, "VirtualService reviews");
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_text() {
    let findings = refused(&service(
        "  hosts: reviews\n  http:\n  - tiemout: 5s\n    timeout: 5\n    retries: {attempts: many}\n    route:\n    - destination: {host: reviews}\n      weight: ten\n      mirror: x\n",
    ));
    let paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.hosts",
            "spec.http[0].tiemout",
            "spec.http[0].timeout",
            "spec.http[0].retries.attempts",
            "spec.http[0].route[0].weight",
            "spec.http[0].route[0].mirror",
        ]
    );
    assert!(findings.iter().all(|finding| finding.line.is_some()));
}

#[test]
fn snake_case_is_unknown_but_for_the_one_alias_of_the_schema() {
    assert_eq!(
        the_one(&service("  http: [{mirror_percentage: {}}]\n")).help.unwrap(),
        "did you mean `mirrorPercentage`?"
    );
    let alias = Manifest::read(&service("  http: [{mirror_percent: 5}]\n")).unwrap();
    let json = alias.to_json_value().unwrap();
    assert_eq!(json["spec"]["http"][0]["mirrorPercent"], 5);
}

#[test]
fn texts_that_yaml_takes_for_something_else_are_refused_with_the_remedy() {
    for (value, kind) in [
        ("1", "a number"),
        ("1.0", "a number"),
        ("010", "a number"),
        ("0x1F", "a number"),
        ("1_000", "a number"),
        ("1e3", "a number"),
        ("yes", "a boolean"),
        ("on", "a boolean"),
        ("n", "a boolean"),
        ("true", "a boolean"),
    ] {
        let finding =
            the_one(&rule(&format!("  subsets: [{{name: v1, labels: {{version: {value}}}}}]\n")));
        assert_eq!(finding.path, "spec.subsets[0].labels.version");
        let help = finding.help.unwrap();
        assert!(help.contains(kind) && help.contains(&format!("\"{value}\"")), "{help}");
        for quote in ['"', '\''] {
            let text = rule(&format!(
                "  subsets: [{{name: v1, labels: {{version: {quote}{value}{quote}}}}}]\n"
            ));
            let json = Manifest::read(&text).unwrap().to_json_value().unwrap();
            assert_eq!(json["spec"]["subsets"][0]["labels"]["version"], value);
        }
    }
    let finding = the_one(&service("  http: [{match: [{headers: {x: {exact: yes}}}]}]\n"));
    assert_eq!(finding.path, "spec.http[0].match[0].headers.x.exact");
}

#[test]
fn keys_that_are_no_texts_in_yaml_1_1_are_refused() {
    let reason = syntax(&rule("  subsets: [{name: v1, labels: {on: x}}]\n"));
    assert!(reason.contains("`on`") && reason.contains("'on'"), "{reason}");
    let numbered = rule("  subsets: [{name: v1, labels: {1: x}}]\n");
    let json = Manifest::read(&numbered).unwrap().to_json_value().unwrap();
    assert_eq!(json["spec"]["subsets"][0]["labels"]["1"], "x");
}

#[test]
fn integers_must_be_whole_and_in_range() {
    let port = |value: &str| {
        service(&format!(
            "  http: [{{route: [{{destination: {{host: a, port: {{number: {value}}}}}}}]}}]\n"
        ))
    };
    // The JSON that kubectl converts them to.
    for (value, number) in [("8501.0", 8501), ("0.0", 0), ("-0", 0), ("8.5e3", 8500)] {
        let (manifest, findings) = Manifest::read_with_findings("a", &port(value)).unwrap();
        assert!(findings.is_empty(), "{value}: {findings}");
        let json = manifest.to_json_value().unwrap();
        assert_eq!(json["spec"]["http"][0]["route"][0]["destination"]["port"]["number"], number);
    }
    // Read as YAML 1.1 has them, with a warning.
    for (value, number) in
        [("020", 16), ("0x2135", 8501), ("0b11", 3), ("8_501", 8501), ("+80", 80)]
    {
        let (manifest, findings) = Manifest::read_with_findings("a", &port(value)).unwrap();
        let json = manifest.to_json_value().unwrap();
        assert_eq!(json["spec"]["http"][0]["route"][0]["destination"]["port"]["number"], number);
        let [finding] = &findings.0[..] else { panic!("{value}: {findings}") };
        assert_eq!((finding.code.as_str(), finding.severity), ("C308", Severity::Warning));
        assert_eq!(finding.help.as_deref(), Some(format!("write {number}").as_str()));
        assert!(Manifest::read(&port(value)).is_ok(), "{value}");
    }
    for (value, help) in [
        ("'8501'", Some("write the number without quotes: 8501")),
        ("8501.5", None),
        ("'8501.5'", None),
        ("'-1'", None),
        ("-1", None),
        ("4294967296", None),
        ("http", None),
        ("[80]", None),
    ] {
        let finding = the_one(&service(&format!(
            "  http: [{{route: [{{destination: {{host: a, port: {{number: {value}}}}}}}]}}]\n"
        )));
        assert_eq!(finding.path, "spec.http[0].route[0].destination.port.number");
        assert!(finding.message.contains("an integer from 0 to 4294967295"), "{finding}");
        match help {
            Some(help) => {
                assert!(finding.help.as_ref().is_some_and(|text| text.contains(help)), "{finding}");
            }
            None => assert_eq!(finding.help, None, "{finding}"),
        }
    }
}

#[test]
fn no_advice_leads_to_the_next_refusal() {
    let help = |spec: &str| the_one(&service(spec)).help.unwrap_or_default();
    assert_eq!(help("  http: [{timeout: 10}]\n"), "write a time with its unit, such as 10s");
    assert!(Manifest::read(&service("  http: [{timeout: 10s}]\n")).is_ok());
    let quoted = "write it in quotes";
    let bytes = help("  http: [{directResponse: {status: 200, body: {bytes: 123}}}]\n");
    assert!(!bytes.contains(quoted), "{bytes}");
    let bytes = help("  http: [{directResponse: {status: 200, body: {bytes: 1234}}}]\n");
    assert!(bytes.contains(quoted), "{bytes}");
    assert!(help("  hosts: [10]\n").contains(quoted));
    let time = the_one(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a, creationTimestamp: 2026}\n",
    );
    assert!(!time.help.clone().unwrap_or_default().contains(quoted), "{time}");
}

#[test]
fn values_without_content_are_left_out_of_maps_too() {
    let text = service(
        "  hosts: [a]\n  http: [{match: [{headers: {x: null, z: {exact: a}}, sourceLabels: {app: ~}}], route: [{destination: {host: a}}]}]\n",
    );
    let (manifest, findings) = Manifest::read_with_findings("a", &text).unwrap();
    let found: Vec<_> =
        findings.iter().map(|finding| (finding.code.as_str(), finding.path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("C302", "spec.http[0].match[0].headers.x"),
            ("C302", "spec.http[0].match[0].sourceLabels.app"),
        ]
    );
    let matched = &manifest.to_json_value().unwrap()["spec"]["http"][0]["match"][0];
    assert_eq!(matched["headers"], serde_json::json!({"z": {"exact": "a"}}));
    // Objects of other kinds stay whole.
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: null}\n";
    assert!(Manifest::read(other).unwrap().to_json_value().unwrap()["data"]["x"].is_null());
}

#[test]
fn what_was_not_given_is_not_written() {
    let text = service("  hosts: [a]\n  http: [{route: [{weight: 1}], mirrors: [{}]}]\n");
    let json = Manifest::read(&text).unwrap().to_json_value().unwrap();
    assert_eq!(
        json["spec"]["http"],
        serde_json::json!([{"route": [{"weight": 1}], "mirrors": [{}]}])
    );
    let gateway = |server: &str| {
        let text = format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: a}}\nspec: {{servers: [{server}]}}\n"
        );
        Manifest::read(&text).unwrap().to_json_value().unwrap()["spec"]["servers"][0].clone()
    };
    assert_eq!(gateway("{port: {name: http}}"), serde_json::json!({"port": {"name": "http"}}));
    assert_eq!(
        gateway("{bind: 'unix:///a', port: {number: 0}}")["port"],
        serde_json::json!({"number": 0})
    );
    assert_eq!(gateway("{hosts: [a]}"), serde_json::json!({"hosts": ["a"]}));
}

#[test]
fn a_wrong_value_does_not_hide_the_rules_of_the_rest() {
    let text = service(
        "  hosts: [a]\n  http: [{timeout: soon, route: [{destination: {host: a}, weight: '5'}, {destination: {host: b}, weight: -1}]}]\n",
    );
    let (manifest, reading) = Manifest::read_with_findings("a", &text).unwrap();
    assert_eq!(reading.len(), 2, "{reading}");
    let rules: Vec<_> = manifest.validate().0.into_iter().map(|finding| finding.code).collect();
    assert_eq!(rules, ["V073"]);
    // Both are reported, in the order of the text.
    let codes: Vec<_> = refused(&text).0.into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["C307", "C307", "V073"]);
}

#[test]
fn two_members_of_a_oneof_are_both_named() {
    let finding = the_one(&service("  http: [{match: [{uri: {exact: /a, prefix: /b}}]}]\n"));
    assert_eq!(finding.path, "spec.http[0].match[0].uri");
    assert!(finding.message.contains("`exact` and `prefix`"), "{finding}");
    for (spec, first, second) in [
        ("  http: [{redirect: {port: 1, derivePort: FROM_REQUEST_PORT}}]\n", "port", "derivePort"),
        (
            "  http: [{directResponse: {status: 200, body: {string: a, bytes: aGk=}}}]\n",
            "string",
            "bytes",
        ),
        (
            "  http: [{fault: {delay: {fixedDelay: 1s, exponentialDelay: 1s}}}]\n",
            "fixedDelay",
            "exponentialDelay",
        ),
        (
            "  http: [{fault: {abort: {httpStatus: 500, grpcStatus: OK}}}]\n",
            "httpStatus",
            "grpcStatus",
        ),
    ] {
        let message = the_one(&service(spec)).message;
        assert!(message.contains(first) && message.contains(second), "{message}");
    }
}

#[test]
fn enums_list_their_names_and_the_nearest() {
    let finding = the_one(&rule("  trafficPolicy: {tls: {mode: ISTIO_MUTAL}}\n"));
    assert_eq!(finding.help.as_deref(), Some("did you mean ISTIO_MUTUAL?"));
    assert!(finding.message.contains("DISABLE, SIMPLE, MUTUAL, ISTIO_MUTUAL"), "{finding}");
    let finding = the_one(&rule("  trafficPolicy: {tls: {mode: 3}}\n"));
    assert_eq!(finding.help.as_deref(), Some("write ISTIO_MUTUAL"));
}

#[test]
fn durations_say_what_is_wrong() {
    for (value, reason) in
        [("5", "expected a text"), ("5d", "unit is unknown"), ("'5'", "a unit is missing")]
    {
        let text = if value == "5" { "5".to_owned() } else { value.to_owned() };
        let finding = the_one(&service(&format!("  http: [{{timeout: {text}}}]\n")));
        let whole = finding.to_string();
        assert!(whole.contains(reason), "{whole}");
    }
}

#[test]
fn null_is_absent_but_not_as_an_item() {
    let absent = Manifest::read(&service(
        "  hosts: [a]\n  http:\n  - timeout:\n    retries: null\n    route: ~\n",
    ));
    let json = absent.unwrap().to_json_value().unwrap();
    assert_eq!(json["spec"], serde_json::json!({"hosts": ["a"], "http": [{}]}));
    let finding = the_one(&service("  http:\n  - null\n"));
    assert_eq!(finding.path, "spec.http[0]");
    let (_, findings) = Manifest::read_lenient(&service("  http:\n  - timeout:\n"));
    assert_eq!(findings.0[0].severity, Severity::Info);
    assert_eq!(findings.0[0].path, "spec.http[0].timeout");
}

#[test]
fn duplicate_keys_are_syntax_errors_with_both_places() {
    let reason = syntax(&service("  hosts: [a]\n  hosts: [b]\n"));
    assert!(
        reason.starts_with("line 6, column 3: `hosts` is defined twice, first in line 5"),
        "{reason}"
    );
    assert!(reason.contains("\n6 |   hosts: [b]\n  |   ^"), "{reason}");
    let reason = syntax(r#"{"apiVersion": "v1", "kind": "Gateway", "kind": "Gateway"}"#);
    assert!(reason.contains("`kind` is defined twice"), "{reason}");
}

#[test]
fn a_template_that_was_not_rendered_is_told() {
    for spec in ["  hosts: [{{ .Values.host }}]\n", "  hosts: {{ .Values.hosts | toYaml }}\n"] {
        let reason = syntax(&service(spec));
        assert!(
            reason.contains("; `{{` begins an expression of a template: give the rendered text"),
            "{reason}"
        );
    }
    let reason = syntax(&service("  hosts: {[a]: b}\n"));
    assert!(!reason.contains("template"), "{reason}");
}

#[test]
fn syntax_errors_show_the_line() {
    let reason = syntax("apiVersion: v1\nkind: [Gateway\nmetadata: {}\n");
    assert!(reason.starts_with("line ") && reason.contains(" | "), "{reason}");
    let reason = syntax("{\"apiVersion\": \"v1\",\n \"kind\": }");
    assert!(
        reason.starts_with("line 2, column ") && reason.contains("2 |  \"kind\": }"),
        "{reason}"
    );
}

#[test]
fn kinds_and_versions_are_checked() {
    let text = |version: &str, kind: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n")
    };
    for version in ["v1", "v1beta1", "v1alpha3"] {
        let manifest =
            Manifest::read(&text(&format!("networking.istio.io/{version}"), "Gateway")).unwrap();
        assert!(matches!(manifest.objects[0], Object::Gateway(_)));
        let written = format!("networking.istio.io/{version}");
        assert_eq!(manifest.to_json_value().unwrap()["apiVersion"], written.as_str());
        let Object::Gateway(gateway) = &manifest.objects[0] else { panic!("no Gateway") };
        assert_eq!(gateway.api_version(), written);
        let newest = manifest.to_version("v1").unwrap().to_json_value().unwrap();
        assert_eq!(newest["apiVersion"], "networking.istio.io/v1");
    }
    assert!(Manifest::default().to_version("v2").is_ok(), "there is nothing to write");
    let gateway = canary_core::Gateway::default();
    assert!(gateway.to_version("v2").unwrap_err().to_string().contains("v1alpha3"));
    let finding = the_one(&text("networking.istio.io/v1", "VirtualServices"));
    assert_eq!(finding.help.as_deref(), Some("did you mean `VirtualService`?"));
    let finding = the_one(&text("networking.istio.io/v2", "Gateway"));
    assert_eq!(finding.path, "apiVersion");
    assert_eq!(the_one(&text("v1", "VirtualService")).path, "apiVersion");
    assert_eq!(the_one("kind: Gateway\n").path, "apiVersion");
    assert_eq!(the_one("just a text\n").code, "C306");
    // A Gateway of the Gateway API is another kind.
    let of_gateway_api = |version: &str, kind: &str| {
        text(&format!("gateway.networking.k8s.io/{version}"), kind)
            + "spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}\n"
    };
    let other = Manifest::read(&of_gateway_api("v1", "Gateway")).unwrap();
    assert!(matches!(other.objects[0], Object::GatewayApi(GatewayApiObject::Gateway(_))));
    assert_eq!(other.to_version("v1alpha3").unwrap().objects.len(), 1, "another API's versions");
}

#[test]
fn kinds_and_versions_of_the_gateway_api_are_checked() {
    let text = |version: &str, kind: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/{version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n"
        )
    };
    for version in ["v1", "v1beta1"] {
        let manifest = Manifest::read(&text(version, "HTTPRoute")).unwrap();
        let written = manifest.to_json_value().unwrap();
        assert_eq!(written["apiVersion"], format!("gateway.networking.k8s.io/{version}"));
    }
    let grant = canary_core::gateway_api::ReferenceGrant::allow_routes("a", "b");
    assert_eq!(grant.api_version(), "gateway.networking.k8s.io/v1beta1");
    assert!(grant.clone().to_version("v1").is_ok());
    let reason = grant.to_version("v1alpha2").unwrap_err().to_string();
    assert!(reason.contains("write one of v1beta1, v1"), "{reason}");
    let finding = the_one(&text("v1beta1", "GRPCRoute"));
    assert_eq!((finding.code.as_str(), finding.path.as_str()), ("C306", "apiVersion"));
    assert_eq!(finding.help.as_deref(), Some("write gateway.networking.k8s.io/v1"));
    let finding = the_one(&text("v1", "HttpRoute"));
    assert_eq!(finding.help.as_deref(), Some("did you mean `HTTPRoute`?"));
    // Kinds without a model are read as they are.
    let other = Manifest::read(&text("v1", "TLSRoute")).unwrap();
    assert!(matches!(other.objects[0], Object::Other(_)));
    let bare = text("v1", "HTTPRoute").replace("spec: {}\n", "");
    assert_eq!(the_one(&bare).path, "spec");
    // The rule that a filter breaks is named, and so is every other mistake.
    let filter = text("v1", "HTTPRoute").replace(
        "spec: {}",
        "spec: {rules: [{filters: [{type: CORS}], backendRefs: [{nmae: a, name: b, port: x}]}]}",
    );
    let found = refused(&filter);
    let codes: Vec<&str> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["G110", "C301", "C307"]);
    assert_eq!(found.0[0].help.as_deref(), Some("correct the type, or the field"));
}

#[test]
fn streams_lists_and_other_kinds() {
    let text = "---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: a}}\n- {apiVersion: v1, kind: Service, metadata: {name: b, namespace: ns}, spec: {ports: [{port: 0x50}]}}\n---\n# nothing\n---\napiVersion: networking.istio.io/v1\nkind: VirtualServiceList\nitems:\n- metadata: {name: c}\n";
    let manifest = Manifest::read(text).unwrap();
    let ids: Vec<String> = manifest.iter().map(Object::id).collect();
    assert_eq!(ids, ["Gateway a", "Service ns/b", "VirtualService c"]);
    // What `kubectl` would send.
    assert_eq!(manifest.objects[1].to_json_value().unwrap()["spec"]["ports"][0]["port"], 80);
    assert_eq!(Manifest::read(&manifest.to_json().unwrap()).unwrap(), manifest);
    assert_eq!(Manifest::read(&manifest.to_yaml().unwrap()).unwrap(), manifest);
    let json =
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}";
    assert_eq!(Manifest::read(json).unwrap().objects.len(), 2);
    let stream = json.replace('\n', "\n---\n");
    assert_eq!(Manifest::read(&stream).unwrap().objects.len(), 2);
    assert_eq!(Manifest::read("").unwrap(), Manifest::default());
}

#[test]
fn metadata_is_strict_too() {
    let text = |metadata: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: a, {metadata}}}\n"
        )
    };
    let finding = the_one(&text("lables: {}"));
    assert_eq!(
        (finding.path.as_str(), finding.help.as_deref()),
        ("metadata.lables", Some("did you mean `labels`?"))
    );
    let finding = the_one(&text("creationTimestamp: '2026-01-31T12:00:00.5Z'"));
    assert_eq!(finding.path, "metadata.creationTimestamp");
    let written = Manifest::read(&text("creationTimestamp: '2026-01-31T12:00:00Z'")).unwrap();
    assert_eq!(
        written.to_json_value().unwrap()["metadata"]["creationTimestamp"],
        "2026-01-31T12:00:00Z"
    );
    assert!(Manifest::read(&text("creationTimestamp: null")).is_ok());
}

#[test]
fn lenient_reading_keeps_what_it_can_and_says_the_rest() {
    let text = service(
        "  hosts: [a]\n  colour: red\n  http:\n  - timeout: 5\n    route:\n    - destination: {host: a}\n      weight: '90'\n",
    );
    let (manifest, findings) = Manifest::read_lenient(&text);
    let json = manifest.to_json_value().unwrap();
    assert_eq!(
        json["spec"],
        serde_json::json!({"hosts": ["a"], "http": [{"route": [{"destination": {"host": "a"}, "weight": 90}]}]})
    );
    let found: Vec<(Severity, &str)> =
        findings.iter().map(|finding| (finding.severity, finding.path.as_str())).collect();
    assert_eq!(
        found,
        [
            (Severity::Warning, "spec.colour"),
            (Severity::Error, "spec.http[0].timeout"),
            (Severity::Warning, "spec.http[0].route[0].weight"),
        ]
    );
    let (manifest, findings) = Manifest::read_lenient("a: [");
    assert!(manifest.objects.is_empty() && findings.has_errors());
    let (manifest, findings) = Manifest::read_lenient(&rule("  trafficPolicy: {tls: {mode: 3}}\n"));
    assert_eq!(
        manifest.to_json_value().unwrap()["spec"]["trafficPolicy"]["tls"]["mode"],
        "ISTIO_MUTUAL"
    );
    assert_eq!(findings.warnings().count(), 1);
}

#[test]
fn json_values_are_read_strictly() {
    let value = serde_json::json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "a"}, "spec": {"serverz": []}
    });
    let Err(Error::Invalid(findings)) = canary_core::Gateway::from_json_value(&value) else {
        panic!("read an unknown field")
    };
    assert_eq!(findings.0[0].path, "spec.serverz");
    let error = canary_core::VirtualService::from_json_value(&value).unwrap_err();
    assert!(error.to_string().contains("kind is `Gateway`, expected `VirtualService`"), "{error}");
}
