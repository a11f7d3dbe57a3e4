//! Permissions that an account needs, and those that it lacks.

use std::{collections::BTreeSet, fmt};

use k8s_openapi::{
    api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::core::{Request as ApiRequest, params::PostParams};
use serde_json::{Value, json};

use canary_rollout::{
    Plan, RouteKind,
    cluster::{ObjectRef, lease_name},
};

use crate::{Error, Kubernetes, Result, api_error::Verb, resource::collection_path};

/// Some verbs on one resource.
struct Rule {
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
}

const VIRTUAL_SERVICES: Rule = Rule {
    group: "networking.istio.io",
    resource: "virtualservices",
    verbs: &["get", "patch", "watch"],
};

const HTTP_ROUTES: Rule = Rule {
    group: "gateway.networking.k8s.io",
    resource: "httproutes",
    verbs: &["get", "patch", "watch"],
};

const GRPC_ROUTES: Rule = Rule {
    group: "gateway.networking.k8s.io",
    resource: "grpcroutes",
    verbs: &["get", "patch", "watch"],
};

const DESTINATION_RULES: Rule = Rule {
    group: "networking.istio.io",
    resource: "destinationrules",
    verbs: &["get", "patch", "watch"],
};

/// The model config file of servers whose labels are moved.
const CONFIG_MAPS: Rule =
    Rule { group: "", resource: "configmaps", verbs: &["get", "patch", "watch"] };

/// The flags of these servers.
const DEPLOYMENTS: Rule = Rule { group: "apps", resource: "deployments", verbs: &["get", "watch"] };

/// The addresses of these servers.
const ENDPOINT_SLICES: Rule =
    Rule { group: "discovery.k8s.io", resource: "endpointslices", verbs: &["list"] };

const LEASES: Rule =
    Rule { group: "coordination.k8s.io", resource: "leases", verbs: &["create", "get", "patch"] };

/// To read the pods and workloads behind a version. Services have any name: other objects name them, as the host of a
/// `DestinationRule` does; lists cannot be permitted by name.
const WORKLOADS: [Rule; 5] = [
    Rule { group: "", resource: "services", verbs: &["get"] },
    Rule { group: "", resource: "pods", verbs: &["list"] },
    Rule { group: "apps", resource: "deployments", verbs: &["list"] },
    Rule { group: "apps", resource: "statefulsets", verbs: &["list"] },
    Rule { group: "", resource: "configmaps", verbs: &["get"] },
];

/// The additional permissions for a plan that scales the old version down ([`Plan::scale_down_after`]): to look for
/// autoscalers and for routes that still lead there, and to change the number of replicas, and nothing else, of a
/// `Deployment`. Its name is not part of the plan.
const SCALE_DOWN: [Rule; 4] = [
    Rule { group: "apps", resource: "deployments/scale", verbs: &["patch"] },
    Rule { group: "autoscaling", resource: "horizontalpodautoscalers", verbs: &["list"] },
    Rule { group: "networking.istio.io", resource: "virtualservices", verbs: &["list"] },
    Rule { group: "networking.istio.io", resource: "destinationrules", verbs: &["list"] },
];

/// The permissions with which the driver of any rollout of a `VirtualService` works in one namespace: to change the routes
/// and hold its lock, and to read the pods and workloads behind a subset.
fn driver_rules() -> impl Iterator<Item = &'static Rule> {
    [&VIRTUAL_SERVICES, &DESTINATION_RULES, &LEASES].into_iter().chain(&WORKLOADS)
}

/// A permission that a plan's driver needs in a namespace; with a name, on that object alone.
struct Need {
    namespace: String,
    rule: &'static Rule,
    object: Option<String>,
}

/// The permissions that a plan's driver needs, limited to the plan's own objects where possible.
fn needs_of(plan: &Plan) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut namespaces = BTreeSet::from([plan.target.namespace().to_owned()]);
    let mut on = |namespace: &str, rule: &'static Rule, name: &str| {
        namespaces.insert(namespace.to_owned());
        let object = Some(name.to_owned());
        needs.push(Need { namespace: namespace.to_owned(), rule, object });
    };
    if let Some(routes) = plan.target.routes() {
        for route in &routes.routes {
            let rule = match route.kind {
                RouteKind::HttpRoute => &HTTP_ROUTES,
                RouteKind::GrpcRoute => &GRPC_ROUTES,
                _ => &VIRTUAL_SERVICES,
            };
            on(routes.namespace_of(route), rule, &route.name);
        }
        if let Some(rule) = routes.destination_rule() {
            on(&rule.namespace, &DESTINATION_RULES, &rule.name);
        }
    }
    if let Some(labels) = plan.target.version_labels() {
        on(&labels.namespace, &CONFIG_MAPS, &labels.config_map);
        on(&labels.namespace, &DEPLOYMENTS, &labels.deployment);
    }
    on(plan.target.namespace(), &LEASES, &lease_name(plan.target.name()));
    let scaled: &[Rule] = if plan.scale_down_after.is_some() { &SCALE_DOWN } else { &[] };
    let in_servers = plan.target.version_labels().is_some();
    let behind: &[Rule] = if in_servers { &[ENDPOINT_SLICES] } else { &WORKLOADS };
    for namespace in &namespaces {
        for rule in behind.iter().chain(scaled) {
            needs.push(Need { namespace: namespace.clone(), rule, object: None });
        }
    }
    needs
}

