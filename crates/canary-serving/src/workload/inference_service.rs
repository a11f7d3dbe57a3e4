//! `InferenceService`, KServe's object for a model: read, and its traffic told.

use std::fmt;

use canary_istio::manifest::read_document;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// The annotation that chooses how KServe deploys a service.
const MODE: &str = "serving.kserve.io/deploymentMode";

/// The way in which KServe deploys a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DeploymentMode {
    /// Knative's revisions, among which KServe itself splits traffic (`canaryTrafficPercent`). The usual mode.
    #[default]
    Knative,
    /// A plain Deployment and Service, `NAME-predictor`; earlier called `RawDeployment`.
    Standard,
}

/// The model of an `InferenceService`, and how it is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predictor {
    /// The kind of model, such as `sklearn` or `tensorflow`; `None` when the pod is spelt out instead.
    pub model_format: Option<String>,
    /// The protocol that it speaks: `v1`, `v2` or `grpc-v2`; the runtime's own when absent.
    pub protocol_version: Option<String>,
    /// The runtime by name; the cluster's choice when absent.
    pub runtime: Option<String>,
    /// Where the model is, such as `gs://bucket/pets`.
    pub storage_uri: Option<String>,
    /// The part of the traffic that this version is to get, in percent; all of it when absent.
    pub traffic_percent: Option<u8>,
}

/// A share of a service's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficShare {
    /// The revision, or the Deployment that gets it.
    pub revision: String,
    /// Its part, in percent.
    pub percent: u8,
    /// `true` for the version that the object describes now, rather than the one before it.
    pub latest: bool,
}

impl fmt::Display for TrafficShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = if self.latest { "latest" } else { "previous" };
        write!(f, "{} % to {} ({age})", self.percent, self.revision)
    }
}

/// KServe's `InferenceService` (`serving.kserve.io/v1beta1`), as far as a release needs it.
///
/// ```
/// use canary_core::serving::InferenceService;
///
/// let pets: InferenceService = r"
/// apiVersion: serving.kserve.io/v1beta1
/// kind: InferenceService
/// metadata: {name: pets, namespace: models}
/// spec:
///   predictor:
///     canaryTrafficPercent: 10
///     model: {modelFormat: {name: sklearn}, storageUri: gs://bucket/pets/v2}
/// status:
///   components:
///     predictor:
///       traffic:
///       - {revisionName: pets-predictor-00002, percent: 10, latestRevision: true}
///       - {revisionName: pets-predictor-00001, percent: 90, tag: prev}
/// "
/// .parse()?;
/// assert_eq!(pets.predictor.model_format.as_deref(), Some("sklearn"));
/// assert_eq!(pets.traffic()[1].to_string(), "90 % to pets-predictor-00001 (previous)");
/// # Ok::<(), canary_core::serving::Error>(())
/// ```
///
/// Source: <https://kserve.github.io/website/docs/reference/crd-api>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceService {
    /// The name; of the Deployment and Service too, with `-predictor` behind it.
    pub name: String,
    /// The namespace; `default` when the object names none.
    pub namespace: String,
    /// The way of deploying.
    pub mode: DeploymentMode,
    /// The model.
    pub predictor: Predictor,
    /// Further versions that get a part of the traffic, in [`DeploymentMode::Standard`].
    pub canaries: Vec<Predictor>,
    /// `true` when KServe says that the service is ready; `None` before it says anything.
    pub ready: Option<bool>,
    /// The address that KServe gave it.
    pub url: Option<String>,
    /// The status that KServe reports; see [`InferenceService::traffic`].
    reported: Vec<TrafficShare>,
}

impl InferenceService {
    /// The object, as Kubernetes gives it. Fields that a release does not need are not read.
    ///
    /// # Errors
    /// [`Error::manifest`] for another kind of object, one without a name or a predictor, and shares of traffic that are
    /// not percentages.
    pub fn from_value(object: &Value) -> Result<Self> {
        let read: Document = serde_json::from_value(object.clone())
            .map_err(|error| Error::manifest("InferenceService", error.to_string()))?;
        read.service()
    }

    /// The name of the Deployment and of the Service, in [`DeploymentMode::Standard`]; the pods have the label
    /// `app: isvc.NAME-predictor`.
    ///
    /// ```
    /// # use canary_core::serving::InferenceService;
    /// # let pets: InferenceService = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {model: {}}}}".parse()?;
    /// assert_eq!(pets.deployment_name(), "pets-predictor");
    /// # Ok::<(), canary_core::serving::Error>(())
    /// ```
    pub fn deployment_name(&self) -> String {
        format!("{}-predictor", self.name)
    }

