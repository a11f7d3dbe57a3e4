//! The parameters of a request.

use percent_encoding::percent_decode_str;

use super::answer::Refusal;

/// The parameters after the `?` of a path, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(text: &str) -> Self {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// A parameter that is given and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that is on or off.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(given, value)| given == name && matches!(value.as_str(), "" | "1" | "true"))
    }

    /// The writes that are tried and not kept.
    pub(super) fn dry_run(&self) -> bool {
        self.get("dryRun").is_some()
    }

    /// The names that `fieldSelector` wants: of the object and of its namespace.
    pub(super) fn selected(&self) -> Result<Selected, Refusal> {
        if let Some(labels) = self.get("labelSelector") {
            return Err(Refusal::bad_request(format!(
                "labelSelector {labels:?} is not supported by the lab; list all objects and choose by their labels"
            )));
        }
        let mut selected = Selected::default();
        let fields = self.get("fieldSelector").unwrap_or_default();
        for field in fields.split(',').filter(|field| !field.is_empty()) {
            match field.split_once('=').map(|(name, value)| (name, value.trim_start_matches('='))) {
                Some(("metadata.name", name)) => selected.name = Some(name.to_owned()),
                Some(("metadata.namespace", name)) => selected.namespace = Some(name.to_owned()),
                _ => {
                    return Err(Refusal::bad_request(format!(
                        "fieldSelector {field:?} is not supported by the lab; it selects by metadata.name and \
                         metadata.namespace"
                    )));
                }
            }
        }
        Ok(selected)
    }
}

/// The objects that a list or a watch is about.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) name: Option<String>,
    namespace: Option<String>,
}

impl Selected {
    pub(super) fn has(&self, object: &serde_json::Value) -> bool {
        let is = |wanted: &Option<String>, field: &str| {
            wanted.as_ref().is_none_or(|wanted| object["metadata"][field] == **wanted)
        };
        is(&self.name, "name") && is(&self.namespace, "namespace")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_decoded_and_selectors_read() {
        let query = Query::read("fieldSelector=metadata.name%3Dpets&watch=true&dryRun=All");
        assert!(query.flag("watch") && query.dry_run() && !query.flag("force"));
        let selected = query.selected().ok().unwrap();
        assert!(selected.has(&json!({"metadata": {"name": "pets", "namespace": "a"}})));
        assert!(!selected.has(&json!({"metadata": {"name": "dogs"}})));
        assert!(Query::read("fieldSelector=spec.x%3Dy").selected().is_err());
        assert!(Query::read("labelSelector=app%3Dpets").selected().is_err());
    }
}
