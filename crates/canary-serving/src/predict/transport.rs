//! The connections to one server.

use std::fmt;

use canary_http::{Client as Http, Settings};

#[cfg(feature = "grpc")]
use super::grpc::Grpc;
use super::{
    address::{Address, Scheme},
    failure,
};
use crate::error::Result;
#[cfg(not(feature = "grpc"))]
use crate::error::{Origin, PredictError};

/// The connections, by the protocol of the server's address.
#[derive(Clone)]
pub(crate) enum Transport {
    Rest(Http),
    #[cfg(feature = "grpc")]
    Grpc(std::sync::Arc<Grpc>),
}

impl Transport {
    /// No connection is opened yet.
    pub(crate) fn new(address: &Address, settings: &Settings) -> Result<Self> {
        match address.scheme {
            Scheme::Http | Scheme::Https => Http::new(settings)
                .map(Self::Rest)
                .map_err(|error| failure::of_network(&address.text(), error).error.into()),
            #[cfg(feature = "grpc")]
            Scheme::Grpc | Scheme::Grpcs => Grpc::new(address, settings)
                .map(|grpc| Self::Grpc(grpc.into()))
                .map_err(|error| failure::of_network(&address.text(), error).error.into()),
            #[cfg(not(feature = "grpc"))]
            Scheme::Grpc | Scheme::Grpcs => {
                let message = "this build does not speak gRPC";
                let mut error = PredictError::new(Origin::Request, address.text(), message);
                "switch on the feature `grpc` of canary-core".clone_into(&mut error.help);
                Err(error.into())
            }
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
