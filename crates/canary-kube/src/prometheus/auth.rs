//! Credentials for Prometheus; they are never printed.

use std::{fmt, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;

/// The largest file that is read as a token or password.
const LARGEST: u64 = 64 << 10;

/// The credentials of a client of Prometheus, or of the proxy in front of it.
///
/// Client certificates are part of the TLS settings. No secret is ever printed:
///
/// ```
/// use canary_core::evidence::prometheus::Auth;
///
/// assert_eq!(format!("{:?}", Auth::bearer("hunter2")), "Auth(bearer token)");
/// assert_eq!(format!("{:?}", Auth::basic("me", "hunter2")), "Auth(password of me)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Auth(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Bearer(Secret),
    Basic(String, Secret),
}

#[derive(Clone, PartialEq, Eq)]
enum Secret {
    Text(String),
    File(PathBuf),
}

impl Auth {
    /// A bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self(Kind::Bearer(Secret::Text(token.into())))
    }

    /// A bearer token in a file. It is read for every request, because Kubernetes replaces the tokens of service
    /// accounts (`/var/run/secrets/kubernetes.io/serviceaccount/token`) every hour.
    pub fn bearer_file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Bearer(Secret::File(path.into())))
    }

    /// A name and a password.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Kind::Basic(user.into(), Secret::Text(password.into())))
    }

    /// A name, and a password in a file that is read for every request.
    pub fn basic_file(user: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self(Kind::Basic(user.into(), Secret::File(path.into())))
    }

    /// The value of the header `Authorization`; otherwise the problem with the credentials, without the credentials.
    pub(super) async fn header(&self) -> Result<HeaderValue, String> {
        let text = match &self.0 {
            Kind::Bearer(secret) => format!("Bearer {}", secret.read().await?),
            Kind::Basic(user, _) if user.contains(':') => {
                return Err("a user's name cannot hold a colon".to_owned());
            }
            Kind::Basic(user, secret) => {
                let pair = format!("{user}:{}", secret.read().await?);
                format!("Basic {}", STANDARD.encode(pair))
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "the token has characters that HTTP forbids".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Secret {
    async fn read(&self) -> Result<String, String> {
        let path = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::File(path) => path.clone(),
        };
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || {
            if std::fs::metadata(&path)?.len() > LARGEST {
                return Err(std::io::Error::other("it is too large for a token"));
            }
            std::fs::read_to_string(&path)
        });
        match read.await {
            Ok(Ok(text)) if text.trim().is_empty() => Err(format!("the file {shown} is empty")),
            Ok(Ok(text)) => Ok(text.trim().to_owned()),
            Ok(Err(cause)) => Err(format!("cannot read the file {shown}: {cause}")),
            Err(_) => Err(format!("cannot read the file {shown}")),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bearer(_) => f.write_str("Auth(bearer token)"),
            Kind::Basic(user, _) => write!(f, "Auth(password of {user})"),
        }
    }
}
