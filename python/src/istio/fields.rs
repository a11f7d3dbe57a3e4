//! Fields of objects as keyword arguments.

use pyo3::{prelude::*, types::PyDict};
use serde_json::{Map, Value};

use crate::{convert::names::unknown, json};

/// The fields that are lists of names, of which a single one may be given as a text.
const NAMES: [&str; 4] = ["exportTo", "gateways", "hostnames", "hosts"];

/// The fields of the metadata.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Returns `true` for a name with the same letters in another order.
fn is_misspelt(name: &str, known: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    name != known && sorted(name) == sorted(known)
}

/// Puts fields given as keyword arguments into metadata and spec.
pub(crate) fn replaced(
    kind: &str,
    mut object: Value,
    changes: &Bound<'_, PyDict>,
) -> PyResult<Value> {
    let fields = |object: &mut Value, part: &str| -> PyResult<Map<String, Value>> {
        match object[part].take() {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    };
    let mut metadata = fields(&mut object, "metadata")?;
    let mut spec = fields(&mut object, "spec")?;
    for (key, value) in changes {
        let key: String = key.extract()?;
        let (part, key) = match key.as_str() {
            known if METADATA.contains(&known) => (&mut metadata, key),
            // Fields of the spec are known where it is read; the metadata has few: misspelt ones are reported here.
            other if !METADATA.iter().any(|known| is_misspelt(other, known)) => {
                (&mut spec, camel(&key))
            }
            other => {
                return Err(unknown(value.py(), kind, other, &METADATA.map(str::to_owned)));
            }
        };
        if value.is_none() {
            part.remove(&key);
            continue;
        }
        let value = match json::from_python(&value)? {
            Value::String(one) if NAMES.contains(&key.as_str()) => vec![one].into(),
            value => value,
        };
        part.insert(key, value);
    }
    object["metadata"] = Value::Object(metadata);
    object["spec"] = Value::Object(spec);
    Ok(object)
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