    /// The shares of the traffic: those that KServe reports, or else those that the object asks for.
    ///
    /// A Knative service with `canaryTrafficPercent` leaves the rest to the revision that was rolled out before, whose
    /// name is in KServe's report alone.
    pub fn traffic(&self) -> Vec<TrafficShare> {
        if !self.reported.is_empty() {
            return self.reported.clone();
        }
        let share =
            |revision: String, percent: u8, latest| TrafficShare { revision, percent, latest };
        let name = self.deployment_name();
        if self.mode == DeploymentMode::Standard && !self.canaries.is_empty() {
            let canaries: Vec<TrafficShare> = self
                .canaries
                .iter()
                .enumerate()
                .map(|(at, one)| {
                    share(format!("{name}-canary-{at}"), one.traffic_percent.unwrap_or(0), true)
                })
                .collect();
            let taken: u8 = canaries.iter().fold(0, |sum, one| sum.saturating_add(one.percent));
            return std::iter::once(share(name, 100_u8.saturating_sub(taken), false))
                .chain(canaries)
                .collect();
        }
        let percent = self.predictor.traffic_percent.unwrap_or(100);
        let mut shares = vec![share(name, percent, true)];
        if percent < 100 {
            shares.push(share("the revision rolled out before".to_owned(), 100 - percent, false));
        }
        shares
    }
}

impl std::str::FromStr for InferenceService {
    type Err = Error;

    /// Reads one document of YAML or JSON.
    fn from_str(text: &str) -> Result<Self> {
        let object: Value = read_document("InferenceService", text)?;
        Self::from_value(&object)
    }
}

