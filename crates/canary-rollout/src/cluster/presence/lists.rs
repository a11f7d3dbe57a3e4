//! The lists of pods and workloads, each read from the cluster once.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::Cluster,
    objects::{labels, template_labels},
    selection::Selection,
};
use crate::{Error, Result};

/// The pods that concern a subset.
#[derive(Debug)]
pub(crate) struct Pods {
    /// `true` when the store keeps pods at all.
    pub(super) kept: bool,
    /// The pods of the `Service` and those with the subset's labels.
    pub(crate) related: Vec<Value>,
}

/// The lists read from a cluster.
#[derive(Debug)]
pub(crate) struct Lists<'c, C> {
    pub(crate) cluster: &'c C,
    pods: Option<Arc<Pods>>,
    workloads: Option<Arc<Vec<Value>>>,
}

impl<'c, C: Cluster> Lists<'c, C> {
    /// Nothing has been read yet.
    pub(super) fn new(cluster: &'c C) -> Self {
        Self { cluster, pods: None, workloads: None }
    }

    /// The pods that concern the subset; `None` when the store does not serve pods.
    pub(crate) async fn pods(&mut self, selection: &Selection) -> Result<Option<Arc<Pods>>> {
        if self.pods.is_none() {
            let Some(all) = self.list(selection, "v1", "Pod").await? else { return Ok(None) };
            let kept = !all.is_empty();
            let concerns = |pod: &Value| selection.concerns(labels(pod));
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

    /// The replica sets of the subset that no Deployment is known for. Reading them needs a separate permission and
    /// only makes a message more specific, so without it the list is empty.
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
