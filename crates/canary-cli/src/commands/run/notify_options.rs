//! The options of a run's notices.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

/// The recipients of a run's notices.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Notifications")]
pub(crate) struct NotifyOptions {
    /// Post a notice to this webhook when the run starts, writes a weight, waits for approval, is paused, resumed or
    /// suspended, alarms, scales the old version down, and ends (repeatable). `URL` receives CloudEvents, `slack:URL`
    /// receives Slack messages. Read a secret address from the environment (`env:NAME`) or from a file (`file:PATH`), which contain `URL` or
    /// `slack:URL`: `canary run plan.yaml --notify env:SLACK_WEBHOOK`. The run never waits for a webhook.
    #[arg(long, value_name = "WEBHOOK")]
    pub(crate) notify: Vec<Address>,
    /// A file with a bearer token for the webhooks that get CloudEvents, read again for every request.
    #[arg(long, value_name = "FILE", requires = "notify")]
    pub(crate) notify_token_file: Option<PathBuf>,
    /// Send the token, and Slack's messages, by `http://` to other machines too, where the network itself is encrypted.
    #[arg(long, requires = "notify")]
    pub(crate) notify_cleartext: bool,
    /// The address of a report or a dashboard that each notice links to.
    #[arg(long, value_name = "URL", requires = "notify")]
    pub(crate) notify_link: Option<String>,
    /// Write the same notices as Kubernetes Events on the VirtualService, where `kubectl describe` shows them.
    #[arg(long)]
    pub(crate) events: bool,
}

/// A webhook as it is written on the command line. It may be a secret, and is never shown.
#[derive(Clone)]
pub(crate) struct Address(pub(crate) String);

impl FromStr for Address {
    type Err = Infallible;

    /// Accepts every text, because an error of the command line would repeat it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}
