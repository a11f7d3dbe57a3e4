//! The settings of a client, and the addresses of its calls.

use std::borrow::Cow;

use canary_http::{Settings, credential_in, is_cleartext, server_text};
use http::{HeaderMap, Uri};

use super::{
    address::{Address, ModelVersion, Scheme},
    attempts::Limits,
    prediction::Prediction,
    protocol::{self, Call, Encoding, Protocol},
    request::Form,
};
use crate::error::{Error, Origin, PredictError, Result};

/// The settings of a [`Client`](super::Client).
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: Address,
    pub(crate) protocol: Protocol,
    pub(crate) encoding: Encoding,
    /// The gRPC service of the Open Inference Protocol.
    pub(crate) service: Cow<'static, str>,
    pub(crate) model: String,
    pub(crate) version: ModelVersion,
    pub(crate) signature: String,
    /// The outputs to respond with; all when there is none.
    pub(crate) outputs: Vec<String>,
    /// The part of an answer that a rollout compares.
    pub(crate) prediction: Prediction,
    pub(crate) form: Form,
    pub(crate) headers: HeaderMap,
    pub(crate) subset_header: String,
    pub(crate) limits: Limits,
    pub(crate) http: Settings,
    pub(crate) max_answer_bytes: usize,
    pub(crate) doubles: bool,
    /// `true` when credentials may be sent by `http://` or `grpc://` to another machine.
    pub(crate) cleartext: bool,
    /// The first setting that is not valid; reported by the next call.
    pub(crate) problem: Option<String>,
}

impl Config {
    /// True when the server speaks gRPC.
    pub(crate) fn is_grpc(&self) -> bool {
        matches!(self.address.scheme, Scheme::Grpc | Scheme::Grpcs)
    }

    /// The subset that a response names.
    pub(crate) fn subset_of(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.subset_header.as_str())?;
        Some(server_text(&String::from_utf8_lossy(value.as_bytes())).into_owned())
    }

    /// The address of a call, as text for people and as URI.
    ///
    /// # Errors
    /// [`Error::Predict`] with [`Origin::Request`] when a setting cannot be used, or no model is named.
    pub(crate) fn target(&self, call: Call) -> Result<(String, Uri)> {
        let path = protocol::check(self).and_then(|()| protocol::of(self).path(self, call));
        let path = path.map_err(|unsupported| {
            let reason = unsupported.reason;
            let mut error = PredictError::new(Origin::Request, self.address.text(), reason);
            unsupported.help.clone_into(&mut error.help);
            Error::from(error)
        })?;
        let (url, uri) = self.at(&path)?;
        if self.model.is_empty() && call.is_of_model() {
            let mut error = PredictError::new(Origin::Request, url, "no model is named");
            "name one with `model`".clone_into(&mut error.help);
            return Err(error.into());
        }
        Ok((url, uri))
    }

    /// The address of a path on the server, as text for people and as URI.
    ///
    /// # Errors
    /// [`Error::Predict`] with [`Origin::Request`] when a setting cannot be used.
    pub(crate) fn at(&self, path: &str) -> Result<(String, Uri)> {
        let authority = &self.address.authority;
        let (shown, wire) = match self.address.scheme {
            Scheme::Http => ("http", "http"),
            Scheme::Https => ("https", "https"),
            Scheme::Grpc => ("grpc", "http"),
            Scheme::Grpcs => ("grpcs", "https"),
        };
        let url = format!("{shown}://{authority}{path}");
        let refuse = |message: &str, help: &str| {
            let mut error = PredictError::new(Origin::Request, url.clone(), message);
            help.clone_into(&mut error.help);
            Error::from(error)
        };
        if let Some(problem) = &self.problem {
            return Err(refuse(problem, ""));
        }
        let uri = Uri::builder().scheme(wire).authority(authority.as_str()).path_and_query(path);
        match uri.build() {
            Ok(uri) => match credential_in(&self.headers).filter(|_| is_cleartext(&uri)) {
                Some(name) if !self.cleartext => Err(refuse(
                    &format!(
                        "the header {name} holds credentials, and {shown}:// does not encrypt them"
                    ),
                    "use TLS, or allow_cleartext where the network itself is encrypted, as in a mesh",
                )),
                _ => Ok((url, uri)),
            },
            Err(_) => Err(refuse("this is not a valid URL", "")),
        }
    }
}