/// A verb on a resource that an account lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Permission {
    /// The verb, such as `patch`.
    pub verb: String,
    /// The resource's plural name, such as `virtualservices`.
    pub resource: String,
    /// The API group; empty for Kubernetes' core.
    pub group: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

/// The least `Role` with which the driver of any rollout works in a namespace that scales no old version down.
///
/// [`role_for`] gives the one for a single plan.
///
/// ```
/// let role = canary_core::cluster::role("models", "canary");
/// assert_eq!(role.metadata.namespace.as_deref(), Some("models"));
/// ```
pub fn role(namespace: &str, name: &str) -> Role {
    let rules = driver_rules().map(policy).collect();
    Role { metadata: metadata(namespace, name), rules: Some(rules) }
}

fn policy(rule: &Rule) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![rule.group.to_owned()]),
        resources: Some(vec![rule.resource.to_owned()]),
        verbs: rule.verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    }
}

/// The least `Role` with which the driver of this plan works: it may write only the plan's objects, by name. It may
/// read pods, workloads, services and `ConfigMap`s in the whole namespace, because lists cannot be permitted by name,
/// and the names of services and `ConfigMap`s can change. Only for a plan that scales the old version down does it
/// permit to patch `deployments/scale`, and to list autoscalers and routes.
///
/// ```
/// use canary_core::{Plan, cluster::role_for};
///
/// let role = role_for(&Plan::new("image-classifier", "resnet50", "resnet101"), "canary");
/// let names = |rule: &k8s_openapi::api::rbac::v1::PolicyRule| rule.resource_names.clone();
/// let rules = role.rules.unwrap();
/// assert_eq!(names(&rules[0]), Some(vec!["image-classifier".to_owned()]));
/// assert!(rules.iter().any(|rule| rule.verbs == ["create"] && names(rule).is_none()));
/// assert!(rules.iter().all(|rule| names(rule).is_some() || !rule.verbs.iter().any(|verb| verb == "patch")));
/// ```
pub fn role_for(plan: &Plan, name: &str) -> Role {
    role_in(plan.target.namespace(), &needs_of(plan), name)
}

/// The least `Role`s with which the driver of this plan works: one for each namespace of its objects, that of
/// [`role_for`] first.
///
/// ```
/// use canary_core::{Plan, cluster::roles_for, rollout::{Route, Routes}};
///
/// let inside = Route::virtual_service("pets").namespace("models");
/// let routes = Routes::of([Route::virtual_service("pets"), inside]).namespace("edge");
/// let roles = roles_for(&Plan::new("pets", "v1", "v2").target(routes), "canary");
/// let namespaces: Vec<_> = roles.iter().map(|role| role.metadata.namespace.as_deref().unwrap()).collect();
/// assert_eq!(namespaces, ["edge", "models"]);
/// ```
pub fn roles_for(plan: &Plan, name: &str) -> Vec<Role> {
    let needs = needs_of(plan);
    let first = plan.target.namespace();
    let all: BTreeSet<&str> = needs.iter().map(|need| need.namespace.as_str()).collect();
    let others = all.into_iter().filter(|namespace| *namespace != first);
    [first].into_iter().chain(others).map(|namespace| role_in(namespace, &needs, name)).collect()
}

fn role_in(namespace: &str, needs: &[Need], name: &str) -> Role {
    let mut rules = Vec::new();
    for need in needs.iter().filter(|need| need.namespace == namespace) {
        let mut rule = policy(need.rule);
        let Some(object) = need.object.clone() else {
            rules.push(rule);
            continue;
        };
        if rule.verbs.iter().any(|verb| verb == "create") {
            // An object that does not exist yet cannot be permitted by name.
            rule.verbs.retain(|verb| verb != "create");
            rules.push(PolicyRule { verbs: vec!["create".to_owned()], ..rule.clone() });
        }
        rules.push(PolicyRule { resource_names: Some(vec![object]), ..rule });
    }
    Role { metadata: metadata(namespace, name), rules: Some(rules) }
}

