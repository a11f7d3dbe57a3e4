//! One route of a plan: where its kind keeps rules, destinations and weights.

use std::sync::LazyLock;

use serde_json::Value;

use super::super::plan::{Arms, HeaderRoute, Plan, Protocol, Route, RouteKind, Routes};
use crate::{cluster::ObjectRef, evidence::Timestamp, json::list};

/// One route of a plan's target, for the functions that read and change the live object.
///
/// A plan stands for its first route: `change_route(&plan, …)` changes that one.
///
/// ```
/// use canary_core::{Plan, rollout::{Route, Routes, patch::{RouteOf, locate}}};
/// use serde_json::json;
///
/// let routes = Routes::of([Route::http_route("pets"), Route::grpc_route("pets-grpc")]);
/// let plan = Plan::new("pets", "pets-v1", "pets-v2").target(routes);
/// let grpc = RouteOf::all(&plan).nth(1).unwrap();
/// let live = json!({"spec": {"rules": [{"backendRefs": [{"name": "pets-v1", "port": 8500, "weight": 1}]}]}});
/// assert_eq!(locate(grpc, &live)?.weights, [1]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RouteOf<'p> {
    pub(super) plan: &'p Plan,
    target: &'p Routes,
    pub(super) route: &'p Route,
    /// The beginning of the run that is under way.
    pub(super) run: Option<Timestamp>,
}

/// Stands in for the routes of a target that has none, so that looking for one of its rules says what is missing.
static NONE: LazyLock<Routes> = LazyLock::new(|| Routes::of([Route::virtual_service("")]));

impl<'p> From<&'p Plan> for RouteOf<'p> {
    fn from(plan: &'p Plan) -> Self {
        let target = plan.target.routes().unwrap_or(&NONE);
        Self { plan, target, route: target.first(), run: None }
    }
}

impl<'p> RouteOf<'p> {
    /// Every route of a plan, in the order in which they are written.
    pub fn all(plan: &'p Plan) -> impl Iterator<Item = Self> {
        let target = plan.target.routes();
        target.into_iter().flat_map(move |target| {
            target.routes.iter().map(move |route| Self { plan, target, route, run: None })
        })
    }

