//! `canary copy-model`.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use canary_core::serving::store::{CopyModel, Location};

use crate::{
    commands::help,
    connection::runtime,
    input,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

/// Copy a SavedModel between folders, gs:// and s3://; TensorFlow Serving never loads a partial copy.
///
/// After an interruption, the same command resumes the copy. Credentials come from the environment or the instance, as
/// for the clouds' own tools.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary copy-model resnet_101/1 models/image_classifier/2", "canary copy-model resnet_101/1 served/3 --output json"],
    &[Done, Failed, Unusable],
    "",
))]
pub(crate) struct Copy {
    /// The folder of one version: a path, `gs://bucket/path/1` or `s3://bucket/path/1`.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    from: String,
    /// The target folder; its last part is the version's number.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    to: String,
    /// The number of files copied at once.
    #[arg(long, value_name = "N", default_value_t = 4)]
    concurrency: usize,
    /// Do not read back the written data.
    #[arg(long)]
    no_read_back: bool,
    /// The output format: the files with their checksums, as lines or as JSON.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
}

impl Copy {
    pub(crate) fn run(&self) -> Result<Status> {
        let from = Location::parse(&self.from).map_err(input::Unusable::error)?;
        let to = Location::parse(&self.to).map_err(input::Unusable::error)?;
        let terminal = std::io::stderr().is_terminal();
        let mut copy = CopyModel::new(from, to).concurrency(self.concurrency);
        if terminal {
            copy = copy.on_progress(|progress| {
                let _ = write!(std::io::stderr(), "\r\x1b[K{progress}");
            });
        }
        if self.no_read_back {
            copy = copy.without_read_back();
        }
        let copied = runtime()?.block_on(copy.run());
        if terminal {
            output::message("");
        }
        let copied = copied?;
        if self.output == Plain::Json {
            output::json(&copied)?;
            return Ok(Done);
        }
        let files = copied.files.iter();
        let mut lines: Vec<String> = files
            .map(|file| format!("{}  {:>12}  {}", file.sha256, file.bytes, file.path))
            .collect();
        let how = if copied.already_there { "is already complete" } else { "is complete" };
        let (version, bytes) = (copied.version, copied.bytes);
        lines.push(format!("version {version} {how}: {bytes} bytes in {}", copied.to));
        output::print(&lines.join("\n"))?;
        Ok(Done)
    }
}
