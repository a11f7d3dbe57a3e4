//! Constructors and setters of `DestinationRule`.

use super::texts;
use crate::networking::{DestinationRule, DestinationRuleSpec, Subset, TrafficPolicy};

impl DestinationRule {
    /// A rule for a service, named after it, without subsets or policy.
    pub fn new(host: impl Into<String>) -> Self {
        let host = host.into();
        let mut rule = Self::default();
        rule.metadata.name = Some(host.clone());
        rule.spec = DestinationRuleSpec { host, ..DestinationRuleSpec::default() };
        rule
    }

    /// A rule, named after the service, that declares one subset for each value of the label `version`.
    ///
    /// ```
    /// use canary_core::DestinationRule;
    ///
    /// let rule = DestinationRule::subsets("image-classifier", ["resnet50", "resnet101"]);
    /// let json = rule.to_json_value()?;
    /// assert_eq!(json["metadata"]["name"], "image-classifier");
    /// assert_eq!(json["spec"]["subsets"][1]["labels"]["version"], "resnet101");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn subsets<T: Into<String>>(
        host: impl Into<String>,
        versions: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut rule = Self::new(host);
        rule.spec.subsets = Some(versions.into_iter().map(Subset::version).collect());
        rule
    }

    /// Adds a subset.
    #[must_use]
    pub fn subset(mut self, subset: Subset) -> Self {
        self.spec.subsets.get_or_insert_default().push(subset);
        self
    }

    /// Sets the policy for all of the service's traffic.
    #[must_use]
    pub fn traffic_policy(mut self, policy: TrafficPolicy) -> Self {
        self.spec.traffic_policy = Some(policy);
        self
    }

    /// Sets the namespaces that see this rule.
    #[must_use]
    pub fn export_to<T: Into<String>>(mut self, namespaces: impl IntoIterator<Item = T>) -> Self {
        self.spec.export_to = Some(texts(namespaces));
        self
    }
}

impl Subset {
    /// A subset without its own labels.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The endpoints whose label `version` is the name of the subset.
    pub fn version(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(name.clone()).label("version", name)
    }

    /// Adds a label that the endpoints must have.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.get_or_insert_default().insert(label.into(), value.into());
        self
    }

    /// Sets the policy for this subset.
    #[must_use]
    pub fn traffic_policy(mut self, policy: TrafficPolicy) -> Self {
        self.traffic_policy = Some(policy);
        self
    }
}
