//! Permissions that an account needs, and those that it lacks.

use std::fmt;

use k8s_openapi::{
    api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::core::{Request as ApiRequest, params::PostParams};
use serde_json::{Value, json};

use canary_rollout::{
    Plan,
    cluster::{ObjectRef, lease_name},
};

use crate::{Error, Kubernetes, Result, api_error::Verb, resource::collection_path};

/// Some verbs on one resource.
struct Rule {
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
}

impl Rule {
    /// The name of the object that a plan's driver needs it for; `None` if any name is possible: for objects that are
    /// listed, and for those that other objects name, as the host of a `DestinationRule` names a `Service`.
    fn object(&self, plan: &Plan) -> Option<String> {
        let target = &plan.target;
        match self.resource {
            "virtualservices" => Some(target.virtual_service.clone()),
            "destinationrules" => Some(target.destination_rule_name().to_owned()),
            "leases" => Some(lease_name(&target.virtual_service)),
            _ => None,
        }
    }
}

/// The least that the driver of a rollout needs in its namespace: to change the routes and hold its lock, and to read
/// the pods and workloads behind a subset.
const DRIVER: &[Rule] = &[
    Rule {
        group: "networking.istio.io",
        resource: "virtualservices",
        verbs: &["get", "patch", "watch"],
    },
    Rule {
        group: "networking.istio.io",
        resource: "destinationrules",
        verbs: &["get", "patch", "watch"],
    },
    Rule { group: "coordination.k8s.io", resource: "leases", verbs: &["create", "get", "patch"] },
    Rule { group: "", resource: "services", verbs: &["get"] },
    Rule { group: "", resource: "pods", verbs: &["list"] },
    Rule { group: "apps", resource: "deployments", verbs: &["list"] },
    Rule { group: "apps", resource: "statefulsets", verbs: &["list"] },
    Rule { group: "", resource: "configmaps", verbs: &["get"] },
];

/// The additional permissions for a plan that scales the old version down ([`Plan::scale_down_after`]): to look for
/// autoscalers and for routes that still lead there, and to change the number of replicas, and nothing else, of a
/// `Deployment`. Its name is not part of the plan.
const SCALE_DOWN: &[Rule] = &[
    Rule { group: "apps", resource: "deployments/scale", verbs: &["patch"] },
    Rule { group: "autoscaling", resource: "horizontalpodautoscalers", verbs: &["list"] },
    Rule { group: "networking.istio.io", resource: "virtualservices", verbs: &["list"] },
    Rule { group: "networking.istio.io", resource: "destinationrules", verbs: &["list"] },
];

/// The rules for a plan, limited to its own objects where possible.
fn rules_of(plan: &Plan) -> Vec<(&'static Rule, Option<String>)> {
    let mut rules: Vec<_> = DRIVER.iter().map(|rule| (rule, rule.object(plan))).collect();
    if plan.scale_down_after.is_some() {
        // Lists cannot be permitted by name.
        rules.extend(SCALE_DOWN.iter().map(|rule| (rule, None)));
    }
    rules
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
    let rules = DRIVER.iter().map(policy).collect();
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
    let mut rules = Vec::new();
    for (of, object) in rules_of(plan) {
        let mut rule = policy(of);
        let Some(object) = object else {
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
    Role { metadata: metadata(&plan.target.namespace, name), rules: Some(rules) }
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
    let rule = |group: &str, resource: &str, verbs: &[&str], object: String| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: Some(vec![object]),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    };
    let routes = target.virtual_service.clone();
    let lease = lease_name(&target.virtual_service);
    let rules = vec![
        rule("networking.istio.io", "virtualservices", &["get", "patch"], routes),
        // The lock says whether a driver runs.
        rule("coordination.k8s.io", "leases", &["get"], lease),
    ];
    Role { metadata: metadata(&target.namespace, name), rules: Some(rules) }
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
    lacking(cluster, namespace, DRIVER.iter().map(|rule| (rule, None)).collect()).await
}

/// The permissions of [`role_for`] this plan that the account in use lacks, by Kubernetes' `SelfSubjectAccessReview`.
///
/// # Errors
/// [`Error::Cluster`] when the API server cannot be reached.
pub async fn missing_for(cluster: &Kubernetes, plan: &Plan) -> Result<Vec<Permission>> {
    lacking(cluster, &plan.target.namespace, rules_of(plan)).await
}

async fn lacking(
    cluster: &Kubernetes,
    namespace: &str,
    rules: Vec<(&'static Rule, Option<String>)>,
) -> Result<Vec<Permission>> {
    let mut missing = Vec::new();
    for (rule, name) in rules {
        for verb in rule.verbs {
            let name = name.as_deref().filter(|_| *verb != "create");
            if !allowed(cluster, namespace, rule, verb, name).await? {
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
