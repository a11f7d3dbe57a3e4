//! The settings of a client, and the addresses of its calls.

use canary_http::{Settings, credential_in, is_cleartext, server_text};
use http::{HeaderMap, Method, Uri};

use super::{
    address::{Address, ModelVersion, Scheme, model_path},
    attempts::Limits,
    request::Form,
};
use crate::error::{Error, Origin, PredictError, Result};

/// The settings of a [`Client`](super::Client).
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: Address,
    pub(crate) model: String,
    pub(crate) version: ModelVersion,
    pub(crate) signature: String,
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

/// The methods of a model server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Predict,
    Classify,
    Regress,
    Metadata,
    Status,
}

impl Call {
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Predict | Self::Classify | Self::Regress => Method::POST,
            Self::Metadata | Self::Status => Method::GET,
        }
    }

    /// The end of the path of REST, after the model.
    fn suffix(self) -> &'static str {
        match self {
            Self::Predict => ":predict",
            Self::Classify => ":classify",
            Self::Regress => ":regress",
            Self::Metadata => "/metadata",
            Self::Status => "",
        }
    }

    /// The path of gRPC.
    fn procedure(self) -> &'static str {
        match self {
            Self::Predict => "/tensorflow.serving.PredictionService/Predict",
            Self::Classify => "/tensorflow.serving.PredictionService/Classify",
            Self::Regress => "/tensorflow.serving.PredictionService/Regress",
            Self::Metadata => "/tensorflow.serving.PredictionService/GetModelMetadata",
            Self::Status => "/tensorflow.serving.ModelService/GetModelStatus",
        }
    }
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
        let scheme = self.address.scheme;
        let authority = &self.address.authority;
        let path = if self.is_grpc() {
            call.procedure().to_owned()
        } else {
            let path = model_path(&self.address.prefix, &self.model, &self.version);
            path + call.suffix()
        };
        let (shown, wire) = match scheme {
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
        if self.model.is_empty() {
            return Err(refuse("no model is named", "name one with `model`"));
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
