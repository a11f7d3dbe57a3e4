//! Sessions that stay with one backend.

use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// Requests of one session go to the same backend. Experimental channel only; Istio ignores it.
///
/// The Gateway API's [`SessionPersistence`](https://gateway-api.sigs.k8s.io/reference/spec/#sessionpersistence).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionPersistence {
    /// The name of the cookie or header, 128 bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The time after which a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute_timeout: Option<Duration>,
    /// The place of the session in a request. Default: `Cookie`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub session_type: Option<SessionType>,
    /// Settings of the cookie; with `Cookie` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie_config: Option<CookieConfig>,
}

/// The place of a session in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SessionType {
    /// A cookie.
    #[default]
    Cookie,
    /// A header.
    Header,
}

/// Settings of a session's cookie.
///
/// The Gateway API's `CookieConfig`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CookieConfig {
    /// The life of the cookie. Default: `Session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_type: Option<CookieLifetime>,
}

/// The life of a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CookieLifetime {
    /// Until the time of `absolute_timeout`, which is then required.
    Permanent,
    /// Until the browser closes.
    #[default]
    Session,
}
