//! A `GatewayClass`, and its updates.

use super::{forms, limits, references};
use crate::{
    finding::{Finding, Findings},
    gateway_api::GatewayClass,
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(class: &GatewayClass, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let spec = &class.spec;
    forms::text(&spec.controller_name, &forms::CONTROLLER, &root.field("controllerName"), sink);
    if let Some(description) = &spec.description {
        limits::characters(description, 0..=64, &root.field("description"), sink);
    }
    if let Some(reference) = &spec.parameters_ref {
        let parts = references::Parts {
            group: Some(&reference.group),
            kind: Some(&reference.kind),
            namespace: reference.namespace.as_ref(),
            name: Some(&reference.name),
        };
        references::parts(&parts, &root.field("parametersRef"), sink);
    }
}

impl GatewayClass {
    /// The findings about a change from `before`, which the API server refuses where the controller differs.
    ///
    /// ```
    /// use canary_core::gateway_api::GatewayClass;
    ///
    /// let (before, after) = (GatewayClass::istio(), GatewayClass::new("istio", "example.com/other"));
    /// assert_eq!(after.validate_update(&before).0[0].code, "G136");
    /// assert!(before.validate_update(&before).is_empty());
    /// ```
    pub fn validate_update(&self, before: &Self) -> Findings {
        let (old, new) = (&before.spec.controller_name, &self.spec.controller_name);
        if old == new {
            return Findings::new();
        }
        let kind = <Self as k8s_openapi::Resource>::KIND;
        let message = format!("the controller of a class cannot be changed; it is {old}");
        let finding = Finding::error("G136", "spec.controllerName", message)
            .object(format!("{kind} {}", self.name()))
            .found(new)
            .help("create a class of another name");
        [finding].into_iter().collect()
    }
}
