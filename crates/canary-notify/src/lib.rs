#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod error;
mod events;
mod notifier;
mod recipient;
mod secret;
mod send;
mod teller;
mod webhook;

pub use error::{Error, Result};
pub use notifier::Notifier;
pub use recipient::Problem;
pub use teller::{Recipients, Teller};
pub use webhook::Webhook;
