//! `canary diff`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use canary_core::{Mesh, route};

use crate::{
    commands::help,
    input,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

/// List the requests that change their destination when one set of manifests replaces another.
///
/// Each change has an example request. The destination of all other requests is unchanged, unless questions are left
/// open.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary diff mesh.yaml changed.yaml", "cat changed.yaml | canary diff mesh.yaml - --output json"],
    &[Done, Failed, Unusable],
    "Status 1 means that there is a difference, as with diff(1).",
))]
pub(crate) struct Diff {
    /// The manifests before: a file, a folder, or `-`.
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    before: PathBuf,
    /// The manifests after.
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    after: PathBuf,
    /// The form of the result.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
}

impl Diff {
    pub(crate) fn run(&self) -> Result<Status> {
        if self.before == Path::new("-") && self.after == Path::new("-") {
            return Err(input::Unusable::error("standard input cannot be both sides"));
        }
        let diff = route::diff(&mesh(&self.before)?, &mesh(&self.after)?);
        if self.output == Plain::Json {
            output::json(&diff)?;
        } else {
            let changes = diff.changes.iter().map(ToString::to_string);
            let open = diff.unjudged.iter().map(|open| format!("left open: {open}"));
            let mut lines: Vec<String> = changes.chain(open).collect();
            lines.push(match diff.changes.len() {
                0 => "no request changes its destination".to_owned(),
                1 => "1 change".to_owned(),
                count => format!("{count} changes"),
            });
            output::print(&lines.join("\n"))?;
        }
        Ok(if diff.changes.is_empty() { Done } else { Failed })
    }
}

fn mesh(path: &Path) -> Result<Mesh> {
    let objects = input::objects(&[path.to_owned()])?;
    Mesh::of(objects)
        .map_err(|error| input::Unusable::error(format!("{}: {error}", path.display())))
}
