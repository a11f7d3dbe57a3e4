//! The namespaces from which a listener admits routes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gateway_api::LabelSelector;

/// The label that Kubernetes gives every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The namespaces that are known, with their labels.
#[derive(Debug, Default)]
pub(super) struct Namespaces(BTreeMap<String, BTreeMap<String, String>>);

impl Namespaces {
    /// Those that `Namespace` objects declare, and those of `others`, of which only the name is known.
    pub(super) fn new<'n>(declared: &[Value], others: impl Iterator<Item = &'n str>) -> Self {
        let mut namespaces = Self::default();
        for object in declared {
            let metadata = &object["metadata"];
            let Some(name) = metadata["name"].as_str() else { continue };
            let labels = metadata["labels"].as_object().into_iter().flatten();
            let labels =
                labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            namespaces.0.insert(name.to_owned(), labels.collect());
        }
        for name in others {
            namespaces.0.entry(name.to_owned()).or_default();
        }
        for (name, labels) in &mut namespaces.0 {
            labels.insert(NAME_LABEL.to_owned(), name.clone());
        }
        namespaces
    }

    /// The names of those that a selector takes; none when one of its operators does not exist.
    pub(super) fn selected(&self, selector: &LabelSelector) -> Vec<&str> {
        let fits = |labels: &BTreeMap<String, String>| selector.selects(labels) == Some(true);
        self.0.iter().filter(|(_, labels)| fits(labels)).map(|(name, _)| name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn namespaces_are_selected_by_labels_and_by_name() {
        let declared = [json!({"metadata": {"name": "a", "labels": {"team": "red"}}})];
        let namespaces = Namespaces::new(&declared, ["a", "b"].into_iter());
        let selected = |selector: Value| {
            let selector: LabelSelector = serde_json::from_value(selector).unwrap();
            namespaces.selected(&selector).join(",")
        };
        assert_eq!(selected(json!({"matchLabels": {"team": "red"}})), "a");
        assert_eq!(selected(json!({"matchLabels": {NAME_LABEL: "b"}})), "b");
        assert_eq!(selected(json!({})), "a,b");
        let expression =
            |operator: &str| json!({"matchExpressions": [{"key": "team", "operator": operator}]});
        assert_eq!(selected(expression("Exists")), "a");
        assert_eq!(selected(expression("DoesNotExist")), "b");
        assert_eq!(selected(expression("Near")), "");
    }
}
