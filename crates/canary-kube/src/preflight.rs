//! Checks of a cluster before a release: its readiness, and what is missing.

mod injection;
mod old_version;
mod routes;

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Value, json};

use canary_rollout::{
    Plan,
    cluster::{Cluster, ObjectRef, Presence, Reach, canary_presence, ingress_addresses},
    patch::RouteOf,
};
use canary_serving::Workload;

use self::{
    injection::injection,
    old_version::old_version_of,
    routes::{gitops, owner},
};
use crate::{Error, Kubernetes, Result, access, api_error::Verb, quota::quota_problem};

/// The outcome of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// As it must be.
    Pass,
    /// It works, but it is probably not intended.
    Warn,
    /// A release would fail.
    Fail,
    /// It could not be determined.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "ok",
            Self::Warn => "warning",
            Self::Fail => "FAIL",
            Self::Unknown => "unknown",
        })
    }
}

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The name of the check.
    pub name: &'static str,
    /// The outcome of the check.
    pub outcome: Outcome,
    /// A sentence about the state that was found.
    pub found: String,
    /// The remedy; empty when nothing has to be done.
    pub remedy: String,
}

impl Check {
    fn new(name: &'static str, outcome: Outcome, found: impl Into<String>) -> Self {
        Self { name, outcome, found: found.into(), remedy: String::new() }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// A check whose objects could not be read: unknown, not wrong.
    fn unknown(name: &'static str, error: &Error) -> Self {
        Self::new(name, Outcome::Unknown, error.to_string())
    }
}

/// All checks, in the order in which a cluster is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Preflight {
    /// Returns `true` when no check failed.
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Fail)
    }

    /// Returns the readiness and the checks as JSON.
    ///
    /// ```
    /// let report = canary_core::cluster::Preflight::default();
    /// assert_eq!(report.to_json(), serde_json::json!({"ready": true, "checks": []}));
    /// ```
    pub fn to_json(&self) -> Value {
        json!({"ready": self.is_ready(), "checks": self.checks})
    }

    /// The checks as one HTML table, self-contained and escaped.
    pub fn to_html(&self) -> String {
        let escape = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
        };
        let mut html = String::from(
            "<table><thead><tr><th>check</th><th></th><th>found</th><th>what to do</th></tr></thead><tbody>",
        );
        for check in &self.checks {
            let _ = write!(
                html,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                check.name,
                check.outcome,
                escape(&check.found),
                escape(&check.remedy)
            );
        }
        html.push_str("</tbody></table>");
        html
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for check in &self.checks {
            writeln!(f, "{:8} {:width$}  {}", check.outcome, check.name, check.found)?;
            if !check.remedy.is_empty() {
                writeln!(f, "{:8} {:width$}  → {}", "", "", check.remedy)?;
            }
        }
        Ok(())
    }
}

/// The release that the checks are for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreflightOptions {
    /// The namespace of the model and of its routing.
    pub namespace: String,
    /// The namespace of the control plane; `istio-system` unless set.
    pub istio_namespace: String,
    /// The workload that is to be deployed, for the check of its quota.
    pub workload: Option<Workload>,
    /// The `VirtualService` that a rollout would change, for the check of its owner.
    pub virtual_service: Option<String>,
    /// The plan that is to be run, for the checks of the permissions on its very objects and of the canary's pods.
    pub plan: Option<Plan>,
}

impl PreflightOptions {
    /// The checks for a namespace.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            istio_namespace: "istio-system".to_owned(),
            workload: None,
            virtual_service: None,
            plan: None,
        }
    }

    /// Checks for this plan: in its namespace, the owners of its routes, the permissions on its objects, and the
    /// canary's pods.
    #[must_use]
    pub fn plan(mut self, plan: &Plan) -> Self {
        plan.target.namespace().clone_into(&mut self.namespace);
        self.plan = Some(plan.clone());
        self
    }

    /// Checks too whether the namespace's quota has room for this workload.
    #[must_use]
    pub fn workload(mut self, workload: Workload) -> Self {
        self.workload = Some(workload);
        self
    }

    /// The routes whose owner is checked.
    fn routes(&self) -> Vec<ObjectRef> {
        let named = self.virtual_service.iter();
        let named = named.map(|name| ObjectRef::virtual_service(&self.namespace, name));
        let of_plan = self.plan.iter().flat_map(RouteOf::all).map(RouteOf::object);
        let of_plan: Vec<ObjectRef> = of_plan.collect();
        named.filter(|one| !of_plan.contains(one)).chain(of_plan.iter().cloned()).collect()
    }

    /// Checks too whether another controller owns this `VirtualService`.
    #[must_use]
    pub fn virtual_service(mut self, name: impl Into<String>) -> Self {
        self.virtual_service = Some(name.into());
        self
    }
}

