//! The `test` operations of a JSON Patch that fail on an object.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

/// Each `test` that does not hold, as `path: expected …, found …`, joined by `; `; `None` when all hold.
///
/// ```
/// use canary_core::cluster::failed_tests;
/// use serde_json::json;
///
/// let patch = serde_json::from_value(json!([{"op": "test", "path": "/weight", "value": 10}])).unwrap();
/// assert_eq!(failed_tests(&json!({"weight": 10}), &patch), None);
/// assert_eq!(failed_tests(&json!({}), &patch).unwrap(), "weight: expected 10, found nothing");
/// ```
pub fn failed_tests(object: &Value, patch: &Patch) -> Option<String> {
    let failed: Vec<_> = patch
        .iter()
        .filter_map(|operation| {
            let PatchOperation::Test(test) = operation else { return None };
            let pointer = test.path.as_str();
            let found = object.pointer(pointer);
            if found == Some(&test.value) {
                return None;
            }
            let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
            Some(format!("{}: expected {}, found {found}", readable(pointer), test.value))
        })
        .collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}

/// `/spec/http/0/route` as `spec.http[0].route`.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.is_empty() {
            path.push('[');
            path.push_str(token);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token.replace("~1", "/").replace("~0", "~"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_failed_test_is_named_with_its_place() {
        let patch: Patch = serde_json::from_value(json!([
            {"op": "test", "path": "/metadata/annotations/a~1b", "value": "x"},
            {"op": "test", "path": "/spec/http/0/route/1/weight", "value": 10},
            {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 30},
        ]))
        .unwrap();
        let object = json!({
            "metadata": {"annotations": {"a/b": "x"}},
            "spec": {"http": [{"route": [{}, {"weight": 20}]}]},
        });
        assert_eq!(
            failed_tests(&object, &patch).unwrap(),
            "spec.http[0].route[1].weight: expected 10, found 20"
        );
    }
}
