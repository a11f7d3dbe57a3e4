//! Values are written back as they were read: numbers, durations, zero and absent, presence, empty lists.

use canary_core::{Manifest, istio::Duration};
use proptest::{collection, option, prelude::*};
use serde_json::{Map, Value, json};

fn service(spec: &Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": spec})
}

fn rule(policy: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "a"},
        "spec": {"host": "a", "trafficPolicy": policy},
    })
}

/// JSON to JSON, JSON to YAML to JSON; numbers are compared as they are written.
fn kept(document: &Value) -> Result<(), TestCaseError> {
    let manifest = Manifest::read(&document.to_string())
        .map_err(|error| TestCaseError::fail(format!("{error}\n{document}")))?;
    prop_assert_eq!(manifest.to_json_value().unwrap().to_string(), document.to_string());
    let yaml = manifest.to_yaml().unwrap();
    let again =
        Manifest::read(&yaml).map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
    prop_assert_eq!(again.to_json_value().unwrap().to_string(), document.to_string(), "{}", yaml);
    Ok(())
}

#[test]
fn one_of_each() {
    for document in [
        service(&json!({"http": [{"mirrorPercentage": {"value": 100}}]})),
        service(&json!({"http": [{"mirrorPercentage": {"value": 100.0}}]})),
        service(&json!({"http": [{"mirrorPercentage": {"value": 0}}]})),
        service(&json!({"http": [{"mirrorPercentage": {}}]})),
        service(&json!({"http": [{"route": [{"destination": {"host": "a"}, "weight": 0}]}]})),
        service(&json!({"http": [{"route": [{"destination": {"host": "a"}, "weight": -1}]}]})),
        service(&json!({"http": [{"route": [{"destination": {"host": "a"}}]}]})),
        service(
            &json!({"http": [{"route": [{"weight": 1}, {"destination": {}}], "mirrors": [{}]}]}),
        ),
        service(&json!({"http": [{"route": [{"destination": {"host": ""}}], "mirror": {}}]})),
        service(&json!({"http": [{"retries": {"attempts": 0}}, {"retries": {}}, {}]})),
        service(&json!({"http": [], "hosts": [], "exportTo": []})),
        service(
            &json!({"http": [{"match": [{"headers": {"x": {}}, "queryParams": {}}], "fault": {}}]}),
        ),
        service(&json!({"http": [{"timeout": "90s"}, {"timeout": "1m30s"}, {"timeout": "1.50s"}]})),
        service(&json!({"http": [{"match": [{"ignoreUriCase": false, "uri": {"exact": ""}}]}]})),
        rule(
            &json!({"outlierDetection": {"consecutive5xxErrors": 0, "consecutiveGatewayErrors": 0}}),
        ),
        rule(&json!({"loadBalancer": {"consistentHash": {"useSourceIp": false, "ringHash": {}}}})),
        rule(&json!({"loadBalancer": {"consistentHash": {"minimumRingSize": u64::MAX}}})),
        rule(&json!({"loadBalancer": {"simple": "UNSPECIFIED"}, "tls": {"mode": "DISABLE"}})),
    ] {
        kept(&document).unwrap();
    }
}

#[test]
fn sixty_four_bit_integers_are_read_quoted_and_written_bare() {
    let document =
        rule(&json!({"loadBalancer": {"consistentHash": {"maglev": {"tableSize": "65537"}}}}));
    let written = Manifest::from_json_value(&document).unwrap().to_json_value().unwrap();
    let hash = &written["spec"]["trafficPolicy"]["loadBalancer"]["consistentHash"];
    assert_eq!(hash["maglev"]["tableSize"], 65537);
    for bad in [json!("+1"), json!("-1"), json!("x"), json!(1.5), json!(-1)] {
        let document =
            rule(&json!({"loadBalancer": {"consistentHash": {"maglev": {"tableSize": bad}}}}));
        assert!(Manifest::from_json_value(&document).is_err(), "{bad}");
    }
}

#[test]
fn metadata_and_status_of_others_are_kept() {
    let mut document = service(&json!({}));
    document["metadata"] = json!({
        "name": "a",
        "namespace": "b",
        "generateName": "a-",
        "labels": {},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}\n"},
        "creationTimestamp": "2026-01-31T12:00:00Z",
        "finalizers": ["x"],
        "generation": 5,
        "resourceVersion": "77",
        "uid": "6f1",
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": true}],
        "managedFields": [{
            "manager": "kubectl", "operation": "Update", "apiVersion": "networking.istio.io/v1",
            "time": "2026-01-31T12:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {".": {}, "f:http": {}}},
        }],
    });
    document["status"] =
        json!({"conditions": [], "observedGeneration": "5", "any": [1, 1.0, null, true]});
    kept(&document).unwrap();
}