#[derive(Deserialize)]
struct Document {
    kind: Option<String>,
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Spec {
    predictor: PredictorSpec,
    #[serde(default)]
    canary: Vec<CanarySpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CanarySpec {
    predictor: PredictorSpec,
    traffic_percent: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PredictorSpec {
    model: Option<ModelSpec>,
    canary_traffic_percent: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelSpec {
    model_format: Option<ModelFormat>,
    protocol_version: Option<String>,
    runtime: Option<String>,
    storage_uri: Option<String>,
}

#[derive(Deserialize)]
struct ModelFormat {
    name: String,
}

#[derive(Default, Deserialize)]
struct Status {
    url: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    components: std::collections::BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

#[derive(Default, Deserialize)]
struct Component {
    #[serde(default)]
    traffic: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    revision_name: String,
    percent: Option<i64>,
    #[serde(default)]
    latest_revision: bool,
}

/// A percentage, which the place `path` has.
fn percent(path: &str, found: i64) -> Result<u8> {
    u8::try_from(found).ok().filter(|&percent| percent <= 100).ok_or_else(|| {
        let reason = format!("{path}: found {found}, expected a percentage from 0 to 100");
        Error::manifest("InferenceService", reason)
    })
}

impl PredictorSpec {
    fn predictor(self, path: &str, percent_of_canary: Option<i64>) -> Result<Predictor> {
        let asked = percent_of_canary.or(self.canary_traffic_percent);
        let traffic_percent = asked.map(|found| percent(path, found)).transpose()?;
        let Some(model) = self.model else {
            return Ok(Predictor { traffic_percent, ..Predictor::default() });
        };
        Ok(Predictor {
            model_format: model.model_format.map(|format| format.name),
            protocol_version: model.protocol_version,
            runtime: model.runtime,
            storage_uri: model.storage_uri,
            traffic_percent,
        })
    }
}

impl Document {
    fn service(mut self) -> Result<InferenceService> {
        if self.kind.as_deref() != Some("InferenceService") {
            let found = self.kind.unwrap_or_else(|| "no kind".to_owned());
            let reason = format!("kind: found {found}, expected InferenceService");
            return Err(Error::manifest("InferenceService", reason));
        }
        let mode = match self.metadata.annotations.get(MODE).map(String::as_str) {
            Some("RawDeployment" | "Standard") => DeploymentMode::Standard,
            _ => DeploymentMode::Knative,
        };
        let canary = |(at, one): (usize, CanarySpec)| {
            one.predictor
                .predictor(&format!("spec.canary[{at}].trafficPercent"), one.traffic_percent)
        };
        let canaries =
            self.spec.canary.into_iter().enumerate().map(canary).collect::<Result<_>>()?;
        let reported = self.status.components.remove("predictor").unwrap_or_default().traffic;
        let share = |(at, target): (usize, Target)| {
            let path = format!("status.components.predictor.traffic[{at}].percent");
            Ok(TrafficShare {
                revision: target.revision_name,
                percent: percent(&path, target.percent.unwrap_or(0))?,
                latest: target.latest_revision,
            })
        };
        let ready = self.status.conditions.iter().find(|condition| condition.r#type == "Ready");
        Ok(InferenceService {
            mode,
            predictor: self
                .spec
                .predictor
                .predictor("spec.predictor.canaryTrafficPercent", None)?,
            canaries,
            ready: ready.map(|condition| condition.status == "True"),
            url: self.status.url,
            reported: reported.into_iter().enumerate().map(share).collect::<Result<_>>()?,
            name: self.metadata.name,
            namespace: self.metadata.namespace.unwrap_or_else(|| "default".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value)] // The values are written where the function is called.
    fn service(spec: Value, status: Value) -> Result<InferenceService> {
        InferenceService::from_value(&json!({
            "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
            "metadata": {"name": "pets", "annotations": spec["annotations"]}, "spec": spec, "status": status,
        }))
    }

    fn told(service: &InferenceService) -> Vec<String> {
        service.traffic().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_object_asks_for_is_told_before_kserve_reports() {
        let model = json!({"modelFormat": {"name": "onnx"}, "protocolVersion": "v2", "runtime": "triton", "resources": {}});
        let all = service(
            json!({"annotations": {}, "predictor": {"model": model, "minReplicas": 1}}),
            json!({}),
        )
        .unwrap();
        assert_eq!(told(&all), ["100 % to pets-predictor (latest)"]);
        assert_eq!(
            (all.namespace.as_str(), all.ready, all.mode),
            ("default", None, DeploymentMode::Knative)
        );
        assert_eq!(all.predictor.protocol_version.as_deref(), Some("v2"));
        let tenth =
            json!({"annotations": {}, "predictor": {"model": model, "canaryTrafficPercent": 10}});
        assert_eq!(
            told(&service(tenth, json!({})).unwrap()),
            [
                "10 % to pets-predictor (latest)",
                "90 % to the revision rolled out before (previous)"
            ]
        );
        let standard = json!({
            "annotations": {MODE: "Standard"},
            "predictor": {"model": model},
            "canary": [{"predictor": {"model": model}, "trafficPercent": 20}],
        });
        let standard = service(standard, json!({})).unwrap();
        assert_eq!(standard.mode, DeploymentMode::Standard);
        assert_eq!(
            told(&standard),
            ["80 % to pets-predictor (previous)", "20 % to pets-predictor-canary-0 (latest)"]
        );
    }

    #[test]
    fn what_kserve_reports_is_what_is_true() {
        let status = json!({
            "url": "http://pets.example.com",
            "conditions": [{"type": "Ready", "status": "False"}, {"type": "PredictorReady", "status": "True"}],
            "components": {"predictor": {"traffic": [{"revisionName": "pets-00001", "percent": 100, "latestRevision": true}]}},
        });
        let spec = json!({"annotations": {}, "predictor": {"canaryTrafficPercent": 0, "containers": [{}]}});
        let found = service(spec, status).unwrap();
        assert_eq!(told(&found), ["100 % to pets-00001 (latest)"]);
        assert_eq!(
            (found.ready, found.url.as_deref()),
            (Some(false), Some("http://pets.example.com"))
        );
        assert_eq!(found.predictor.traffic_percent, Some(0));
    }

    #[test]
    fn other_objects_are_refused_with_the_reason() {
        let error = service(
            json!({"annotations": {}, "predictor": {"canaryTrafficPercent": 101}}),
            json!({}),
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("spec.predictor.canaryTrafficPercent: found 101"), "{error}");
        for (text, said) in [
            ("{kind: Service, metadata: {name: a}, spec: {predictor: {}}}", "found Service"),
            ("{kind: InferenceService, metadata: {}, spec: {predictor: {}}}", "name"),
            ("{kind: InferenceService, metadata: {name: a}, spec: {}}", "predictor"),
            ("kind: [", "line 1"),
        ] {
            let error = text.parse::<InferenceService>().unwrap_err().to_string();
            assert!(error.contains("InferenceService") && error.contains(said), "{error}");
        }
    }
}
