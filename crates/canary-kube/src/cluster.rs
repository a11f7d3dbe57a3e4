//! The calls of [`Cluster`] as requests to the API server.

use futures_core::Stream;
use http::Request;
use kube::core::params::{DeleteParams, GetParams, ListParams, Patch as KubePatch, PatchParams};
use serde_json::Value;

use canary_rollout::cluster::{
    Cluster, ObjectRef, Patch, PatchOperation, WatchEvent, failed_tests,
};

use crate::{Error, Kubernetes, Result, api_error::Verb, kubernetes_watch};

impl Cluster for Kubernetes {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        let request =
            built(object, self.named(object).await?.get(&object.name, &GetParams::default()))?;
        match self.send(Verb::Get, object, request).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>> {
        /// Pages keep one answer small on clusters with many objects.
        const PAGE: u32 = 500;
        let object = ObjectRef::new(api_version, kind, namespace.unwrap_or_default(), "");
        let collection = self.collection(&object).await?;
        let mut params = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let request = built(&object, collection.list(&params))?;
            let mut page = match self.send(Verb::List, &object, request).await {
                // The continue token has expired: list everything again, in one request.
                Err(Error::Expired { .. }) if params.limit.is_some() => {
                    params = ListParams::default();
                    objects.clear();
                    continue;
                }
                page => page?,
            };
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                objects.extend(items.into_iter().map(|mut item| {
                    // Items of a list do not repeat their type.
                    if let Some(fields) = item.as_object_mut() {
                        fields.insert("apiVersion".to_owned(), api_version.into());
                        fields.insert("kind".to_owned(), kind.into());
                    }
                    item
                }));
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => params = params.continue_token(token),
                _ => return Ok(objects),
            }
        }
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let target = ObjectRef::of(object)?;
        let mut params = PatchParams::apply(&self.field_manager).validation_strict();
        params.force = self.force;
        params.dry_run = self.dry_run;
        let request = built(
            &target,
            self.named(&target).await?.patch(&target.name, &params, &KubePatch::Apply(object)),
        )?;
        let applied = self.send(Verb::Apply, &target, request).await?;
        tracing::debug!(
            object = %target,
            field_manager = self.field_manager,
            dry_run = self.dry_run,
            resource_version = resource_version(&applied),
            "object applied"
        );
        Ok(applied)
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        match self.json_patch(object, "", patch).await {
            // For a failed `test` the server reports only a bad request: find out which test failed.
            Err(Error::Istio(canary_istio::Error::Invalid(findings)))
                if findings.iter().all(|finding| finding.path.is_empty()) =>
            {
                let live = self.get(object).await?;
                let live_version = live.as_ref().and_then(resource_version).map(str::to_owned);
                match live.and_then(|live| failed_tests(&live, patch)) {
                    Some(diff) => {
                        tracing::debug!(
                            %object,
                            paths = written(patch),
                            resource_version = live_version,
                            "conflict"
                        );
                        Err(Error::conflict(object.to_string(), diff))
                    }
                    None => Err(Error::invalid(findings)),
                }
            }
            Ok(patched) => {
                tracing::debug!(
                    %object,
                    paths = written(patch),
                    field_manager = self.field_manager,
                    dry_run = self.dry_run,
                    resource_version = resource_version(&patched),
                    "object patched"
                );
                Ok(patched)
            }
            other => other,
        }
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        match self.json_patch(object, "/scale", patch).await {
            // The account may be permitted to patch the scale and not to read it, so the failed test stays unknown.
            Err(Error::Istio(canary_istio::Error::Invalid(findings)))
                if findings.iter().all(|finding| finding.path.is_empty()) =>
            {
                let diff = format!("the patch of its scale does not hold: {findings}");
                tracing::debug!(%object, paths = written(patch), "conflict");
                Err(Error::conflict(object.to_string(), diff))
            }
            Ok(scale) => {
                tracing::debug!(
                    %object,
                    paths = written(patch),
                    field_manager = self.field_manager,
                    dry_run = self.dry_run,
                    resource_version = resource_version(&scale),
                    "object scaled"
                );
                Ok(scale)
            }
            other => other,
        }
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        let mut params = DeleteParams::background();
        params.dry_run = self.dry_run;
        let request = built(object, self.named(object).await?.delete(&object.name, &params))?;
        match self.send(Verb::Delete, object, request).await {
            Ok(_) => {
                tracing::debug!(%object, dry_run = self.dry_run, "object deleted");
                Ok(true)
            }
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        kubernetes_watch::watch(self.clone(), object.clone())
    }
}

impl Kubernetes {
    /// Sends a JSON Patch to an object, or to its subresource such as `/scale`.
    async fn json_patch(
        &self,
        object: &ObjectRef,
        subresource: &str,
        patch: &Patch,
    ) -> Result<Value> {
        let url = self.named(object).await?.url_path;
        let body = serde_json::to_vec(patch)
            .map_err(|error| Error::manifest(format!("patch of {object}"), error.to_string()))?;
        let request = Request::patch(format!(
            "{url}/{}{subresource}?fieldManager={}&fieldValidation=Strict{}",
            object.name,
            self.field_manager,
            if self.dry_run { "&dryRun=All" } else { "" }
        ))
        .header(http::header::CONTENT_TYPE, "application/json-patch+json")
        .header(http::header::ACCEPT, "application/json")
        .body(body);
        let request = built(object, request.map_err(kube::core::request::Error::BuildRequest))?;
        self.send(Verb::Patch, object, request).await
    }
}

fn resource_version(object: &Value) -> Option<&str> {
    object.pointer("/metadata/resourceVersion")?.as_str()
}

/// The places that a patch changes; their values are in the object.
fn written(patch: &Patch) -> String {
    let changes = patch.iter().filter(|operation| !matches!(operation, PatchOperation::Test(_)));
    changes.map(|operation| operation.path().as_str()).collect::<Vec<_>>().join(" ")
}

/// The request could not be built. Names are checked before, so this is unlikely.
fn built(
    object: &ObjectRef,
    request: Result<Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Request<Vec<u8>>> {
    request.map_err(|error| Error::Cluster {
        action: object.to_string(),
        reason: "the request cannot be put together".to_owned(),
        retryable: false,
        source: Some(Box::new(error)),
    })
}
