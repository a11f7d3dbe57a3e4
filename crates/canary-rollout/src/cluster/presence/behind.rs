//! The look-ups of a subset's pods and workloads, each done once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{Cluster, ObjectRef},
    host::Host,
    judge::judge,
    lists::Lists,
    selection::{self, Selection, labels_of},
    state::Presence,
};
use crate::{
    Error, Result,
    json::{text, texts},
};

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

/// The place in which to look for a subset's pods.
#[derive(Debug)]
pub(crate) enum Place {
    /// Among the pods of a `Service`.
    Pods(Selection),
    /// Nowhere: the result is known without reading pods.
    Settled(Presence),
}

/// Determines whether the pods of a subset can serve.
///
/// The host of the `DestinationRule` is resolved as Istio resolves it from `namespace`. Its `Service` is read, and pods
/// must have the labels of both the `Service`'s selector and the subset. A pod counts when its `Ready` condition is
/// true and it is not being deleted; where a store keeps no pods, as the embedded lab, the status of the workloads
/// counts in their place. `labels` are those of a subset that the rule does not define yet.
///
/// [`Behind`] answers this and [`release_id`](super::super::release_id) from the same look-ups.
///
/// # Errors
/// [`crate::Error::Cluster`] when the store cannot be reached or does not permit a look-up; the error names the verb
/// that is missing.
pub async fn presence(
    cluster: &impl Cluster,
    namespace: &str,
    destination_rule: &Value,
    subset: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Presence> {
    Behind::find(cluster, namespace, destination_rule, subset, labels).await?.presence().await
}

impl<'c, C: Cluster> Behind<'c, C> {
    /// Finds the `Service` and the labels of a subset, as [`presence`] does.
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
        Ok(Self { place, lists: Lists::new(cluster) })
    }

    /// Finds the pods of a version that is a `Service`.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when the `Service` cannot be read.
    pub async fn service(cluster: &'c C, service: ObjectRef) -> Result<Self> {
        Ok(Self { place: place_of_service(cluster, service).await?, lists: Lists::new(cluster) })
    }

    /// Returns the state of the version's pods.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when pods or workloads cannot be listed.
    pub async fn presence(&mut self) -> Result<Presence> {
        match &self.place {
            Place::Settled(presence) => Ok(presence.clone()),
            Place::Pods(selection) => judge(selection, &mut self.lists).await,
        }
    }
}

/// The place of a version that is a `Service`.
async fn place_of_service(cluster: &impl Cluster, service: ObjectRef) -> Result<Place> {
    let what = service.to_string();
    let found = match cluster.get(&service).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let why = format!("there is no {what}");
            return Ok(Place::Settled(Presence::Missing { why, hopeless: false }));
        }
        Err(error @ Error::Unserved { .. }) => {
            let why = format!("{what} cannot be looked up: {error}");
            return Ok(Place::Settled(Presence::Unknown { why }));
        }
        Err(error) => return Err(error),
    };
    Ok(match selector_of(&service, &found) {
        Err(why) => Place::Settled(Presence::Unknown { why: format!("{what}: {why}") }),
        Ok(selector) => Place::Pods(Selection {
            what,
            service,
            selector,
            labels: BTreeMap::new(),
            claimed: Vec::new(),
        }),
    })
}

/// The labels by which a `Service` selects its pods, or the reason why they are not known.
fn selector_of(service: &ObjectRef, found: &Value) -> Result<BTreeMap<String, String>, String> {
    if found["spec"]["type"] == "ExternalName" {
        return Err(format!("{service} refers to a host outside the cluster (type ExternalName)"));
    }
    let selector = texts(found.pointer("/spec/selector"));
    if selector.is_empty() {
        return Err(format!("{service} has no selector, so its endpoints are written by others"));
    }
    Ok(selector)
}

async fn place(
    cluster: &impl Cluster,
    namespace: &str,
    destination_rule: &Value,
    subset: &str,
    given: Option<&BTreeMap<String, String>>,
) -> Result<Place> {
    let rule = ObjectRef::destination_rule(namespace, text(destination_rule, "/metadata/name"));
    let what = format!("subset {subset} of {rule}");
    let host = text(destination_rule, "/spec/host");
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
            return unknown(format!(
                "its host {host:?} is not a Service, so its pods are not known"
            ));
        }
    };
    let found = match cluster.get(&service).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return unknown(format!(
                "its host {host:?} is not a Service here: there is no {service}"
            ));
        }
        Err(error @ Error::Unserved { .. }) => {
            return unknown(format!("its host {host:?} cannot be looked up: {error}"));
        }
        // A host such as models.example is more often outside the cluster than in a namespace of that name.
        Err(error @ Error::Forbidden { .. }) if alias => {
            return unknown(format!(
                "cannot determine whether its host {host:?} is a Service: {error}"
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
    let selector = match selector_of(&service, &found) {
        Ok(selector) => selector,
        Err(why) => return unknown(why),
    };
    if let Some(label) = selection::label_of_place(&labels) {
        return unknown(format!("it selects by {label}, which Istio reads from the pods' nodes"));
    }
    Ok(Place::Pods(Selection { what, service, selector, labels, claimed }))
}
