//! The credentials of a connection to an API server, kept out of its errors.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use canary_http::Secrets;
use kube::config::AuthInfo;

/// The secrets with which a connection logs in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    secrets: Secrets,
    /// Kubernetes replaces the token in it every hour.
    token_file: Option<PathBuf>,
}

impl Credentials {
    /// The credentials of a user of a kubeconfig. The token of a credential plugin is known to kube alone.
    pub(crate) fn of(auth: &AuthInfo) -> Self {
        let fields = serde_json::to_value(auth).unwrap_or_default();
        let secrets = ["token", "password", "client-key-data"]
            .into_iter()
            .filter_map(|name| fields[name].as_str())
            .fold(Secrets::default(), Secrets::with);
        let user = fields["username"].as_str().zip(fields["password"].as_str());
        // As basic authentication sends them.
        let encoded = user.map(|(name, password)| STANDARD.encode(format!("{name}:{password}")));
        let secrets = encoded.into_iter().fold(secrets, Secrets::with);
        Self { secrets, token_file: auth.token_file.as_ref().map(PathBuf::from) }
    }

    /// Removes the credentials from the server's text in an error.
    pub(crate) fn redact(&self, error: kube::Error) -> kube::Error {
        let kube::Error::Api(mut status) = error else { return error };
        let token = self.token_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let secrets = match token {
            Some(token) => self.secrets.clone().with(token.trim()),
            None => self.secrets.clone(),
        };
        secrets.redact(&mut status.message);
        for cause in status.details.iter_mut().flat_map(|details| &mut details.causes) {
            secrets.redact(&mut cause.message);
            secrets.redact(&mut cause.field);
        }
        kube::Error::Api(status)
    }
}
