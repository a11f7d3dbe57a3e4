//! `canary route`.

mod cases;
mod explain;
mod test;

pub(crate) use cases::SCHEMA;

use std::path::PathBuf;

use anyhow::Result;
use canary_core::{Mesh, Request, route::Outcome};

use crate::{
    commands::help,
    input,
    output::{self, Cases},
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
Without --test, status 1 means that the mesh itself answers with an error: 404 NR, 503 NC or 503 UH.

The file of --test is YAML or JSON; `canary schema cases` prints its JSON schema:

  cases:
  - name: testers get the canary
    request: {url: \"http://any/v1/models/m:predict\", method: POST, headers: {user-group: canary}}
    expect: {subset: resnet101}
  - request: {url: \"http://any/v1/models/m\"}
    expect: {shares: {resnet50: 70, resnet101: 30}}";

/// Explain where a request goes, from manifests alone, or check manifests against a file of test cases.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary route mesh.yaml --url http://any/v1/models/m:predict --header user-group=canary",
        "canary route mesh.yaml --test cases.yaml --output junit > cases.xml",
    ],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Route {
    /// Files, folders or `-` with Gateways, VirtualServices and DestinationRules; Services, ServiceEntries and Sidecars
    /// are used too.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// A file of test cases: requests, each with its expected destination (repeatable).
    #[arg(long, value_name = "CASES", required_unless_present = "url", value_hint = clap::ValueHint::FilePath)]
    test: Vec<PathBuf>,
    /// The output format; junit only with --test.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Cases,
    #[command(flatten)]
    request: RequestArgs,
}

/// One request.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The request")]
struct RequestArgs {
    /// The URL of the request.
    #[arg(long, conflicts_with = "test")]
    url: Option<String>,
    /// The method.
    #[arg(long, default_value = "GET", requires = "url")]
    method: String,
    /// A header (repeatable).
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = pair, requires = "url")]
    headers: Vec<(String, String)>,
    /// The gateway of the request, as `namespace/name`, or `mesh` for a client inside the mesh.
    #[arg(long, value_name = "GATEWAY", requires = "url")]
    gateway: Option<String>,
    /// The port of the listener, if the URL has none.
    #[arg(long, requires = "url")]
    port: Option<u16>,
    /// The namespace of a client inside the mesh.
    #[arg(long, value_name = "NAME", requires = "url")]
    namespace: Option<String>,
    /// A label of a client inside the mesh (repeatable).
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair, requires = "url")]
    labels: Vec<(String, String)>,
    /// The random number that selects one of the destinations.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "url")]
    random: u64,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Route {
    pub(crate) fn run(&self) -> Result<Status> {
        let mesh = Mesh::of(input::objects(&self.files)?).map_err(input::Unusable::error)?;
        for note in mesh.notes() {
            output::message(&format!("note: {note}"));
        }
        let Some(url) = &self.request.url else {
            return test::run(&mesh, &self.test, self.output);
        };
        let request = self.request.to(url);
        let decision = mesh.route(&request);
        match self.output {
            Cases::Text => output::print(&explain::lines(&decision))?,
            Cases::Json => output::json(&decision)?,
            Cases::Junit => {
                return Err(input::Unusable::error("--output junit is for --test"));
            }
        }
        Ok(if matches!(decision.outcome(), Outcome::Failure(_)) { Failed } else { Done })
    }
}

impl RequestArgs {
    fn to(&self, url: &str) -> Request {
        let mut request = Request::new(self.method.clone(), url).random(self.random);
        request.headers.clone_from(&self.headers);
        request.gateway.clone_from(&self.gateway);
        request.port = self.port;
        request.source_namespace.clone_from(&self.namespace);
        request.source_labels.extend(self.labels.iter().cloned());
        request
    }
}
