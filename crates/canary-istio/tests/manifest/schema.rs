//! Every property of Istio's own schema is read and written back unchanged.
//!
//! The schema is that of the `CustomResourceDefinition`s, reduced to its facts by `scripts/istio_schema.py`.

use std::collections::{BTreeMap, BTreeSet};

use canary_core::{Manifest, manifest::Error};
use serde_json::{Map, Value, json};

/// The number of documents of each kind that are filled; enough for every choice to be taken somewhere.
const DOCUMENTS: u64 = 96;

/// The one name of the schema that is an alias: it is read, and written as `mirrorPercent`.
const ALIAS: &str = "mirror_percent";

fn schemas() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../data/istio-schema.json")).unwrap()
}

/// A number that looks random and is the same for the same place in the same document.
fn choice(path: &str, document: u64) -> u64 {
    let mut state = document.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xcbf2_9ce4_8422_2325;
    for byte in path.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state ^ (state >> 29)
}

/// Fills every property but those that exclude each other, of which one is chosen.
struct Filler {
    document: u64,
    seen: BTreeSet<String>,
}

impl Filler {
    fn value(&mut self, schema: &Value, path: &str) -> Value {
        self.seen.insert(path.to_owned());
        let chosen = choice(path, self.document);
        if let Some(names) = schema["enum"].as_array() {
            let name = &names[usize::try_from(chosen).unwrap() % names.len()];
            self.seen.insert(format!("{path}={name}"));
            return name.clone();
        }
        let int_or_string = schema["x-kubernetes-int-or-string"].as_bool() == Some(true);
        match schema["type"].as_str() {
            Some("object")
                if schema["x-kubernetes-preserve-unknown-fields"].as_bool() == Some(true) =>
            {
                json!({"conditions": [{"type": "Reconciled", "observedGeneration": "5"}]})
            }
            Some("object") if schema.get("values").is_some() => {
                let value = self.value(&schema["values"], &format!("{path}{{}}"));
                json!({"a-key": value, "example.com/b": value})
            }
            Some("object") => self.object(schema, path),
            Some("array") => {
                let item = self.value(&schema["items"], &format!("{path}[]"));
                Value::Array(vec![item; if chosen.is_multiple_of(3) { 2 } else { 1 }])
            }
            Some("boolean") => Value::Bool(chosen.is_multiple_of(2)),
            Some("integer") => integer(schema, chosen),
            Some("number") => [json!(0), json!(100), json!(100.0), json!(0.125)]
                [usize::try_from(chosen % 4).unwrap()]
            .clone(),
            Some("string") if matches!(schema["format"].as_str(), Some("byte" | "binary")) => {
                json!("aGk=")
            }
            Some("string") => json!(format!("{}s", chosen % 100)),
            None if int_or_string => json!(7),
            other => panic!("{path}: a schema of type {other:?} is new"),
        }
    }

    fn object(&mut self, schema: &Value, path: &str) -> Value {
        let mut left_out = BTreeSet::new();
        for group in schema["atMostOne"].as_array().into_iter().flatten() {
            let names: Vec<&str> =
                group.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let kept = usize::try_from(choice(&format!("{path}|{}", names[0]), self.document))
                .unwrap()
                % names.len();
            left_out.extend(
                names.iter().enumerate().filter(|(index, _)| *index != kept).map(|(_, name)| *name),
            );
        }
        let mut object = Map::new();
        for (name, part) in schema["properties"].as_object().into_iter().flatten() {
            if !left_out.contains(name.as_str()) && name != ALIAS {
                object.insert(name.clone(), self.value(part, &format!("{path}.{name}")));
            }
        }
        Value::Object(object)
    }
}

fn integer(schema: &Value, chosen: u64) -> Value {
    let min = schema["minimum"].as_i64().map_or(json!(-1), Value::from);
    let max = match schema["maximum"].as_u64() {
        Some(max) => json!(max),
        None if schema["minimum"].is_null() => json!(i32::MAX),
        None => json!(u64::MAX),
    };
    [min, max, json!(1), json!(100)][usize::try_from(chosen % 4).unwrap()].clone()
}

