//! Routes: rules bound to a listener.

use std::sync::Arc;

use super::{
    clusters::Cluster, conditions::Conditions, rewrite::RedirectTo, rule_ref::RuleRef, rules::Rule,
};

/// A rule bound to a listener: its destinations are clusters now.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) rule: Arc<Rule>,
    pub(super) clusters: Box<[Arc<Cluster>]>,
    pub(super) mirrors: Box<[Arc<Cluster>]>,
    pub(super) redirect: Option<RedirectTo>,
}

/// One route of Envoy: one entry of a rule's `match`.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) place: Arc<RuleRef>,
    pub(super) conditions: Conditions,
    pub(super) bound: Arc<Bound>,
}
