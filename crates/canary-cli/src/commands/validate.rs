//! `canary validate`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::validate::{Channel, IstioVersion, Options};

use crate::{
    commands::help,
    findings::Checked,
    output::Report,
    status::Status::{self, Done, Failed, Unusable},
};

/// Check each manifest against the admission rules of Istio and of the Gateway API.
///
/// Gateways, VirtualServices and DestinationRules are parsed strictly and checked against the rules of Istio's
/// admission, and objects of the Gateway API against the rules of its definitions; other Istio kinds are only parsed,
/// and objects of other APIs are ignored. Each finding has a code, its position in the text and a remedy.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary validate mesh.yaml", "cat mesh.yaml | canary validate - --output sarif > mesh.sarif"],
    &[Done, Failed, Unusable],
    "",
))]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) manifests: Manifests,
}

/// The manifests to check, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Manifests {
    /// YAML or JSON files, folders, or `-` for standard input.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// The output format.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Report,
    /// Report unknown fields as warnings instead of errors.
    #[arg(long)]
    lenient: bool,
    /// Exit with status 1 for warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// The version of the control plane, such as 1.14; by default the newest known version.
    #[arg(long, value_name = "VERSION")]
    istio_version: Option<IstioVersion>,
    /// The channel of the Gateway API's definitions in the cluster: standard or experimental.
    #[arg(long, value_name = "CHANNEL", default_value = "standard")]
    pub(crate) gateway_api_channel: Channel,
    /// The namespace of objects without one.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
}

impl Manifests {
    /// Reads the files and checks each object.
    pub(crate) fn check(&self) -> Result<Checked> {
        let mut checked = Checked::read(&self.files, self.lenient)?;
        let mut options =
            Options::default().namespace(&self.namespace).channel(self.gateway_api_channel);
        options.istio_version = self.istio_version;
        checked.validate(&options);
        Ok(checked)
    }

    pub(crate) fn report(&self, checked: Checked) -> Result<Status> {
        checked.report(self.output, self.deny_warnings)
    }
}

impl Validate {
    pub(crate) fn run(&self) -> Result<Status> {
        self.manifests.report(self.manifests.check()?)
    }
}
