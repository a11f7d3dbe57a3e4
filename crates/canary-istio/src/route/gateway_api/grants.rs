//! `ReferenceGrant`s: the references of routes to backends of other namespaces.

use std::collections::{HashMap, HashSet};

use super::super::sorted::full_name;
use crate::gateway_api::ReferenceGrant;

/// A kind with its group and the namespace of the objects.
type Side = (String, String, String);

/// The references that are permitted.
#[derive(Debug, Default)]
pub(super) struct Grants(HashMap<(Side, Side), Names>);

/// The names of the objects that may be referred to.
#[derive(Debug, Default)]
struct Names {
    every: bool,
    some: HashSet<String>,
}

/// A kind of route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteKind {
    Http,
    Grpc,
}

impl RouteKind {
    /// The kind's name in objects.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTPRoute",
            Self::Grpc => "GRPCRoute",
        }
    }
}

/// The group of routes.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";

impl Grants {
    pub(super) fn new(all: &[ReferenceGrant]) -> Self {
        let mut grants = Self::default();
        for grant in all {
            let (target, _) = full_name(&grant.metadata);
            for from in &grant.spec.from {
                for to in &grant.spec.to {
                    let source = (from.group.clone(), from.kind.clone(), from.namespace.clone());
                    let target = (to.group.clone(), to.kind.clone(), target.clone());
                    let names = grants.0.entry((source, target)).or_default();
                    match &to.name {
                        Some(name) => {
                            names.some.insert(name.clone());
                        }
                        None => names.every = true,
                    }
                }
            }
        }
        grants
    }

    /// Returns true when routes of a namespace may send requests to the Service `name` of namespace `target`.
    pub(super) fn permit(
        &self,
        route: RouteKind,
        namespace: &str,
        target: &str,
        name: &str,
    ) -> bool {
        let source = (GROUP.to_owned(), route.name().to_owned(), namespace.to_owned());
        let target = (String::new(), "Service".to_owned(), target.to_owned());
        self.0.get(&(source, target)).is_some_and(|names| names.every || names.some.contains(name))
    }
}