/// Texts that YAML readers like to take for something else, and others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "",
            " ",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "~",
            "null",
            "true",
            "1",
            "-1",
            "1.0",
            "1e3",
            "010",
            "0x1F",
            "0b1",
            "0o7",
            "1_000",
            ".5",
            ".inf",
            ".nan",
            "2026-01-31",
            "10:30",
            "12:30:45",
            "<<",
            "=",
            "*",
            "&a",
            "!x",
            "%",
            "@",
            "`",
            "- a",
            "? a",
            ": a",
            "a: b",
            "a #b",
            "#a",
            "'",
            "\"",
            "\\",
            "|",
            ">",
            "{a}",
            "[a]",
            "a\nb",
            "a\n",
            "\n",
            "\ta",
            "a ",
            " a",
            "---",
            "...",
            "é",
            "😀",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{0}",
            "\u{1b}[0m",
        ])
        .prop_map(ToOwned::to_owned),
        "\\PC{0,12}",
        any::<String>().prop_map(|text| text.chars().take(12).collect()),
    ]
}

fn duration() -> impl Strategy<Value = Value> {
    proptest::string::string_regex(
        r"-?([0-9]{1,4}(\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|ms|s|m|h)(([0-9]{1,3})(ms|s))?",
    )
    .unwrap()
    .prop_map(Value::from)
}

fn double() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u32>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        (0_u32..1_000_000).prop_map(|value| json!(f64::from(value) / 10_000.0)),
    ]
}

fn string_match() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"exact": text})),
        text().prop_map(|text| json!({"prefix": text})),
        text().prop_map(|text| json!({"regex": text})),
        Just(json!({})),
    ]
}

fn map(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    collection::btree_map(text(), values, 0..3)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn list(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    collection::vec(values, 0..3).prop_map(Value::Array)
}

/// An object with some of these entries.
fn object(entries: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    entries
        .into_iter()
        .map(|(name, value)| {
            option::of(value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect::<Vec<_>>()
        .prop_map(|entries| Value::Object(entries.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

fn http_route() -> impl Strategy<Value = Value> {
    let condition = object(vec![
        ("name", text().prop_map(Value::from).boxed()),
        ("uri", string_match().boxed()),
        ("headers", map(string_match()).boxed()),
        ("withoutHeaders", map(string_match()).boxed()),
        ("ignoreUriCase", any::<bool>().prop_map(Value::from).boxed()),
        ("port", any::<u32>().prop_map(Value::from).boxed()),
    ]);
    let destination = (text(), option::of(any::<i32>())).prop_map(|(host, weight)| {
        let mut destination = json!({"destination": {"host": host}});
        if let Some(weight) = weight {
            destination["weight"] = weight.into();
        }
        destination
    });
    object(vec![
        ("match", list(condition).boxed()),
        ("route", list(destination).boxed()),
        ("timeout", duration().boxed()),
        ("mirrorPercentage", object(vec![("value", double().boxed())])),
        ("mirrorPercent", any::<u32>().prop_map(Value::from).boxed()),
        (
            "headers",
            object(vec![(
                "request",
                object(vec![("set", map(text().prop_map(Value::from)).boxed())]),
            )]),
        ),
        (
            "directResponse",
            (any::<u32>(), text())
                .prop_map(|(status, body)| json!({"status": status, "body": {"string": body}}))
                .boxed(),
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn virtual_services(
        spec in object(vec![
            ("hosts", list(text().prop_map(Value::from)).boxed()),
            ("gateways", list(text().prop_map(Value::from)).boxed()),
            ("http", list(http_route()).boxed()),
        ]),
        labels in map(text().prop_map(Value::from)),
    ) {
        let mut document = service(&spec);
        document["metadata"]["labels"] = labels;
        kept(&document)?;
    }

    #[test]
    fn other_objects(data in map(text().prop_map(Value::from)), number in double(), none in Just(Value::Null)) {
        let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "n": number, "none": none, "e": [[], {}, [[]]]});
        kept(&document)?;
    }

    #[test]
    fn durations_are_never_misread(text in "[-+]?[0-9.]{0,6}(ns|us|ms|s|m|h|d|)[0-9.]{0,4}(ns|us|ms|s|m|h|)") {
        if let Ok(duration) = text.parse::<Duration>() {
            prop_assert_eq!(duration.as_str(), &text);
            let canonical = duration.as_std().map(Duration::from);
            prop_assert!(canonical.is_none_or(|canonical| canonical.nanos() == duration.nanos()));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Manifest::read(&text);
        let _ = Manifest::read_lenient(&text);
    }
}
