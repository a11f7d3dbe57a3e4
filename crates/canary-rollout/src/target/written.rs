//! A target as text: the short form of one rule of one `VirtualService`, and the long form.

use serde::{Deserialize, Serialize};

use super::{
    Target,
    route::{Protocol, Route, RouteKind, RuleSelector, Rules},
    routes::{Arms, Routes},
    version_labels::VersionLabels,
};

/// The fields of a target; which of them may stand together is checked by the conversion.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    virtual_service: Option<String>,
    /// The name of the rule, in the short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<Route>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version_labels: Option<VersionLabels>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arms: Option<Arms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination_rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination_rule_namespace: Option<String>,
}

fn default_namespace() -> String {
    "default".to_owned()
}

impl TryFrom<Written> for Target {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        if let Some(labels) = written.version_labels.take() {
            return written.labels(labels);
        }
        let Written { namespace, virtual_service, route, routes, arms, .. } = written;
        let routes = match (virtual_service, routes) {
            (Some(name), None) => {
                let mut only = Route::virtual_service(name);
                if let Some(rule) = route {
                    only = only.rules([rule]);
                }
                vec![only]
            }
            (None, Some(_)) if route.is_some() => {
                return Err("target.route names the rule of target.virtualService; beside target.routes, name rules in \
                     target.routes[].rules"
                    .to_owned());
            }
            (None, Some(routes)) => routes,
            (Some(_), Some(_)) => {
                return Err(
                    "target has both virtualService and routes; write the VirtualService as one of the routes"
                        .to_owned(),
                );
            }
            (None, None) => {
                return Err(
                    "target has neither virtualService nor routes nor versionLabels; name what the rollout moves"
                        .to_owned(),
                );
            }
        };
        if routes.is_empty() {
            return Err("target.routes is empty; name at least one route".to_owned());
        }
        Ok(Self::Routes(Routes {
            namespace,
            arms: arms.unwrap_or_else(|| Routes::usual_arms(&routes)),
            routes,
            destination_rule: written.destination_rule,
            destination_rule_namespace: written.destination_rule_namespace,
        }))
    }
}

impl Written {
    /// A target of labels, which has no other field except the namespace.
    fn labels(self, labels: VersionLabels) -> Result<Target, String> {
        let other = [
            ("virtualService", self.virtual_service.is_some()),
            ("route", self.route.is_some()),
            ("routes", self.routes.is_some()),
            ("arms", self.arms.is_some()),
            ("destinationRule", self.destination_rule.is_some()),
            ("destinationRuleNamespace", self.destination_rule_namespace.is_some()),
        ];
        match other.into_iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(format!(
                "target has both versionLabels and {field}; versions in the same servers have no routes of their own"
            )),
            None => Ok(labels.namespace(self.namespace).into()),
        }
    }
}

impl From<Target> for Written {
    fn from(target: Target) -> Self {
        let target = match target {
            Target::Routes(routes) => routes,
            Target::VersionLabels(labels) => {
                return Self {
                    namespace: labels.namespace.clone(),
                    version_labels: Some(labels),
                    ..Self::default()
                };
            }
        };
        let usual = Routes::usual_arms(&target.routes);
        let rule = target.rule().map(str::to_owned);
        let mut written = Self {
            namespace: target.namespace,
            virtual_service: None,
            route: None,
            routes: None,
            version_labels: None,
            arms: Some(target.arms).filter(|arms| *arms != usual),
            destination_rule: target.destination_rule,
            destination_rule_namespace: target.destination_rule_namespace,
        };
        match &target.routes[..] {
            [
                Route {
                    kind: RouteKind::VirtualService,
                    name,
                    namespace: None,
                    protocol: Protocol::Http,
                    rules,
                },
            ] if is_short(rules) => {
                written.virtual_service = Some(name.clone());
                written.route = rule;
            }
            routes => written.routes = Some(routes.to_vec()),
        }
        written
    }
}

/// `true` for rules that the short form can write: the only one, or one by its name.
fn is_short(rules: &Rules) -> bool {
    match rules {
        Rules::Only => true,
        Rules::Listed(listed) => matches!(listed[..], [RuleSelector::Named(_)]),
        Rules::All => false,
    }
}
