//! The owners of fields, as `metadata.managedFields` lists them.
//!
//! A field is a leaf: a scalar, a list, or an empty object. Format: Kubernetes' "Server-Side Apply" page and
//! `FieldsV1` in apimachinery's meta/v1 types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The names from the root of an object to a leaf.
pub(super) type Path = Vec<String>;

/// The operation by which a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// The owners of the fields of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managers(BTreeMap<(String, Operation), BTreeSet<Path>>);

/// Returns `false` for the fields that name the object or that the server sets: nobody owns them.
fn is_owned(path: &[String]) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    !matches!(names[..], ["apiVersion" | "kind" | "status", ..])
        && !matches!(
            names[..],
            [
                "metadata",
                "name"
                    | "namespace"
                    | "uid"
                    | "resourceVersion"
                    | "generation"
                    | "creationTimestamp"
                    | "managedFields",
                ..
            ]
        )
}

/// The leaves of an object with their values.
pub(super) fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    fn walk(value: &Value, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    path.push(name.clone());
                    walk(value, path, found);
                    path.pop();
                }
            }
            _ if is_owned(path) && !path.is_empty() => {
                found.insert(path.clone(), value.clone());
            }
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    walk(object, &mut Vec::new(), &mut found);
    found
}

/// Returns `true` when one path is a prefix of the other.
fn touches(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b)
}

impl Managers {
    /// Another manager that owns this field, a part of it or a parent of it.
    pub(super) fn other_owner(&self, manager: &str, path: &[String]) -> Option<&str> {
        self.0
            .iter()
            .filter(|((name, operation), _)| name != manager || *operation != Operation::Apply)
            .find(|(_, fields)| fields.iter().any(|field| touches(field, path)))
            .map(|((name, _), _)| name.as_str())
    }

    /// The fields of a manager's last apply.
    pub(super) fn applied(&self, manager: &str) -> BTreeSet<Path> {
        self.0.get(&(manager.to_owned(), Operation::Apply)).cloned().unwrap_or_default()
    }

    /// Records that a manager applied these fields, and takes from others those whose value changed.
    pub(super) fn record_apply(
        &mut self,
        manager: &str,
        fields: BTreeSet<Path>,
        changed: &BTreeSet<Path>,
    ) {
        for owned in self.0.values_mut() {
            owned.retain(|field| !changed.iter().any(|path| touches(field, path)));
        }
        self.0.insert((manager.to_owned(), Operation::Apply), fields);
        self.0.retain(|_, owned| !owned.is_empty());
    }

    /// Records that a manager changed an object by another write than an apply.
    pub(super) fn updated(&mut self, manager: &str, before: &Value, after: &Value) {
        let (before, after) = (leaves(before), leaves(after));
        let changed: BTreeSet<Path> = after
            .iter()
            .filter(|(path, value)| before.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        for owned in self.0.values_mut() {
            owned.retain(|field| after.contains_key(field) && !changed.contains(field));
        }
        if !changed.is_empty() {
            let update = (manager.to_owned(), Operation::Update);
            self.0.entry(update).or_default().extend(changed);
        }
        self.0.retain(|_, owned| !owned.is_empty());
    }

    /// Reads `metadata.managedFields`, as [`Managers::write_to`] writes it.
    pub(super) fn read(entries: &Value) -> Self {
        fn walk(tree: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
            for (name, inner) in tree.as_object().into_iter().flatten() {
                let Some(name) = name.strip_prefix("f:") else { continue };
                path.push(name.to_owned());
                if inner.as_object().is_none_or(Map::is_empty) {
                    found.insert(path.clone());
                } else {
                    walk(inner, path, found);
                }
                path.pop();
            }
        }
        let mut managers = Self::default();
        for entry in entries.as_array().into_iter().flatten() {
            let manager = entry["manager"].as_str().unwrap_or_default().to_owned();
            let operation = match entry["operation"].as_str() {
                Some("Apply") => Operation::Apply,
                _ => Operation::Update,
            };
            let fields = managers.0.entry((manager, operation)).or_default();
            walk(&entry["fieldsV1"], &mut Vec::new(), fields);
        }
        managers.0.retain(|_, owned| !owned.is_empty());
        managers
    }

    /// Writes `metadata.managedFields`.
    pub(super) fn write_to(&self, object: &mut Value, api_version: &str) {
        let entries: Vec<Value> = self
            .0
            .iter()
            .map(|((manager, operation), fields)| {
                let mut tree = Map::new();
                for field in fields {
                    let mut level = &mut tree;
                    for name in field {
                        let entry = level.entry(format!("f:{name}")).or_insert_with(|| json!({}));
                        let Value::Object(inner) = entry else { break };
                        level = inner;
                    }
                }
                let operation = match operation {
                    Operation::Apply => "Apply",
                    Operation::Update => "Update",
                };
                json!({
                    "manager": manager, "operation": operation, "apiVersion": api_version,
                    "fieldsType": "FieldsV1", "fieldsV1": tree,
                })
            })
            .collect();
        object["metadata"]["managedFields"] = entries.into();
    }
}
