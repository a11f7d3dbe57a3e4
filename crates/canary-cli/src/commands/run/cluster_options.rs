//! The options of a run on a cluster.

use canary_core::predict::{Client, Protocol};

use crate::{connection::Connection, metered::Metered};

/// A real cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "On a cluster")]
pub(crate) struct ClusterOptions {
    /// Run on a Kubernetes cluster with Istio instead of the lab. Both versions must be deployed, and responses must
    /// name their subset, as configured by `stamp_subset`. `canary preflight --plan` lists what is missing.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// The gateway's address; by default that of the VirtualService's Gateway.
    #[arg(long, value_name = "URL", requires = "cluster")]
    pub(crate) gateway_url: Option<String>,
    /// The Host header, if the VirtualService's hosts are not `*`.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) host: Option<String>,
    /// The protocol of the model servers: tensorflow, v1 (KServe), v2 (Open Inference: Triton, MLServer, KServe and
    /// others), or auto, which asks the server.
    #[arg(long, value_name = "NAME", default_value = "tensorflow", requires = "cluster", value_parser = Spoken::parse)]
    pub(crate) protocol: Spoken,
    /// The model's name on its server; by default the name of the VirtualService, or that of the plan's target.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) model: Option<String>,
    /// The signature that accepts image files; by default `serving_preprocess`, and none over other protocols than
    /// TensorFlow Serving's, which have no signatures.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) signature: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) metered: Metered,
}

/// The choice of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// This protocol.
    Known(Protocol),
    /// The one that the server is found to speak.
    Detected,
}

impl Spoken {
    fn parse(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self::Detected);
        }
        let known = name.parse().map(Self::Known);
        known.map_err(|error: String| format!("{error}, and not \"auto\""))
    }
}

impl ClusterOptions {
    /// The client in the protocol of its server, with the signature that takes image files.
    pub(crate) async fn speaking(&self, client: Client) -> canary_core::Result<Client> {
        speaking(self.protocol, self.signature.as_deref(), client).await
    }
}

async fn speaking(
    protocol: Spoken,
    signature: Option<&str>,
    client: Client,
) -> canary_core::Result<Client> {
    let client = match protocol {
        Spoken::Known(protocol) => client.protocol(protocol),
        Spoken::Detected => client.detected().await?,
    };
    let usual = if client.spoken() == Protocol::TensorFlow { "serving_preprocess" } else { "" };
    Ok(client.signature(signature.unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_named_as_in_the_library_or_found_out() {
        assert_eq!(Spoken::parse("v2"), Ok(Spoken::Known(Protocol::OpenInference)));
        assert_eq!(Spoken::parse("auto"), Ok(Spoken::Detected));
        let error = Spoken::parse("V2").unwrap_err();
        assert!(error.contains("\"tensorflow\"") && error.contains("\"auto\""), "{error}");
    }

    #[tokio::test]
    async fn only_tensorflow_serving_gets_the_usual_signature() {
        let body = async |protocol, signature| {
            let client = Client::new("http://127.0.0.1:1").unwrap().model("m");
            let client = speaking(Spoken::Known(protocol), signature, client).await.unwrap();
            assert_eq!(client.spoken(), protocol);
            let request = client.prepare(vec![1_u8]).map_err(|error| error.to_string())?;
            Ok::<_, String>(String::from_utf8(request.body().into_owned()).unwrap())
        };
        let usual = body(Protocol::TensorFlow, None).await.unwrap();
        assert!(usual.contains("serving_preprocess"), "{usual}");
        assert!(body(Protocol::TensorFlow, Some("mine")).await.unwrap().contains("\"mine\""));
        assert!(!body(Protocol::KServe, None).await.unwrap().contains("signature"));
        assert!(body(Protocol::KServe, Some("mine")).await.unwrap_err().contains("signature"));
    }
}
