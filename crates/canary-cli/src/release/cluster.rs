//! A real cluster as the back-end: the versions are deployed already, inputs go through its gateway.

use anyhow::{Context, Result, bail};
use canary_core::{
    Plan,
    cluster::{Kubernetes, replicas_of, route_addresses_of},
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
    if counted.is_some() && !plan.reaches_canary() && options.images.is_empty() {
        return Ok(Stage { cluster, name, requests: None, counted, mirror: None });
    }
    if options.images.is_empty() {
        bail!("a real model needs inputs: pass image files with --images");
    }
    let url = match &of.gateway_url {
        Some(url) => url.clone(),
        None => find(&cluster, plan).await?,
    };
    let named = plan.target.version_labels().map(|labels| labels.model.as_str());
    let model = of.model.as_deref().or(named).unwrap_or(plan.target.name());
    let mut client = Client::new(&url)?.model(model);
    if let Some(host) = &of.host {
        client = client.host(host);
    }
    let client = of.speaking(client).await?;
    let samples = samples(options)?;
    let probe = samples(0);
    // If requests are counted elsewhere, each input is sent once, for its pair.
    let all = if counted.is_some() { options.images.len() as u64 } else { u64::MAX };
    let all = (0..options.inputs.unwrap_or(all)).map(move |number| Ok(samples(number)));
    let requests = Some(Requests { client, samples: stream::iter(all), probe });
    Ok(Stage { cluster, name, requests, counted, mirror: None })
}

/// The best address of the gateway that the first route names first, or the first of the servers that serve both versions.
async fn find(cluster: &Kubernetes, plan: &Plan) -> Result<String> {
    if let Some(labels) = plan.target.version_labels() {
        let servers = replicas_of(cluster, labels).await?;
        let first = servers.iter().find(|server| server.ready).with_context(|| {
            let (service, namespace) = (&labels.service, &labels.namespace);
            format!("Service {namespace}/{service} has no endpoint that is ready")
        })?;
        return Ok(format!("grpc://{}", first.address));
    }
    let addresses = route_addresses_of(cluster, &plan.target.state_object())
        .await
        .context("the gateway is not found; give its address with --gateway-url")?;
    let best = addresses.first().context("the gateway has no address")?;
    Ok(best.url())
}
