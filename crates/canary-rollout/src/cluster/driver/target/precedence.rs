//! Rules of the Gateway API that would take the requests of a rule whose weights are to be moved.
//!
//! Of two rules with the same match only one gets requests: the first of a route, and of two routes for the same host and
//! parent the older one, then the first by namespace and name
//! (<https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule>). Weights that are moved on the other one move nothing.

use canary_istio::{
    Finding, Severity,
    analyze::{Inventory, Subject, analyze},
    gateway_api::{GatewayApiObject, GrpcRoute, HttpRoute},
};
use serde_json::Value;

use crate::{
    Error, Plan, Result,
    cluster::{Cluster, versions as look_up},
    patch::{RouteOf, locate_all},
};

const KINDS: [&str; 2] = ["HTTPRoute", "GRPCRoute"];
/// The codes of ties: within a route, and between two.
const TIES: [&str; 2] = ["C040", "C518"];

/// Checks that requests reach every Gateway API rule of the plan: that none ties with another rule that wins.
///
/// Routes that the credentials do not let the driver list are not compared.
///
/// # Errors
/// [`Error::Plan`] with both rules and the remedy.
pub(super) async fn check<C: Cluster>(cluster: &C, plan: &Plan) -> Result<()> {
    let gateway_api = |of: &RouteOf<'_>| KINDS.contains(&of.object().kind.as_str());
    let routes: Vec<RouteOf<'_>> = RouteOf::all(plan).filter(gateway_api).collect();
    if routes.is_empty() {
        return Ok(());
    }
    let mut all = Vec::new();
    for kind in KINDS {
        all.extend(list(cluster, kind, &routes).await?);
    }
    let objects: Vec<GatewayApiObject> = all.iter().filter_map(read).collect();
    let between = analyze(objects.iter().map(Subject::GatewayApi), &Inventory::default()).findings;
    for of in routes {
        let object = of.object();
        let live = look_up::get(cluster, &object).await?;
        let within = read(&live).map(|route| route.validate()).unwrap_or_default();
        let own = object.to_string();
        let between = between.iter().filter(|finding| finding.object == own);
        let ties: Vec<&Finding> = within.iter().chain(between).filter(|one| is_tie(one)).collect();
        for located in locate_all(of, &live)? {
            let place = format!("{}.", of.place(located.rule));
            if let Some(tie) = ties.iter().find(|tie| tie.path.starts_with(&place)) {
                return Err(Error::Plan(format!(
                    "{own}: {}: {}, so the weights of this rule would move nothing; {}",
                    tie.path,
                    tie.message,
                    tie.help.as_deref().unwrap_or("remove one of them")
                )));
            }
        }
    }
    Ok(())
}

fn is_tie(finding: &Finding) -> bool {
    // Different matches that one request can meet are no error: only such requests go to the first rule.
    TIES.contains(&finding.code.as_str()) && finding.severity == Severity::Warning
}

/// The routes of a kind in the mesh; those of the plan's namespaces where that is all that may be listed.
async fn list<C: Cluster>(cluster: &C, kind: &str, routes: &[RouteOf<'_>]) -> Result<Vec<Value>> {
    const VERSION: &str = "gateway.networking.k8s.io/v1";
    match cluster.list(VERSION, kind, None).await {
        Err(Error::Forbidden { .. }) => {}
        found => return or_none(found),
    }
    let mut namespaces: Vec<String> = routes.iter().map(|of| of.object().namespace).collect();
    namespaces.dedup();
    let mut all = Vec::new();
    for namespace in namespaces {
        all.extend(or_none(cluster.list(VERSION, kind, Some(&namespace)).await)?);
    }
    Ok(all)
}

fn or_none(found: Result<Vec<Value>>) -> Result<Vec<Value>> {
    match found {
        Err(Error::Forbidden { .. } | Error::Unserved { .. } | Error::NotFound { .. }) => {
            Ok(Vec::new())
        }
        found => found,
    }
}

/// A route as an object, with the defaults that the API server stores; none of one that cannot be read, or of another kind.
fn read(live: &Value) -> Option<GatewayApiObject> {
    let live = live.clone();
    let object = match live["kind"].as_str()? {
        "HTTPRoute" => serde_json::from_value::<HttpRoute>(live).ok().map(GatewayApiObject::from),
        "GRPCRoute" => serde_json::from_value::<GrpcRoute>(live).ok().map(GatewayApiObject::from),
        _ => None,
    };
    object.map(GatewayApiObject::with_defaults)
}
