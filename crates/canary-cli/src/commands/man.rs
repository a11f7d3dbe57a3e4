//! `canary man`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    commands::help,
    output,
    status::Status::{self, Done, Failed, Unusable},
};

/// Print the manual page, or write the pages of all subcommands into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary man > canary.1", "canary man --folder man1"],
    &[Done, Failed, Unusable],
    "",
))]
pub(crate) struct Man {
    /// Write canary.1, canary-validate.1 and so on into this folder, which is created.
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self) -> Result<Status> {
        let command = crate::command();
        if let Some(folder) = &self.folder {
            let cannot = || format!("cannot write into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(cannot)?;
            clap_mangen::generate_to(command, folder).with_context(cannot)?;
            return Ok(Done);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        output::print(&String::from_utf8(page)?)?;
        Ok(Done)
    }
}
