//! The look-ups of a subset's pods and workloads, each done once.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    super::{Cluster, ObjectRef},
    Presence,
    host::Host,
    judge,
    objects::{self, template_labels},
    selection::{self, Selection, labels_of},
};
use crate::{Error, Result};

/// The pods behind a subset at one moment, and the workloads that create them.
///
/// Each list is requested from the cluster once, when it is first needed, and kept: create a new value to look again.
///
/// ```no_run
/// # async fn run(cluster: impl canary_core::cluster::Cluster) -> canary_core::Result<()> {
/// use canary_core::cluster::{Behind, ObjectRef, Presence};
///
/// let rule = ObjectRef::destination_rule("models", "image-classifier");
/// let rule = cluster.get(&rule).await?.expect("the rule is there");
/// let mut canary = Behind::find(&cluster, "models", &rule, "resnet101", None).await?;
/// match canary.presence().await? {
///     Presence::Ready { pods } => println!("{pods} pods of {:?}", canary.release_id().await?),
///     other => println!("{other}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Behind<'c, C> {
    pub(in super::super) place: Place,
    pub(in super::super) lists: Lists<'c, C>,
}

/// Where a subset's pods are to be looked for.
#[derive(Debug)]
pub(crate) enum Place {
    /// Among the pods of a `Service`.
    Pods(Selection),
    /// Nowhere: the result is known without reading pods.
    Settled(Presence),
}

impl<'c, C: Cluster> Behind<'c, C> {
    /// Finds the `Service` and the labels of a subset, as [`presence`](super::presence) does.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when the `Service` cannot be read.
    pub async fn find(
        cluster: &'c C,
        namespace: &str,
        destination_rule: &Value,
        subset: &str,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Result<Self> {
        let place = place(cluster, namespace, destination_rule, subset, labels).await?;
        Ok(Self { place, lists: Lists { cluster, pods: None, workloads: None } })
    }

    /// Returns the state of the subset's pods.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when pods or workloads cannot be listed.
    pub async fn presence(&mut self) -> Result<Presence> {
        match &self.place {
            Place::Settled(presence) => Ok(presence.clone()),
            Place::Pods(selection) => judge::judge(selection, &mut self.lists).await,
        }
    }
}

async fn place(
    cluster: &impl Cluster,
    namespace: &str,
    destination_rule: &Value,
    subset: &str,
    given: Option<&BTreeMap<String, String>>,
) -> Result<Place> {
    let text = |pointer| destination_rule.pointer(pointer).and_then(Value::as_str);
    let rule = text("/metadata/name").unwrap_or_default();
    let rule = ObjectRef::destination_rule(namespace, rule);
    let what = format!("subset {subset} of {rule}");
    let host = text("/spec/host").unwrap_or_default();
    let (labels, claimed) = match labels_of(destination_rule, subset, given) {
        Ok(found) => found,
        Err(why) => return Ok(Place::Settled(Presence::hopeless(format!("{what}: {why}")))),
    };
    let unknown =
        |why: String| Ok(Place::Settled(Presence::Unknown { why: format!("{what}: {why}") }));
    let (service, alias) = match Host::of(host, namespace) {
        Host::Service(service) => (service, false),
        Host::Alias(service) => (service, true),
        Host::Outside => {
            return unknown(format!("its host {host:?} is no Service, so its pods are not known"));
        }
    };
    let found = match cluster.get(&service).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return unknown(format!("its host {host:?} is no Service here: there is no {service}"));
        }
        Err(error @ Error::Unserved { .. }) => {
            return unknown(format!("its host {host:?} cannot be looked up: {error}"));
        }
        // A host such as models.example is more often outside the cluster than in a namespace of that name.
        Err(error @ Error::Forbidden { .. }) if alias => {
            return unknown(format!(
                "whether its host {host:?} is a Service cannot be told: {error}"
            ));
        }
        Err(error) => return Err(error),
    };
    if alias {
        return Ok(Place::Settled(Presence::hopeless(format!(
            "{what} would serve nothing: its host is {host:?}, and Istio completes only names without a dot, so this is \
             not {service}; write {}.{}.svc.cluster.local",
            service.name, service.namespace
        ))));
    }
    if found["spec"]["type"] == "ExternalName" {
        return unknown(format!(
            "{service} stands for a host outside the cluster (type ExternalName)"
        ));
    }
    let selector = selection::labels(found.pointer("/spec/selector"));
    if selector.is_empty() {
        return unknown(format!(
            "{service} has no selector, so its endpoints are written by others"
        ));
    }
    if let Some(label) = selection::label_of_place(&labels) {
        return unknown(format!("it selects by {label}, which Istio takes from the pods' nodes"));
    }
    Ok(Place::Pods(Selection { what, service, selector, labels, claimed }))
}

/// The pods that concern a subset.
#[derive(Debug)]
pub(super) struct Pods {
    /// `true` when the store keeps pods at all.
    pub(super) kept: bool,
    /// The pods of the `Service` and those with the subset's labels.
    pub(super) related: Vec<Value>,
}

/// The lists read from a cluster.
#[derive(Debug)]
pub(crate) struct Lists<'c, C> {
    pub(crate) cluster: &'c C,
    pods: Option<Arc<Pods>>,
    workloads: Option<Arc<Vec<Value>>>,
}

impl<C: Cluster> Lists<'_, C> {
    /// The pods that concern the subset; `None` when the store does not serve pods.
    pub(super) async fn pods(&mut self, selection: &Selection) -> Result<Option<Arc<Pods>>> {
        if self.pods.is_none() {
            let Some(all) = self.list(selection, "v1", "Pod").await? else { return Ok(None) };
            let kept = !all.is_empty();
            let concerns = |pod: &Value| selection.concerns(objects::labels(pod));
            let related = all.into_iter().filter(concerns).collect();
            self.pods = Some(Arc::new(Pods { kept, related }));
        }
        Ok(self.pods.clone())
    }

    /// The workloads whose pods concern the subset, by kind and name.
    pub(crate) async fn workloads(&mut self, selection: &Selection) -> Result<Arc<Vec<Value>>> {
        if let Some(known) = &self.workloads {
            return Ok(Arc::clone(known));
        }
        let mut found = Vec::new();
        for kind in ["Deployment", "StatefulSet"] {
            let all = self.list(selection, "apps/v1", kind).await?.unwrap_or_default();
            found.extend(concerned(selection, all));
        }
        Ok(Arc::clone(self.workloads.insert(Arc::new(found))))
    }

    /// The replica sets of the subset that no Deployment is known for. Looking at them needs a permission of its own
    /// and only sharpens a message, so without it there are none.
    pub(super) async fn replica_sets(&self, selection: &Selection) -> Result<Vec<Value>> {
        match self.list(selection, "apps/v1", "ReplicaSet").await {
            Ok(all) => Ok(concerned(selection, all.unwrap_or_default()).collect()),
            Err(Error::Forbidden { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Every object of a kind beside the `Service`; `None` when the store does not serve the kind.
    async fn list(
        &self,
        selection: &Selection,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Vec<Value>>, Error> {
        let namespace = Some(selection.service.namespace.as_str());
        match self.cluster.list(api_version, kind, namespace).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Unserved { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn concerned(selection: &Selection, all: Vec<Value>) -> impl Iterator<Item = Value> {
    all.into_iter().filter(|one| selection.concerns(template_labels(one)))
}
