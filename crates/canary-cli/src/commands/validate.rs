//! `canary validate`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::validate::{IstioVersion, Options};

use crate::{
    commands::help,
    findings::Checked,
    output::Report,
    status::Status::{self, Done, Failed, Unusable},
};

/// Check manifests as Istio would admit them, each object by itself.
///
/// Istio's Gateway, VirtualService and DestinationRule are read strictly and held against the rules of Istio's
/// admission; other kinds of Istio's are read, and objects of other APIs pass. Each finding has a code, the place in the
/// text and a remedy.
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
    /// YAML or JSON files, folders of them, or `-` for standard input.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// The form of the findings.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Report,
    /// Report unknown fields as warnings and read on.
    #[arg(long)]
    lenient: bool,
    /// End with status 1 for warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// The version of the control plane, such as 1.14; the newest known by default.
    #[arg(long, value_name = "VERSION")]
    istio_version: Option<IstioVersion>,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
}

impl Manifests {
    /// Reads the files and checks each object.
    pub(crate) fn check(&self) -> Result<Checked> {
        let mut checked = Checked::read(&self.files, self.lenient)?;
        let mut options = Options::default().namespace(&self.namespace);
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