    /// The same in the run that began then. Only a run under way keeps users with a version ([`Sticky`](crate::Sticky)):
    /// without its beginning, a change removes their cookie.
    ///
    /// ```
    /// use canary_core::{Plan, evidence::Timestamp, rollout::{Split, Sticky}};
    /// use canary_core::rollout::patch::{RouteChange, RouteOf, change_route};
    /// use serde_json::json;
    ///
    /// let plan = Plan::new("pets", "v1", "v2").sticky(Sticky::cookie("pets"));
    /// let live = json!({"metadata": {"resourceVersion": "1"}, "spec": {"http": [
    ///     {"route": [{"destination": {"host": "pets", "subset": "v1"}}]}]}});
    /// let step = RouteChange { split: Some(Split::new(30)), ..RouteChange::default() };
    /// let mut changed = live.clone();
    /// let run = RouteOf::from(&plan).of_run(Some(Timestamp(17)));
    /// json_patch::patch(&mut changed, &change_route(run, &live, &step)?)?;
    /// assert_eq!(changed["spec"]["http"].as_array().unwrap().len(), 3);
    ///
    /// let ended = change_route(&plan, &changed, &RouteChange::keep_weights())?;
    /// json_patch::patch(&mut changed, &ended)?;
    /// assert_eq!(changed["spec"]["http"].as_array().unwrap().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_run(self, began: Option<Timestamp>) -> Self {
        Self { run: began, ..self }
    }

    /// The object.
    pub fn object(self) -> ObjectRef {
        self.target.object(self.route)
    }

    /// The object in words: `VirtualService default/pets`.
    pub(super) fn title(self) -> String {
        self.object().to_string()
    }

    pub(super) fn namespace(self) -> &'p str {
        self.target.namespace_of(self.route)
    }

    /// `true` for a route of the Gateway API.
    pub(super) fn is_gateway_api(self) -> bool {
        self.route.kind.is_gateway_api()
    }

    /// `true` when the rules can be matched by request headers: those for TLS and TCP cannot.
    pub(crate) fn takes_headers(self) -> bool {
        self.route.protocol == Protocol::Http
    }

    /// The field of `spec` with the rules.
    fn field(self) -> &'static str {
        match self.route.kind {
            RouteKind::VirtualService => self.route.protocol.as_str(),
            RouteKind::HttpRoute | RouteKind::GrpcRoute => "rules",
        }
    }

    /// The rules of the live object.
    pub(super) fn rules(self, live: &Value) -> &[Value] {
        list(live, &format!("/spec/{}", self.field()))
    }

    /// The place of a rule as a JSON Pointer: `/spec/http/1`.
    pub(super) fn pointer(self, rule: usize) -> String {
        format!("/spec/{}/{rule}", self.field())
    }

    /// The place of a rule in words: `spec.http[1]`.
    pub(crate) fn place(self, rule: usize) -> String {
        format!("spec.{}[{rule}]", self.field())
    }

    /// The list of rules in words: `spec.http`.
    pub(super) fn list_name(self) -> String {
        format!("spec.{}", self.field())
    }

    /// The word for a rule in messages: `HTTP route` in a `VirtualService`, `rule` in the Gateway API.
    pub(super) fn rule_word(self) -> &'static str {
        match (self.route.kind, self.route.protocol) {
            (RouteKind::VirtualService, Protocol::Http) => "HTTP route",
            (RouteKind::VirtualService, Protocol::Tls) => "TLS route",
            (RouteKind::VirtualService, Protocol::Tcp) => "TCP route",
            (RouteKind::HttpRoute | RouteKind::GrpcRoute, _) => "rule",
        }
    }

    /// The field of a rule with its destinations.
    pub(super) fn entries_field(self) -> &'static str {
        if self.is_gateway_api() { "backendRefs" } else { "route" }
    }

    /// The destinations of a rule, with their weights.
    pub(super) fn entries(self, rule: &Value) -> &[Value] {
        rule.get(self.entries_field()).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The destination of an entry: its `destination` in a `VirtualService`, itself in the Gateway API.
    pub(super) fn destination(self, entry: &Value) -> &Value {
        if self.is_gateway_api() { entry } else { &entry["destination"] }
    }

    /// Returns `true` when a destination is the version that the plan calls by this name, at whatever host for a subset.
    pub(super) fn is_version(self, destination: &Value, name: &str) -> bool {
        match self.target.arms {
            Arms::Subsets => text(destination, "subset") == Some(name),
            Arms::Services => self.service(destination) == Some(name),
        }
    }

    /// `true` when the versions are subsets.
    pub(super) fn by_subset(self) -> bool {
        self.target.arms == Arms::Subsets
    }

    /// The name of the `Service` of a destination.
    pub(super) fn service(self, destination: &Value) -> Option<&str> {
        if self.is_gateway_api() {
            let group = text(destination, "group").unwrap_or_default();
            let kind = text(destination, "kind").unwrap_or("Service");
            return text(destination, "name").filter(|_| group.is_empty() && kind == "Service");
        }
        let host = text(destination, "host")?;
        match host.split_once('.') {
            None => Some(host),
            // Istio completes no other name with a dot.
            Some((name, rest)) => rest.contains(".svc.").then_some(name),
        }
    }

    /// The field of a destination that tells the versions apart, and its value in words.
    pub(super) fn version_words(self, name: &str) -> String {
        if self.by_subset() { format!("subset {name}") } else { format!("Service {name}") }
    }

    /// The weights as the mesh reads them. In a `VirtualService` a single destination without a weight has everything
    /// and one of several nothing; in the Gateway API an absent weight is 1.
    pub(super) fn weights(self, entries: &[Value]) -> Vec<u64> {
        let stated = |entry: &Value| entry.get("weight").and_then(Value::as_u64);
        if self.is_gateway_api() {
            return entries.iter().map(|entry| stated(entry).unwrap_or(1)).collect();
        }
        match entries {
            [only] => vec![stated(only).filter(|weight| *weight > 0).unwrap_or(100)],
            several => several.iter().map(|entry| stated(entry).unwrap_or(0)).collect(),
        }
    }

    /// The name of a rule that the run makes for the rule at `place` among those that it moves: one of several has a
    /// number behind it.
    pub(super) fn made_name(self, place: usize) -> String {
        let name = HeaderRoute::route_name(&self.plan.canary);
        if place == 0 { name } else { format!("{name}-{}", place + 1) }
    }

    /// Returns `true` for a name that [`made_name`](Self::made_name) gives.
    pub(super) fn is_made_name(self, name: &str) -> bool {
        let rest = name.strip_prefix(&HeaderRoute::route_name(&self.plan.canary));
        rest.is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('-').is_some_and(|number| number.parse::<usize>().is_ok())
        })
    }
}

/// The name of a rule.
pub(super) fn name_of(rule: &Value) -> Option<&str> {
    text(rule, "name")
}

/// Returns `true` when a rule is one that a rollout created, of whatever canary.
pub(super) fn is_managed(rule: &Value) -> bool {
    name_of(rule).is_some_and(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX))
}

pub(super) fn text<'v>(object: &'v Value, field: &str) -> Option<&'v str> {
    object.get(field).and_then(Value::as_str)
}
