//! The pods behind the two versions of a plan, whether they are subsets or `Service`s.

use serde_json::Value;

use super::{Behind, Cluster, ObjectRef, Presence, replicas_of};
use crate::{
    Arms, Error, Plan, Result, Routes,
    patch::{RouteOf, has_subset, service_of as service_in},
};

/// One of the two versions of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Stable,
    Canary,
}

/// The pods behind a version of a plan whose target is routes.
///
/// # Errors
/// [`Error::NotFound`] when the `DestinationRule`, or the route that names the `Service`s, is missing;
/// [`Error::Cluster`] when the store cannot be reached.
pub(super) async fn behind<'c, C: Cluster>(
    cluster: &'c C,
    plan: &Plan,
    version: Version,
) -> Result<Behind<'c, C>> {
    let routes = routes_of(plan)?;
    match routes.destination_rule() {
        Some(rule) => {
            let live = get(cluster, &rule).await?;
            behind_subset(cluster, plan, &rule, &live, version).await
        }
        None => Behind::service(cluster, service_of(cluster, plan, version).await?).await,
    }
}

/// The pods behind a version that is a subset of a `DestinationRule`. The canary's subset may not be defined yet.
pub(super) async fn behind_subset<'c, C: Cluster>(
    cluster: &'c C,
    plan: &Plan,
    rule: &ObjectRef,
    live: &Value,
    version: Version,
) -> Result<Behind<'c, C>> {
    let labels = plan.labels_of_canary();
    let (subset, labels) = match version {
        Version::Stable => (&plan.stable, None),
        Version::Canary => (&plan.canary, (!has_subset(live, &plan.canary)).then_some(&labels)),
    };
    Behind::find(cluster, &rule.namespace, live, subset, labels).await
}

/// The `Service` of a version, as the first route names it.
pub(super) async fn service_of(
    cluster: &impl Cluster,
    plan: &Plan,
    version: Version,
) -> Result<ObjectRef> {
    let route = RouteOf::from(plan);
    let live = get(cluster, &route.object()).await?;
    let name = match version {
        Version::Stable => &plan.stable,
        Version::Canary => &plan.canary,
    };
    service_in(route, &live, name)
}

/// Returns the `Service`s of the stable version and of the canary, as the plan's first route names them; `None` where the
/// versions are not `Service`s.
///
/// ```
/// use canary_core::{Plan, cluster::{Cluster, services_of}, rollout::{Route, Routes}};
/// # use canary_core::rollout::Result;
///
/// # async fn example(cluster: &impl Cluster) -> Result<()> {
/// let plan = Plan::new("pets", "pets-v1", "pets-v2").target(Routes::of([Route::http_route("pets")]));
/// if let Some([stable, canary]) = services_of(cluster, &plan).await? {
///     println!("{stable} and {canary}"); // Service default/pets-v1 and Service default/pets-v2
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::NotFound`] when the route is missing, [`Error::Plan`] when it does not lead to the stable version,
/// [`Error::Cluster`] when the store cannot be reached.
pub async fn services_of(cluster: &impl Cluster, plan: &Plan) -> Result<Option<[ObjectRef; 2]>> {
    match plan.target.routes() {
        Some(routes) if routes.arms == Arms::Services => {}
        _ => return Ok(None),
    }
    Ok(Some([
        service_of(cluster, plan, Version::Stable).await?,
        service_of(cluster, plan, Version::Canary).await?,
    ]))
}

/// Returns the state of the canary's pods, before a run as during one: of its subset, of its `Service`, or
/// of the servers that serve both versions.
///
/// # Errors
/// [`Error::NotFound`] when the `DestinationRule` or the route is missing, [`Error::Cluster`] when the store cannot be
/// reached or does not permit a look-up.
pub async fn canary_presence(cluster: &impl Cluster, plan: &Plan) -> Result<Presence> {
    let Some(labels) = plan.target.version_labels() else {
        return behind(cluster, plan, Version::Canary).await?.presence().await;
    };
    // Both versions are in the same servers.
    let (ready, late): (Vec<_>, Vec<_>) =
        replicas_of(cluster, labels).await?.into_iter().partition(|replica| replica.ready);
    let missing = |why: String| Presence::Missing { why, hopeless: false };
    let (service, namespace) = (&labels.service, &labels.namespace);
    Ok(match late.first() {
        Some(late) => missing(format!("server {late} is not ready")),
        None if ready.is_empty() => {
            missing(format!("Service {namespace}/{service} has no endpoint"))
        }
        None => Presence::Ready { pods: ready.len() },
    })
}

fn routes_of(plan: &Plan) -> Result<&Routes> {
    plan.target.routes().ok_or_else(|| Error::Plan("the plan's target is not routes".to_owned()))
}

/// An object that must be there.
pub(super) async fn get(cluster: &impl Cluster, object: &ObjectRef) -> Result<Value> {
    cluster.get(object).await?.ok_or_else(|| Error::NotFound {
        object: object.to_string(),
        help: "create it before the rollout, or correct the plan's target".to_owned(),
    })
}