/// Every path of a schema, and every value of its enums, as the filler names them.
fn paths(schema: &Value, path: &str, all: &mut BTreeSet<String>) {
    all.insert(path.to_owned());
    if schema["x-kubernetes-preserve-unknown-fields"].as_bool() == Some(true) {
        return;
    }
    for name in schema["enum"].as_array().into_iter().flatten() {
        all.insert(format!("{path}={name}"));
    }
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        if name != ALIAS {
            paths(part, &format!("{path}.{name}"), all);
        }
    }
    if let Some(items) = schema.get("items") {
        paths(items, &format!("{path}[]"), all);
    }
    if let Some(values) = schema.get("values") {
        paths(values, &format!("{path}{{}}"), all);
    }
}

fn document(kind: &str, filler: &mut Filler, schema: &Value) -> Value {
    let mut document = filler.value(schema, "");
    document["apiVersion"] = json!("networking.istio.io/v1");
    document["kind"] = json!(kind);
    document["metadata"] = json!({"name": "a", "namespace": "b"});
    document
}

#[test]
fn every_property_is_read_and_written_back_identically() {
    for (kind, schema) in schemas() {
        let mut filler = Filler { document: 0, seen: BTreeSet::new() };
        for number in 0..DOCUMENTS {
            filler.document = number;
            let document = document(&kind, &mut filler, &schema);
            let text = document.to_string();
            let manifest =
                Manifest::read(&text).unwrap_or_else(|error| panic!("{kind} {number}: {error}"));
            assert_eq!(manifest.to_json_value().unwrap(), document, "{kind} {number}");
            let yaml = manifest.to_yaml().unwrap();
            let again = Manifest::read(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
            assert_eq!(again.to_json_value().unwrap(), document, "{kind} {number} by YAML");
        }
        let mut all = BTreeSet::new();
        paths(&schema, "", &mut all);
        let missed: Vec<&String> = all.difference(&filler.seen).collect();
        assert!(missed.is_empty(), "{kind}: never filled: {missed:?}");
    }
}

#[test]
fn a_property_that_the_types_lack_is_seen() {
    for (kind, mut schema) in schemas() {
        schema["properties"]["spec"]["properties"]["newInTheNextVersion"] =
            json!({"type": "string"});
        let mut filler = Filler { document: 0, seen: BTreeSet::new() };
        let document = document(&kind, &mut filler, &schema);
        let Err(Error::Invalid(findings)) = Manifest::from_json_value(&document) else {
            panic!("{kind}: read a property that no type has");
        };
        assert_eq!(findings.0[0].path, "spec.newInTheNextVersion");
    }
}

#[test]
fn an_unknown_property_of_a_spec_is_answered_with_those_of_the_schema() {
    for (kind, schema) in schemas() {
        let spec = &schema["properties"]["spec"];
        let known: BTreeSet<&String> = spec["properties"].as_object().unwrap().keys().collect();
        let probe = json!({"apiVersion": "networking.istio.io/v1", "kind": kind, "spec": {"?": 1}});
        let Err(Error::Invalid(findings)) = Manifest::from_json_value(&probe) else {
            panic!("{kind}")
        };
        let help = findings.0[0].help.clone().unwrap();
        let listed = help.strip_prefix("the fields here are ").unwrap();
        assert!(
            listed.split(", ").all(|name| known.contains(&name.to_owned())),
            "{kind}: {listed}"
        );
        assert_eq!(listed.split(", ").count(), known.len(), "{kind}");
    }
}

#[test]
fn required_properties_may_be_missing_when_read_and_are_found_by_validation() {
    for kind in schemas().keys() {
        let text =
            format!("apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{name: a}}\n");
        assert!(Manifest::read(&text).is_ok(), "{kind}");
    }
}
