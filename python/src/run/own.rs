//! The client and the inputs of a run on a lab, where the caller gives none.

use std::path::Path;

use canary_core::{
    cluster::Replica,
    evidence::Sample,
    predict,
    rollout::{Arms, Error, Plan, Result},
    serving,
};
use canary_lab::model::ModelFiles;
use serde_json::Value;

use super::samples::Samples;

/// The signature of the lab's models that takes image files; the one without a name takes arrays.
const SIGNATURE: &str = "serving_preprocess";

/// A client of the lab's gateway for the model that the stable version serves; where both versions are in the same
/// servers, of one of these.
pub(super) fn client(lab: &canary_lab::Lab, plan: &Plan) -> Result<predict::Client> {
    if let Some(labels) = plan.target.version_labels() {
        let servers = Replica::of_service(&lab.cluster().objects(), &labels.service);
        let server = servers.first().ok_or_else(|| Error::NotFound {
            object: format!("server behind Service {} in the lab", labels.service),
            help: "deploy a workload with a model config file first, or give a client=".to_owned(),
        })?;
        let client = predict::Client::new(&format!("grpc://{}", server.address))?;
        return Ok(client.model(&*labels.model).signature(SIGNATURE));
    }
    let version = version(lab, plan);
    let model = lab.model_name(&version).ok_or_else(|| Error::NotFound {
        object: format!("a Deployment of version {} in the lab", plan.stable),
        help: "deploy it first, or give a client=".to_owned(),
    })?;
    Ok(predict::Client::new(&lab.gateway_url())?.model(model).signature(SIGNATURE))
}

/// The label `version` of the stable version's pods: the name of its subset, or what its Service selects.
fn version(lab: &canary_lab::Lab, plan: &Plan) -> String {
    let services = plan.target.routes().is_some_and(|routes| routes.arms == Arms::Services);
    let named = |object: &Value| {
        object["kind"] == "Service" && object["metadata"]["name"] == plan.stable.as_str()
    };
    let objects = lab.cluster().objects();
    let selected = objects.iter().find(|object| services && named(object));
    let label = selected.and_then(|service| service["spec"]["selector"]["version"].as_str());
    label.unwrap_or(&plan.stable).to_owned()
}

/// Inputs where the caller gives none: random bytes for models that take any; for real models the photo that came
/// with them, where requests alone are counted.
pub(super) async fn inputs(
    client: &predict::Client,
    packages: &Path,
    pairs: bool,
) -> Result<(Samples, Sample)> {
    let (samples, first) = Samples::random();
    let wants_images = match client.predict(&*first.input).await {
        Err(serving::Error::Predict(error)) => error.status == Some(400),
        _ => false,
    };
    if !wants_images {
        return Ok((samples, first));
    }
    if pairs {
        return Err(Error::Plan(
            "its guardrails or holds compare the answers to distinct images, and these models do not accept random bytes; \
             give inputs=, such as the paths of photos"
                .to_owned(),
        ));
    }
    let photo = ModelFiles::within(packages)
        .or_else(|_| ModelFiles::find())
        .ok()
        .and_then(|files| std::fs::read(files.photo?).ok());
    let photo = photo.ok_or_else(|| {
        Error::Plan(
            "these models need images, and none is installed with them; give inputs=, such as the paths of photos".to_owned(),
        )
    })?;
    Ok(Samples::again_and_again(Sample::new("the photo that came with the models", photo)))
}
