//! A cluster without the interpreter.

use std::sync::Arc;

use canary_core::{
    cluster::{self, Cluster as _, Kubernetes, ObjectRef, PreflightOptions},
    rollout::{Error, Plan, Result},
};
use serde_json::Value;

use super::{
    applied::Effects, preflight::Preflight, settings::Settings, status::Status, waiting::Wait,
};
use crate::convert::plain::Plain;

/// The parts that a call needs when it runs without the interpreter.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(super) settings: Settings,
    pub(super) connected: Arc<tokio::sync::OnceCell<Kubernetes>>,
}

impl Handle {
    pub(crate) async fn open(&self) -> Result<Kubernetes> {
        let Settings { kubeconfig, context, .. } = &self.settings;
        let open = || Kubernetes::open(kubeconfig.as_deref(), context.as_deref());
        self.connected.get_or_try_init(open).await.cloned()
    }

    /// The cluster as reports name it: the context, where one is chosen, and the address of the API server, once it is
    /// known.
    pub(crate) fn title(&self) -> String {
        let server = self.connected.get().and_then(|cluster| cluster.server()).unwrap_or_default();
        match &self.settings.context {
            Some(context) => format!("{context} ({server})"),
            None => server.to_owned(),
        }
    }

    /// The name that distinguishes one cluster from another.
    pub(crate) fn name(&self) -> String {
        format!("cluster {:?} {:?}", self.settings.kubeconfig, self.settings.context)
    }

    pub(super) async fn get(self, object: ObjectRef) -> Result<Option<Plain>> {
        Ok(self.open().await?.get(&object).await?.map(Plain))
    }

    pub(super) async fn list(
        self,
        version: String,
        kind: String,
        namespace: String,
    ) -> Result<Vec<Plain>> {
        // Kinds without a namespace are listed as those of every one.
        let named = !matches!(namespace.as_str(), "" | "*");
        let namespace = named.then_some(namespace.as_str());
        let found = self.open().await?.list(&version, &kind, namespace).await?;
        Ok(found.into_iter().map(Plain).collect())
    }

    pub(super) async fn delete(self, object: ObjectRef) -> Result<bool> {
        self.open().await?.delete(&object).await
    }

    pub(super) async fn preflight(self, checks: PreflightOptions) -> Result<Preflight> {
        cluster::preflight(&self.open().await?, &checks).await.map(Preflight)
    }

    pub(super) async fn apply(
        self,
        objects: Vec<Value>,
        dry_run: bool,
        force: bool,
    ) -> Result<Effects> {
        let cluster = self.open().await?.dry_run(dry_run).force(force);
        cluster::apply_all(&cluster, &objects, |_| {}).await.map(Effects)
    }

    pub(super) async fn tear_down(self, applied: Vec<cluster::Applied>) -> Result<Vec<String>> {
        let deleted = cluster::tear_down(&self.open().await?, &applied).await?;
        Ok(deleted.iter().map(ToString::to_string).collect())
    }

    pub(super) async fn status(self, name: String, plan: Option<Plan>) -> Result<Status> {
        let cluster = self.open().await?;
        cluster::status(&cluster, &self.settings.namespace, &name, plan.as_ref())
            .await
            .map(|core| Status { core })
    }

    pub(super) async fn gateway_url(self, virtual_service: String) -> Result<String> {
        let cluster = self.open().await?;
        let namespace = &self.settings.namespace;
        let found = cluster::route_addresses(&cluster, namespace, &virtual_service).await?;
        let best = found.first().ok_or_else(|| Error::NotFound {
            object: format!("an address of the gateway of {virtual_service}"),
            help: "give the gateway's URL yourself".to_owned(),
        })?;
        Ok(best.url())
    }

    pub(super) async fn wait_ready(self, wait: Wait) -> Result<Plain> {
        let cluster = self.open().await?;
        let Wait { namespace, deployment, timeout } = wait;
        let ready = cluster::wait_ready(&cluster, &namespace, &deployment, timeout, |_| {}).await?;
        Ok(Plain(serde_json::to_value(&ready).unwrap_or_default()))
    }
}
