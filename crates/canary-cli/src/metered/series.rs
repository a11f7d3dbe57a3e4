//! The series that are counted for the two versions of a plan.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use canary_core::{
    Plan,
    cluster::{Cluster, ObjectRef},
    evidence::{
        Subsets,
        prometheus::{Metrics, Reporter},
    },
    rollout::{Routes, patch::SubsetLabels},
};
use serde_json::Value;

use super::Metered;

/// The label with the version of the pods that served a request.
const VERSION: &str = "destination_version";

/// The series of the requests to both versions.
pub(super) struct Series {
    pub(super) metrics: Metrics,
    /// The values of the label that distinguishes the versions.
    pub(super) subsets: Subsets,
    /// The services, in words.
    pub(super) whose: String,
}

/// The series where the versions are subsets of the host of a `DestinationRule`.
pub(super) async fn of_subsets(
    options: &Metered,
    cluster: &impl Cluster,
    plan: &Plan,
) -> Result<Series> {
    let target = &plan.target;
    let rule = match target.routes().and_then(Routes::destination_rule) {
        Some(object) => cluster.get(&object).await?.unwrap_or_default(),
        None => Value::Null,
    };
    let host = rule.pointer("/spec/host").and_then(|host| host.as_str());
    let mut parts = host.unwrap_or(target.name()).split('.');
    let service = options.service.as_deref().or(parts.next()).unwrap_or_default();
    let namespace = parts.next().unwrap_or(target.namespace());
    Ok(Series {
        metrics: Metrics::istio(service, namespace)
            .reporter(options.reporter)
            .subset_label(options.subset_label.as_deref().unwrap_or(VERSION)),
        subsets: versions(plan, &rule),
        whose: format!("{service}.{namespace}"),
    })
}

/// The series where each version has a Service of its own.
///
/// # Errors
/// An error when the versions of the pods are to be counted and a Service does not select its pods by one.
pub(super) async fn of_services(
    options: &Metered,
    cluster: &impl Cluster,
    plan: &Plan,
    services: &[ObjectRef; 2],
) -> Result<Series> {
    let names = services.each_ref().map(|one| format!("{}/{}", one.namespace, one.name));
    let [stable, canary] = services;
    let whose = format!("{stable} and {canary}");
    // The sending proxy knows the Service that the weights chose; the pods name any one that selects them.
    let further = options.service.clone().filter(|_| options.reporter == Reporter::Destination);
    let every = names.into_iter().chain(further);
    let metrics = Metrics::istio_services(every, &stable.namespace).reporter(options.reporter);
    let label = match (&options.subset_label, options.reporter) {
        (Some(label), _) => label.as_str(),
        (None, Reporter::Destination) => VERSION,
        (None, Reporter::Source) => {
            let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
            return Ok(Series { metrics, subsets, whose });
        }
    };
    let stable = version_of(cluster, stable, label).await?;
    let canary = version_of(cluster, canary, label).await?;
    let metrics = metrics.subset_label(label);
    Ok(Series { metrics, subsets: Subsets::new(stable, canary), whose })
}

/// The version of the pods that a Service selects.
async fn version_of(cluster: &impl Cluster, service: &ObjectRef, label: &str) -> Result<String> {
    let live = cluster.get(service).await?.unwrap_or_default();
    match live.pointer("/spec/selector/version").and_then(Value::as_str) {
        Some(version) => Ok(version.to_owned()),
        None => bail!(
            "{service} has no version in spec.selector, so the values of {label} are unknown; add the pods' label version to \
             the selector, or count at the sending proxies with --reporter source and without --subset-label"
        ),
    }
}

