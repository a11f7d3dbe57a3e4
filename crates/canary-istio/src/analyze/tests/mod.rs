//! Every code of the analyzers, with objects that give it and objects that do not.

mod codes;
mod gateway_api;
mod overlaps;
mod scale;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Analysis, Inventory, Subject, analyze};
use crate::networking::{DestinationRule, Gateway, VirtualService};

fn object<T: DeserializeOwned>(name: &str, spec: &Value) -> T {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    serde_json::from_value(
        json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec}),
    )
    .unwrap()
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The objects of one analysis.
#[derive(Default)]
struct Bundle {
    gateways: Vec<Gateway>,
    services: Vec<VirtualService>,
    rules: Vec<DestinationRule>,
    inventory: Inventory,
}

impl Bundle {
    fn gateway(mut self, name: &str, spec: &Value) -> Self {
        self.gateways.push(object(name, spec));
        self
    }

    fn service(mut self, name: &str, spec: &Value) -> Self {
        self.services.push(object(name, spec));
        self
    }

    fn rule(mut self, name: &str, spec: &Value) -> Self {
        self.rules.push(object(name, spec));
        self
    }

    fn inventory(mut self, inventory: Inventory) -> Self {
        self.inventory = inventory;
        self
    }

    fn analyze(&self) -> Analysis {
        let gateways = self.gateways.iter().map(Subject::from);
        let services = self.services.iter().map(Subject::from);
        analyze(
            gateways.chain(services).chain(self.rules.iter().map(Subject::from)),
            &self.inventory,
        )
    }

    /// `code object path` of each finding.
    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        let analysis = self.analyze();
        let lines: Vec<_> = analysis
            .findings
            .iter()
            .map(|finding| {
                let object = finding.object.split_once(' ').map_or("", |(_, name)| name);
                format!("{} {object} {}", finding.code, finding.path)
            })
            .collect();
        assert_eq!(lines, expected, "{}", analysis.findings);
    }
}
