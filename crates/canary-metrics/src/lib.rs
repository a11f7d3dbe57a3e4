#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod families;
mod family;
mod measured;
mod metrics;
mod outcome;
mod record;
mod run;
mod server;
mod waiting;

pub use error::{Error, Result};
pub use family::{Family, Kind};
pub use measured::Measured;
pub use metrics::{Format, Metrics};
pub use run::RunMetrics;
pub use server::Server;
