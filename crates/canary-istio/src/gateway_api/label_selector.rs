//! Labels of namespaces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Conditions on labels, all of which must hold.
///
/// Kubernetes' [`LabelSelector`](https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels with the value that each must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Conditions on single labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_expressions: Option<Vec<LabelExpression>>,
}

/// A condition on one label.
///
/// Kubernetes' `LabelSelectorRequirement`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelExpression {
    /// The key of the label. Required.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`. Required.
    pub operator: String,
    /// The values, for `In` and `NotIn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

impl LabelSelector {
    /// Returns true when the labels meet every condition; `None` when an operator is not one that Kubernetes has.
    ///
    /// ```
    /// use canary_core::gateway_api::LabelSelector;
    ///
    /// let selector: LabelSelector = serde_json::from_value(serde_json::json!({"matchLabels": {"team": "pets"}}))?;
    /// assert_eq!(selector.selects(&[("team".to_owned(), "pets".to_owned())].into()), Some(true));
    /// assert_eq!(selector.selects(&Default::default()), Some(false));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let mut all =
            self.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
        for expression in self.match_expressions.iter().flatten() {
            let value = labels.get(&expression.key);
            let listed = value
                .is_some_and(|value| expression.values.iter().flatten().any(|one| one == value));
            all &= match expression.operator.as_str() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => return None,
            };
        }
        Some(all)
    }
}
