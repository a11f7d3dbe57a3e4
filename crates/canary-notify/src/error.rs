//! Settings that cannot be used.

/// `Result` with the [`enum@Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A setting that cannot be used. No text of it holds an address, a token or the value of a header.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of a webhook is not one.
    #[error("the webhook's address {reason}")]
    Address {
        /// The mistake.
        reason: &'static str,
    },
    /// An environment variable is not set, or its value is not Unicode.
    #[error("the environment variable {name} is not set, or not text")]
    Environment {
        /// The variable.
        name: String,
    },
    /// A file with a secret cannot be read.
    #[error("cannot read the file {file}")]
    File {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A header has a name or a value that HTTP does not allow.
    #[error("the header {name:?} has {part} that HTTP does not allow")]
    Header {
        /// The name as it was given.
        name: String,
        /// `a name` or `a value`.
        part: &'static str,
    },
    /// Credentials would be sent without encryption.
    #[error(
        "the webhook at {host} gets credentials, and http:// does not encrypt them; use https://, or allow cleartext where \
         the network itself is encrypted"
    )]
    Cleartext {
        /// The host of the webhook.
        host: String,
    },
    /// The client of HTTP cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] canary_http::Error),
    /// There is no tokio runtime to send in.
    #[error("a notifier must be made inside a tokio runtime")]
    NoRuntime,
}
