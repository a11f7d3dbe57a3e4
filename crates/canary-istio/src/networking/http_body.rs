//! The body of a direct response.

use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use super::oneof;

/// The body of a direct response, as text or as bytes.
///
/// Istio's [`HTTPBody`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPBody).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HttpBodyWire", into = "HttpBodyWire")]
pub enum HttpBody {
    /// `string`: this text.
    String(String),
    /// `bytes`: these bytes, written as Base64.
    Bytes(Vec<u8>),
    /// `{}`: neither is given.
    #[default]
    Unset,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct HttpBodyWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<ByteString>,
}

impl TryFrom<HttpBodyWire> for HttpBody {
    type Error = String;

    fn try_from(wire: HttpBodyWire) -> Result<Self, String> {
        let given = oneof::at_most_one([
            ("string", wire.string.map(Self::String)),
            ("bytes", wire.bytes.map(|bytes| Self::Bytes(bytes.0))),
        ])?;
        Ok(given.unwrap_or(Self::Unset))
    }
}

impl From<HttpBody> for HttpBodyWire {
    fn from(body: HttpBody) -> Self {
        let mut wire = Self::default();
        match body {
            HttpBody::String(text) => wire.string = Some(text),
            HttpBody::Bytes(bytes) => wire.bytes = Some(ByteString(bytes)),
            HttpBody::Unset => {}
        }
        wire
    }
}