/// Checks the cluster and reports what a release would lack.
///
/// Nothing is changed. Objects that the account may not read are reported as unknown.
///
/// # Errors
/// None for what it finds; [`Error::Cluster`] only when the API server cannot be reached at all.
pub async fn preflight(cluster: &Kubernetes, options: &PreflightOptions) -> Result<Preflight> {
    let mut checks = vec![api_server(cluster).await?];
    if cluster.is_unverified() {
        checks.push(unverified());
    }
    checks.push(definitions(cluster).await);
    checks.push(control_plane(cluster, &options.istio_namespace).await);
    checks.push(gateway_pods(cluster, &options.istio_namespace).await);
    checks.push(gateway_address(cluster).await);
    checks.push(injection(cluster, options).await);
    checks.push(permissions(cluster, options).await);
    if let Some(workload) = &options.workload {
        checks.push(quota(cluster, workload).await);
    }
    for object in options.routes() {
        let routes = cluster.get(&object).await;
        checks.push(owner(&object, &routes));
        checks.extend(gitops(&object, &routes));
    }
    if let Some(plan) = &options.plan {
        checks.push(canary_pods(cluster, plan).await);
        if plan.scale_down_after.is_some() {
            checks.push(old_version_of(cluster, plan).await);
        }
    }
    for Check { name, outcome, found, .. } in &checks {
        tracing::debug!(check = name, %outcome, found, "preflight check");
    }
    let preflight = Preflight { checks };
    let (namespace, ready) = (options.namespace.as_str(), preflight.is_ready());
    tracing::info!(namespace, ready, checks = preflight.checks.len(), "preflight");
    Ok(preflight)
}

async fn api_server(cluster: &Kubernetes) -> Result<Check> {
    let object = ObjectRef::new("", "API server", "", "");
    let version = cluster
        .client()
        .apiserver_version()
        .await
        .map_err(|error| cluster.failure(Verb::Get, &object, error))?;
    Ok(Check::new("API server", Outcome::Pass, format!("Kubernetes {}", version.git_version)))
}

fn unverified() -> Check {
    let found = "the server's certificate is not verified: insecure-skip-tls-verify is set";
    Check::new("TLS", Outcome::Warn, found)
        .remedy("give the cluster's certificate-authority-data in the kubeconfig instead")
}

async fn definitions(cluster: &Kubernetes) -> Check {
    const NAME: &str = "Istio's definitions";
    let mut missing = Vec::new();
    let mut versions = Vec::new();
    for kind in ["gateways", "virtualservices", "destinationrules"] {
        let name = format!("{kind}.networking.istio.io");
        let object =
            ObjectRef::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", &name);
        match cluster.get(&object).await {
            Ok(Some(definition)) => {
                let served = definition.pointer("/spec/versions").and_then(Value::as_array);
                versions = served
                    .into_iter()
                    .flatten()
                    .filter(|version| version["served"] == true)
                    .filter_map(|version| version["name"].as_str().map(str::to_owned))
                    .collect();
            }
            Ok(None) => missing.push(name),
            Err(error) => return Check::unknown(NAME, &error),
        }
    }
    if !missing.is_empty() {
        return Check::new(NAME, Outcome::Fail, format!("missing: {}", missing.join(", ")))
            .remedy("install Istio, for instance with istioctl install");
    }
    let found = format!("served: {}", versions.join(", "));
    if versions.iter().any(|version| version == "v1") {
        Check::new(NAME, Outcome::Pass, found)
    } else {
        Check::new(NAME, Outcome::Fail, found)
            .remedy("upgrade Istio to 1.22 or newer; objects are written as networking.istio.io/v1")
    }
}

/// The deployments of the control plane: istiod today, pilot and its neighbours in the old add-on.
async fn control_plane(cluster: &Kubernetes, namespace: &str) -> Check {
    const NAME: &str = "control plane";
    let deployments = match cluster.list("apps/v1", "Deployment", Some(namespace)).await {
        Ok(deployments) => deployments,
        Err(error) => return Check::unknown(NAME, &error),
    };
    let of_name = |wanted: &[&str]| -> Vec<&Value> {
        deployments
            .iter()
            .filter(|deployment| {
                let name = text(deployment, "/metadata/name");
                wanted.iter().any(|wanted| {
                    name == *wanted
                        || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-'))
                })
            })
            .collect()
    };
    let istiod = of_name(&["istiod"]);
    let (layout, parts) = if istiod.is_empty() {
        let old = [
            "istio-citadel",
            "istio-galley",
            "istio-pilot",
            "istio-policy",
            "istio-sidecar-injector",
            "istio-telemetry",
        ];
        ("the old add-on", of_name(&old))
    } else {
        ("istiod", istiod)
    };
    if parts.is_empty() {
        return Check::new(NAME, Outcome::Fail, format!("no istiod in {namespace}"))
            .remedy("install Istio, or name the namespace of its control plane");
    }
    availability(NAME, layout, &parts)
}

