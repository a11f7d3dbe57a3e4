//! Copies a SavedModel between folders, `gs://` and `s3://`.

use std::io::Write as _;

use canary_core::serving::store::{CopyModel, Location};
use clap::Parser;

/// Copies a SavedModel, so that TensorFlow Serving never loads half of it.
///
/// The same command goes on after an interruption. Credentials are taken from the environment or the instance, as the
/// clouds' own tools take them there.
#[derive(Parser)]
#[command(after_help = "examples:
  copy_model gs://bucket/resnet_101/1 /models/image_classifier/2
  copy_model ./resnet_101/1 s3://bucket/image_classifier/2 --json")]
struct Arguments {
    /// The folder of one version: a path, `gs://bucket/path/1` or `s3://bucket/path/1`
    from: String,
    /// Where to; its last part is the version's number
    to: String,
    /// The number of files copied at once
    #[arg(long, default_value_t = 4)]
    concurrency: usize,
    /// Do not read back what was written
    #[arg(long)]
    no_read_back: bool,
    /// Print the files with their checksums as JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\ncopy_model: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                let _ = writeln!(std::io::stderr(), "  because: {error}");
                cause = error.source();
            }
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> canary_core::Result<()> {
    let from = Location::parse(&arguments.from)?;
    let to = Location::parse(&arguments.to)?;
    let mut copy =
        CopyModel::new(from, to).concurrency(arguments.concurrency).on_progress(|progress| {
            let _ = write!(std::io::stderr(), "\r\x1b[K{progress}");
        });
    if arguments.no_read_back {
        copy = copy.without_read_back();
    }
    let copied = copy.run().await?;
    let _ = writeln!(std::io::stderr());
    let text = if arguments.json {
        serde_json::to_string_pretty(&copied).unwrap_or_default()
    } else {
        let mut lines: Vec<String> = copied
            .files
            .iter()
            .map(|file| format!("{}  {:>12}  {}", file.sha256, file.bytes, file.path))
            .collect();
        let how = if copied.already_there { "was there already" } else { "is complete" };
        lines.push(format!(
            "version {} {how}: {} bytes in {}",
            copied.version, copied.bytes, copied.to
        ));
        lines.join("\n")
    };
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}
