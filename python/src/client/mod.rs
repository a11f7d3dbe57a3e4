//! Clients of model servers.

mod class;
mod examples;
mod pem;
mod read;
mod settings;
mod signatures;
mod tls;
mod version_state;
mod wait;

pub(crate) use class::Client;
