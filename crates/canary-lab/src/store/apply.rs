//! Server-side apply: a manager states the fields that it manages, and conflicts with other managers are refused.
//!
//! Source: Kubernetes' "Server-Side Apply" page.

use std::collections::BTreeSet;

use canary_core::{
    cluster::ObjectRef,
    rollout::{Error, Result},
};
use serde_json::{Map, Value, json};

use super::{
    fields::{Managers, Path, leaves},
    stored::Stored,
};

/// Merges the fields that a manager states into the object.
pub(super) fn merge(
    target: &ObjectRef,
    old: Option<&Stored>,
    wanted: &Value,
    manager: &str,
    force: bool,
) -> Result<Stored> {
    let mut object = old.map_or_else(
        || json!({"apiVersion": target.api_version, "kind": target.kind, "metadata": {"name": target.name}}),
        |old| old.object.clone(),
    );
    let mut managers = old.map_or_else(Managers::default, |old| old.managers.clone());
    let stated = leaves(wanted);
    let found = leaves(&object);
    let changed: BTreeSet<Path> = stated
        .iter()
        .filter(|(path, value)| found.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    if !force {
        let conflicts: Vec<String> = changed
            .iter()
            .filter_map(|path| {
                let owner = managers.other_owner(manager, path)?;
                let found = value_at(&object, path).map_or("nothing".to_owned(), brief);
                let wanted = stated.get(path).map_or("nothing".to_owned(), brief);
                Some(format!("{}: {owner} owns it, found {found}, wanted {wanted}", path.join(".")))
            })
            .collect();
        if !conflicts.is_empty() {
            let diff = conflicts.join("; ");
            return Err(Error::owned_by_others(target.to_string(), diff));
        }
    }
    let fields: BTreeSet<Path> = stated.keys().cloned().collect();
    let dropped: Vec<Path> = managers.applied(manager).difference(&fields).cloned().collect();
    managers.record_apply(manager, fields, &changed);
    for path in dropped {
        // Keep a field that others own, or that contains a stated field.
        let within = stated.keys().any(|field| field.starts_with(&path));
        if !within && managers.other_owner(manager, &path).is_none() {
            remove(&mut object, &path);
        }
    }
    for (path, value) in stated {
        set(&mut object, &path, value);
    }
    Ok(Stored { object, managers })
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn value_at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name))
}

fn set(object: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(fields) = object else { return };
    if rest.is_empty() {
        fields.insert(name.clone(), value);
    } else {
        set(fields.entry(name.clone()).or_insert_with(|| json!({})), rest, value);
    }
}

/// Removes a leaf, and the parents that become empty.
fn remove(object: &mut Value, path: &[String]) -> bool {
    let (Some((name, rest)), Value::Object(fields)) = (path.split_first(), &mut *object) else {
        return false;
    };
    let gone = match fields.get_mut(name) {
        Some(_) if rest.is_empty() => true,
        Some(inner) => remove(inner, rest),
        None => false,
    };
    if gone {
        fields.remove(name);
    }
    gone && fields.is_empty()
}
