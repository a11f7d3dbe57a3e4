//! The client and the inputs of a run on a lab, where the caller gives none.

use std::path::Path;

use canary_core::{
    evidence::Sample,
    predict,
    rollout::{Error, Plan, Result},
    serving,
};
use canary_lab::model::ModelFiles;

use super::samples::Samples;

/// The signature of the lab's models that takes image files; the one without a name takes arrays.
const SIGNATURE: &str = "serving_preprocess";

/// A client of the lab's gateway for the model that the stable version serves.
pub(super) fn client(lab: &canary_lab::Lab, plan: &Plan) -> Result<predict::Client> {
    let model = lab.model_name(&plan.stable).ok_or_else(|| Error::NotFound {
        object: format!("a Deployment of version {} in the lab", plan.stable),
        help: "deploy it first, or give a client=".to_owned(),
    })?;
    Ok(predict::Client::new(&lab.gateway_url())?.model(model).signature(SIGNATURE))
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