/// The rule with which the notices of a rollout are written as Events
/// ([`record_event`](canary_rollout::cluster::record_event)), beside those of [`role_for`]: each Event has a new name, so
/// it holds for the whole namespace.
///
/// ```
/// use canary_core::{Plan, cluster::{event_rule, role_for}};
///
/// let mut role = role_for(&Plan::new("pets", "v1", "v2"), "canary");
/// role.rules.get_or_insert_default().push(event_rule());
/// ```
pub fn event_rule() -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["events".to_owned()]),
        verbs: ["create", "patch"].map(str::to_owned).into(),
        ..PolicyRule::default()
    }
}

/// The least `Role` with which a person commands the release of this plan from outside: pauses, resumes, approves, aborts
/// and promotes it by [`Release`](canary_rollout::cluster::Release) or `kubectl annotate`. An account with it may also change the
/// weights.
///
/// ```
/// use canary_core::{Plan, cluster::person_role};
///
/// let role = person_role(&Plan::new("pets", "v1", "v2").namespace("models"), "release-managers");
/// let rules = role.rules.unwrap();
/// assert_eq!(rules[0].verbs, ["get", "patch"]);
/// assert_eq!(rules[1].resource_names.as_deref().unwrap(), ["canary-rollout-pets"]);
/// ```
pub fn person_role(plan: &Plan, name: &str) -> Role {
    let Plan { target, .. } = plan;
    let state = target.state_object();
    let rule = |group: &str, resource: &str, verbs: &[&str], object: String| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: Some(vec![object]),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    };
    let group = state.api_version.split_once('/').map_or("", |(group, _)| group);
    let resource = ObjectRef::plural_of(&state.kind).unwrap_or_default();
    let lease = lease_name(target.name());
    let rules = vec![
        rule(group, resource, &["get", "patch"], state.name),
        // The lock says whether a driver runs.
        rule("coordination.k8s.io", "leases", &["get"], lease),
    ];
    Role { metadata: metadata(target.namespace(), name), rules: Some(rules) }
}

/// Gives a service account of the same namespace the role of that name.
pub fn role_binding(namespace: &str, name: &str, service_account: &str) -> RoleBinding {
    RoleBinding {
        metadata: metadata(namespace, name),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "Role".to_owned(),
            name: name.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: service_account.to_owned(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}

fn metadata(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ObjectMeta::default()
    }
}

/// The permissions of [`role`] that the account in use lacks, by Kubernetes' `SelfSubjectAccessReview`.
///
/// # Errors
/// [`Error::Cluster`] when the API server cannot be reached.
pub async fn missing(cluster: &Kubernetes, namespace: &str) -> Result<Vec<Permission>> {
    let need = |rule| Need { namespace: namespace.to_owned(), rule, object: None };
    lacking(cluster, driver_rules().map(need).collect()).await
}

/// The permissions of [`role_for`] this plan that the account in use lacks, by Kubernetes' `SelfSubjectAccessReview`.
///
/// # Errors
/// [`Error::Cluster`] when the API server cannot be reached.
pub async fn missing_for(cluster: &Kubernetes, plan: &Plan) -> Result<Vec<Permission>> {
    lacking(cluster, needs_of(plan)).await
}

async fn lacking(cluster: &Kubernetes, needs: Vec<Need>) -> Result<Vec<Permission>> {
    let mut missing = Vec::new();
    for Need { namespace, rule, object } in needs {
        for verb in rule.verbs {
            let name = object.as_deref().filter(|_| *verb != "create");
            if !allowed(cluster, &namespace, rule, verb, name).await? {
                missing.push(Permission {
                    verb: (*verb).to_owned(),
                    resource: rule.resource.to_owned(),
                    group: rule.group.to_owned(),
                });
            }
        }
    }
    Ok(missing)
}

async fn allowed(
    cluster: &Kubernetes,
    namespace: &str,
    rule: &Rule,
    verb: &str,
    name: Option<&str>,
) -> Result<bool> {
    let target = ObjectRef::new("authorization.k8s.io/v1", "SelfSubjectAccessReview", "", verb);
    let (resource, subresource) = rule.resource.split_once('/').unwrap_or((rule.resource, ""));
    let review = json!({
        "apiVersion": target.api_version,
        "kind": target.kind,
        "spec": {"resourceAttributes": {
            "namespace": namespace, "verb": verb, "group": rule.group, "resource": resource,
            "subresource": subresource, "name": name.unwrap_or_default(),
        }},
    });
    let path = collection_path(&target.api_version, "selfsubjectaccessreviews", None);
    let request = ApiRequest::new(path)
        .create(&PostParams::default(), review.to_string().into_bytes())
        .map_err(|error| Error::Cluster {
            action: "ask for permissions".to_owned(),
            reason: "the request cannot be put together".to_owned(),
            retryable: false,
            source: Some(Box::new(error)),
        })?;
    let answer = cluster.send(Verb::Get, &target, request).await?;
    Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
}
