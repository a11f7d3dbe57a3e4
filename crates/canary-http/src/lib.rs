#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cleartext;
mod client;
mod error;
mod message;
mod pieces;
mod proxy;
mod secrets;
mod settings;
mod text;
#[cfg(feature = "tls")]
mod tls;

pub use cleartext::{credential_in, is_cleartext, is_loopback};
pub use client::Client;
pub use error::{BoxError, ConnectFailure, Error, Phase, TlsFailure, causes, root_cause};
pub use message::{Limits, MAX_TIMEOUT, Request, Response, milliseconds};
pub use proxy::Proxy;
pub use secrets::{Secrets, is_credential};
pub use settings::Settings;
pub use text::server_text;
#[cfg(feature = "tls")]
pub use tls::Tls;
