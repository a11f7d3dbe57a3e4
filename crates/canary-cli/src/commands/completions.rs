//! `canary completions`.

use anyhow::Result;
use clap::ValueEnum;
use clap_complete::{Shell, generate};

use crate::{
    commands::help,
    output,
    status::Status::{self, Done, Unusable},
};

/// The shells whose completions are tested.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// Print the completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary completions bash > canary.bash", "canary completions fish > canary.fish"],
    &[Done, Unusable],
    "bash: source the file. zsh: save it as _canary in a folder of $fpath. fish: save it in ~/.config/fish/completions.",
))]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Of,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Status> {
        let shell = match self.shell {
            Of::Bash => Shell::Bash,
            Of::Zsh => Shell::Zsh,
            Of::Fish => Shell::Fish,
        };
        let mut text = Vec::new();
        generate(shell, &mut crate::command(), "canary", &mut text);
        output::print(&String::from_utf8(text)?)?;
        Ok(Done)
    }
}
