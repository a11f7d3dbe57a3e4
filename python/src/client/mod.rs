//! Clients of model servers.

mod class;
mod examples;
mod pem;
mod prediction;
mod read;
mod settings;
mod signatures;
mod tls;
mod version_state;
mod wait;

pub(crate) use class::Client;
pub(crate) use prediction::value as prediction_of;