async fn gateway_pods(cluster: &Kubernetes, namespace: &str) -> Check {
    const NAME: &str = "ingress gateway";
    match cluster.list("apps/v1", "Deployment", None).await {
        Err(error) => Check::unknown(NAME, &error),
        Ok(deployments) => {
            let gateways: Vec<_> = deployments
                .iter()
                .filter(|deployment| {
                    deployment.pointer("/spec/template/metadata/labels/istio")
                        == Some(&json!("ingressgateway"))
                })
                .collect();
            if gateways.is_empty() {
                return Check::new(NAME, Outcome::Fail, "no pods labelled istio=ingressgateway").remedy(
                    format!("install an ingress gateway into {namespace}, or use a Gateway with another selector"),
                );
            }
            availability(NAME, "istio=ingressgateway", &gateways)
        }
    }
}

/// Checks that every one of these deployments has an available pod.
fn availability(name: &'static str, layout: &str, deployments: &[&Value]) -> Check {
    let available = |deployment: &Value| {
        deployment.pointer("/status/availableReplicas").and_then(Value::as_i64).unwrap_or(0)
    };
    let down: Vec<_> = deployments
        .iter()
        .filter(|deployment| available(deployment) == 0)
        .map(|deployment| text(deployment, "/metadata/name"))
        .collect();
    if down.is_empty() {
        let pods: i64 = deployments.iter().map(|deployment| available(deployment)).sum();
        return Check::new(name, Outcome::Pass, format!("{layout}, {pods} pods available"));
    }
    Check::new(name, Outcome::Fail, format!("{layout}, not available: {}", down.join(", ")))
        .remedy("see why its pods are not ready: kubectl describe deployment in its namespace")
}

async fn gateway_address(cluster: &Kubernetes) -> Check {
    const NAME: &str = "gateway's address";
    let selector = [("istio".to_owned(), "ingressgateway".to_owned())].into();
    match ingress_addresses(cluster, &selector, 80, false).await {
        Ok(addresses) => match addresses.first() {
            Some(best) if best.reach == Reach::ClusterIp => {
                Check::new(NAME, Outcome::Warn, format!("{best}, from inside the cluster only"))
                    .remedy("wait for a load balancer, or use kubectl port-forward")
            }
            Some(best) => Check::new(NAME, Outcome::Pass, best.url()),
            None => Check::new(NAME, Outcome::Fail, "none"),
        },
        Err(Error::NotFound { object, help }) => {
            Check::new(NAME, Outcome::Fail, format!("{object} not found")).remedy(help)
        }
        Err(error) => Check::unknown(NAME, &error),
    }
}

async fn permissions(cluster: &Kubernetes, options: &PreflightOptions) -> Check {
    const NAME: &str = "permissions";
    let missing = match &options.plan {
        Some(plan) => access::missing_for(cluster, plan).await,
        None => access::missing(cluster, &options.namespace).await,
    };
    match missing {
        Err(error) => Check::unknown(NAME, &error),
        Ok(missing) if missing.is_empty() => {
            Check::new(NAME, Outcome::Pass, "all that a rollout needs")
        }
        Ok(missing) => {
            let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
            Check::new(NAME, Outcome::Fail, format!("not allowed: {}", missing.join(", "))).remedy(
                "apply the Role that canary_core::cluster::role gives, and bind it to this account",
            )
        }
    }
}

async fn quota(cluster: &Kubernetes, workload: &Workload) -> Check {
    const NAME: &str = "quota";
    match cluster.list("v1", "ResourceQuota", Some(&workload.namespace)).await {
        Err(error) => Check::unknown(NAME, &error),
        Ok(quotas) => match quotas.iter().find_map(|quota| quota_problem(quota, workload)) {
            Some(problem) => Check::new(NAME, Outcome::Fail, problem)
                .remedy("raise the quota, request less, or remove unused objects"),
            None if quotas.is_empty() => Check::new(NAME, Outcome::Pass, "the namespace has none"),
            None => Check::new(NAME, Outcome::Pass, "there is room for the workload"),
        },
    }
}

/// Checks that pods of the canary's subset can serve, as the driver does before the first weight.
async fn canary_pods(cluster: &Kubernetes, plan: &Plan) -> Check {
    const NAME: &str = "canary's pods";
    match canary_presence(cluster, plan).await {
        Err(Error::NotFound { object, help }) => {
            Check::new(NAME, Outcome::Fail, format!("there is no {object}")).remedy(help)
        }
        Err(error) => Check::unknown(NAME, &error),
        Ok(found @ Presence::Ready { .. }) => Check::new(NAME, Outcome::Pass, found.to_string()),
        Ok(Presence::Missing { why, hopeless }) => {
            Check::new(NAME, Outcome::Fail, why).remedy(if hopeless {
                "deploy the canary before the rollout, or correct the plan"
            } else {
                "wait until its pods are ready; a rollout gives them no traffic before"
            })
        }
        Ok(unknown) => Check::new(NAME, Outcome::Unknown, unknown.to_string())
            .remedy("nothing, if the host's endpoints are known to serve; else name a Service"),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
