//! The routes that move together, and how the versions are told apart behind them.

use serde::{Deserialize, Serialize};

use super::route::{Route, RuleSelector, Rules};
use crate::cluster::ObjectRef;

/// Routes whose weights are moved together, and the objects behind them.
///
/// The first route holds the rollout's state. The others are written after it and record the weights that were written
/// last, so that a driver that was killed between two writes completes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Routes {
    /// The namespace of every object that names none itself.
    pub namespace: String,
    /// The routes: at least one, and no object twice.
    pub routes: Vec<Route>,
    /// The part of a destination that tells the versions apart.
    pub arms: Arms,
    /// The name of the `DestinationRule` that defines the subsets; without it, the first route's own name.
    pub destination_rule: Option<String>,
    /// The namespace of the `DestinationRule`, where it is another one.
    pub destination_rule_namespace: Option<String>,
}

/// The objects that a plan's `stable` and `canary` name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Arms {
    /// As subsets of one host, which a `DestinationRule` defines.
    #[default]
    Subsets,
    /// As `Service`s, one for each version.
    Services,
}

impl Routes {
    /// These routes, in namespace `default`.
    ///
    /// The versions are subsets; where a route is of the Gateway API, which knows no subsets, they are `Service`s.
    pub fn of(routes: impl IntoIterator<Item = Route>) -> Self {
        let routes: Vec<Route> = routes.into_iter().collect();
        Self {
            namespace: "default".to_owned(),
            arms: Self::usual_arms(&routes),
            routes,
            destination_rule: None,
            destination_rule_namespace: None,
        }
    }

    pub(super) fn usual_arms(routes: &[Route]) -> Arms {
        if routes.iter().any(|route| route.kind.is_gateway_api()) {
            Arms::Services
        } else {
            Arms::Subsets
        }
    }

    /// Sets the namespace of every object that names none itself.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Tells the versions apart by `Service`: a plan's `stable` and `canary` are names of `Service`s.
    #[must_use]
    pub fn services(mut self) -> Self {
        self.arms = Arms::Services;
        self
    }

    /// The route that holds the rollout's state.
    ///
    /// # Panics
    /// When there is none, which reading refuses and no constructor makes from a non-empty list.
    pub fn first(&self) -> &Route {
        &self.routes[0]
    }

    /// The namespace of a route.
    pub fn namespace_of<'r>(&'r self, route: &'r Route) -> &'r str {
        route.namespace.as_deref().unwrap_or(&self.namespace)
    }

    /// The reference of a route.
    pub fn object(&self, route: &Route) -> ObjectRef {
        let kind = route.kind;
        ObjectRef::new(kind.api_version(), kind.as_str(), self.namespace_of(route), &route.name)
    }

    /// The `DestinationRule` that defines the subsets; none where the versions are `Service`s.
    pub fn destination_rule(&self) -> Option<ObjectRef> {
        (self.arms == Arms::Subsets).then(|| {
            let namespace = self.destination_rule_namespace.as_ref().unwrap_or(&self.namespace);
            let name = self.destination_rule.as_ref().unwrap_or(&self.first().name);
            ObjectRef::destination_rule(namespace, name)
        })
    }

    /// Names the first route.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.routes[0].name = name.into();
    }

    /// The name of the one rule of the first route that is moved, where it is chosen by its name.
    pub fn rule(&self) -> Option<&str> {
        match &self.first().rules {
            Rules::Listed(listed) => match &listed[..] {
                [RuleSelector::Named(name)] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Names the one rule of the first route that is moved; none for the only one that leads to the stable version.
    pub fn set_rule(&mut self, name: Option<String>) {
        self.routes[0].rules = match name {
            Some(name) => Rules::Listed(vec![RuleSelector::Named(name)]),
            None => Rules::Only,
        };
    }
}