/// The values of the metrics' label for both subsets: their label `version`, or their names where there is none.
fn versions(plan: &Plan, rule: &Value) -> Subsets {
    let known = SubsetLabels::of(plan, rule);
    let canary = plan.labels_of_canary();
    let version = |labels: Option<&BTreeMap<String, String>>, name: &str| {
        labels
            .and_then(|labels| labels.get("version"))
            .map_or_else(|| name.to_owned(), Clone::clone)
    };
    let stable = known.as_ref().map(|known| &known.stable);
    let stable = stable.cloned().or_else(|| stable_labels(plan, rule));
    let canary = known.as_ref().map_or(&canary, |known| &known.canary);
    Subsets::new(version(stable.as_ref(), &plan.stable), version(Some(canary), &plan.canary))
}

/// The labels of the stable subset before the canary's is created.
fn stable_labels(plan: &Plan, rule: &Value) -> Option<BTreeMap<String, String>> {
    let mut alone = plan.clone();
    alone.canary.clone_from(&plan.stable);
    SubsetLabels::of(&alone, rule).map(|labels| labels.stable)
}

#[cfg(test)]
mod tests {
    use canary_core::{
        cluster::services_of,
        evidence::{Arm, prometheus::Relation},
        gateway_api::HttpRoute,
        rollout::Route,
    };
    use canary_lab::store::Store;
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let target = Routes::of([Route::http_route("pets")]).namespace("shop");
        Plan::new("pets", "pets-v1", "pets-v2").target(target)
    }

    async fn series(options: &Metered, selector: &Value) -> Result<Series> {
        let store = Store::new();
        let route = HttpRoute::weighted("pets", [("pets-v1", 100)]).port(8501).namespace("shop");
        store.apply(&serde_json::to_value(route)?).await?;
        for name in ["pets-v1", "pets-v2"] {
            let mut selector = selector.clone();
            if selector["version"] == true {
                selector["version"] = json!(&name[5..]);
            }
            let service = json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
                "spec": {"selector": selector, "ports": [{"port": 8501}]},
            });
            store.apply(&service).await?;
        }
        // The canary is not in the route yet, and is beside the stable version.
        let services = services_of(&store, &plan()).await?.expect("the versions are Services");
        assert_eq!(services[1].to_string(), "Service shop/pets-v2");
        of_services(options, &store, &plan(), &services).await
    }

    fn selected(series: &Series) -> &str {
        let found = series.metrics.matchers.iter().find(|one| one.relation == Relation::Regex);
        &found.expect("a condition on the Services").value
    }

    #[tokio::test]
    async fn services_are_told_apart_by_their_names_at_the_sending_proxy() -> Result<()> {
        let by_version = json!({"app": "pets", "version": true});
        let found = series(&Metered::default(), &by_version).await?;
        assert_eq!(found.metrics.subset, "destination_service_name");
        assert_eq!(found.subsets.arm(Some("pets-v2")), Arm::Canary);
        assert_eq!(found.subsets.arm(Some("v2")), Arm::Unknown);
        assert_eq!(selected(&found), r"pets\-v1\.shop\.svc\..+|pets\-v2\.shop\.svc\..+");
        assert_eq!(found.whose, "Service shop/pets-v1 and Service shop/pets-v2");
        Ok(())
    }

    #[tokio::test]
    async fn at_the_pods_the_versions_are_those_of_the_selectors() -> Result<()> {
        let options = Metered {
            reporter: Reporter::Destination,
            service: Some("pets".to_owned()),
            ..Metered::default()
        };
        let found = series(&options, &json!({"app": "pets", "version": true})).await?;
        assert_eq!(found.metrics.subset, "destination_version");
        assert_eq!(found.subsets.arm(Some("v1")), Arm::Stable);
        assert_eq!(found.subsets.arm(Some("pets-v1")), Arm::Unknown);
        assert!(selected(&found).ends_with(r"|pets\.shop\.svc\..+"), "{}", selected(&found));
        // Without versions nothing could be told apart, and nothing is guessed.
        let error =
            series(&options, &json!({"app": "pets"})).await.err().map(|one| one.to_string());
        let error = error.unwrap_or_default();
        assert!(error.contains("Service shop/pets-v1 has no version in spec.selector"), "{error}");
        Ok(())
    }
}
