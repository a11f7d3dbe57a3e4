//! A real cluster as the back-end: the versions are deployed already, inputs go through its gateway.

use anyhow::{Context, Result, bail};
use canary_core::{
    Plan,
    cluster::{Kubernetes, route_addresses},
    evidence::Sample,
    predict::Client,
};
use futures_util::{Stream, stream};

use super::{Requests, Stage, samples::samples};
use crate::commands::run::Run;

/// Connects, finds the gateway, and makes the inputs.
pub(crate) async fn stage(
    plan: &Plan,
    options: &Run,
) -> Result<
    Stage<Kubernetes, impl Stream<Item = canary_core::rollout::Result<Sample>> + Send + use<>>,
> {
    let of = &options.cluster;
    let cluster = of.connection.open().await?;
    let name = of.connection.name(&cluster);
    let counted = of.metered.source(&cluster, plan).await?;
    // Without inputs no request is sent to the canary before its first weight; its pods are still checked.
    if counted.is_some() && plan.header.is_none() && options.images.is_empty() {
        return Ok(Stage { cluster, name, requests: None, counted, mirror: None });
    }
    if options.images.is_empty() {
        bail!("a real model needs inputs: pass image files with --images");
    }
    let url = match &of.gateway_url {
        Some(url) => url.clone(),
        None => find(&cluster, plan).await?,
    };
    let model = of.model.as_deref().unwrap_or(&plan.target.virtual_service);
    let mut client = Client::new(&url)?.model(model).signature(&of.signature);
    if let Some(host) = &of.host {
        client = client.host(host);
    }
    let samples = samples(options)?;
    let probe = samples(0);
    // If requests are counted elsewhere, each input is sent once, for its pair.
    let all = if counted.is_some() { options.images.len() as u64 } else { u64::MAX };
    let all = (0..options.inputs.unwrap_or(all)).map(move |number| Ok(samples(number)));
    let requests = Some(Requests { client, samples: stream::iter(all), probe });
    Ok(Stage { cluster, name, requests, counted, mirror: None })
}

/// The best address of the gateway that the `VirtualService` names first.
async fn find(cluster: &Kubernetes, plan: &Plan) -> Result<String> {
    let target = &plan.target;
    let addresses = route_addresses(cluster, &target.namespace, &target.virtual_service)
        .await
        .context("the gateway is not found; give its address with --gateway-url")?;
    let best = addresses.first().context("the gateway has no address")?;
    Ok(best.url())
}
