//! Says where a request goes, and why, from manifests alone.
//!
//! ```text
//! cargo run --example route -- --mesh examples/mesh.yaml \
//!     --url http://models.example.com/v1/models/image_classifier:predict --method POST --header user-group=canary
//! ```
//!
//! Exit status: 0 when a destination or the proxy answers as the rules say, 1 when the mesh answers with an error of
//! its own (404 NR, 503 NC, 503 UH), 2 when the manifests cannot be used.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use canary_core::{
    Decision, Manifest, Mesh, Request,
    manifest::{Error, Result},
    route::Outcome,
};
use clap::Parser;

/// Where a request goes through a mesh, and why.
#[derive(Parser)]
#[command(name = "route")]
struct Options {
    /// A file of Gateways, VirtualServices and DestinationRules in YAML or JSON; Services in it give their ports.
    #[arg(long = "mesh", value_name = "FILE", required = true, num_args = 1..)]
    mesh: Vec<PathBuf>,
    /// The URL of the request.
    #[arg(long)]
    url: String,
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// A header, as `name=value`; may be given several times.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = pair)]
    headers: Vec<(String, String)>,
    /// The gateway entered by, as `namespace/name`, or `mesh` for a client within the mesh.
    #[arg(long)]
    gateway: Option<String>,
    /// The port of the listener, when the URL has none.
    #[arg(long)]
    port: Option<u16>,
    /// The namespace of a client within the mesh.
    #[arg(long)]
    namespace: Option<String>,
    /// A label of a client within the mesh, as `key=value`; may be given several times.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// The random number that decides between destinations.
    #[arg(long, default_value_t = 0)]
    random: u64,
    /// Write everything as JSON.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    let mut builder = Mesh::builder();
    for file in &options.mesh {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::Manifest { what: name.clone(), reason: error.to_string() })?;
        builder = builder.objects(&Manifest::read_named(&name, &text)?);
    }
    let mesh = builder.build()?;
    let mut request = Request::new(options.method.clone(), &options.url).random(options.random);
    request.headers.clone_from(&options.headers);
    request.gateway.clone_from(&options.gateway);
    request.port = options.port;
    request.source_namespace.clone_from(&options.namespace);
    request.source_labels.extend(options.labels.iter().cloned());
    let decision = mesh.route(&request);
    let written = if options.json {
        serde_json::to_string_pretty(&decision).map_err(|error| Error::Manifest {
            what: "decision".to_owned(),
            reason: error.to_string(),
        })?
    } else {
        explain(&decision)
    };
    // A reader that has seen enough closes the pipe; that is no error.
    let _ = writeln!(io::stdout(), "{}", written.trim_end());
    let failed = matches!(decision.outcome(), Outcome::Failure(_));
    Ok(ExitCode::from(u8::from(failed)))
}

/// The decision in lines.
fn explain(decision: &Decision<&Request>) -> String {
    let mut lines = vec![format!("request: {}", decision.request()), decision.why().to_string()];
    for share in decision.shares() {
        lines.push(format!("share: {share}"));
    }
    if decision.path() != decision.request().path.as_str() {
        lines.push(format!("path sent: {}", decision.path()));
    }
    if decision.authority() != decision.request().authority {
        lines.push(format!("authority sent: {}", decision.authority()));
    }
    lines.extend(decision.request_edits().iter().map(|edit| format!("request header: {edit}")));
    lines.extend(decision.response_edits().iter().map(|edit| format!("response header: {edit}")));
    lines.extend(decision.mirrors().iter().map(|cluster| format!("copy to: {}", cluster.name)));
    if let Some(timeout) = decision.timeout() {
        lines.push(format!("timeout: {timeout:?}"));
    }
    if let Some(retries) = decision.retries() {
        let on = retries.retry_on.join(", ");
        lines.push(format!("retries: {} more attempts on {on}", retries.attempts));
    }
    if let Some(policy) = decision.policy() {
        let blocks =
            policy.sources.iter().map(|(block, source)| format!("policy: {block} of {source}"));
        lines.extend(blocks);
    }
    lines.join("\n")
}
