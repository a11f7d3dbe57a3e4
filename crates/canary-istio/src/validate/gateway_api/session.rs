//! Session persistence, of the experimental channel.

use super::{limits, parents::experimental_only};
use crate::{
    gateway_api::{CookieLifetime, SessionPersistence, SessionType},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(session: Option<&SessionPersistence>, rule: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(session) = session else { return };
    let path = rule.field("sessionPersistence");
    if experimental_only(&path, "the field", sink) {
        return;
    }
    if let Some(name) = &session.session_name {
        limits::characters(name, 0..=128, &path.field("sessionName"), sink);
    }
    let Some(cookie) = session.cookie_config else { return };
    if cookie.lifetime_type == Some(CookieLifetime::Permanent) && session.absolute_timeout.is_none()
    {
        sink.error("G121", &path, "the cookie is permanent, and absoluteTimeout is missing")
            .help("add absoluteTimeout, or write lifetimeType Session");
    }
    if session.session_type.unwrap_or_default() != SessionType::Cookie {
        sink.error("G121", &path, "cookieConfig is given, and the type is not Cookie")
            .help("remove cookieConfig, or write type Cookie");
    }
}

/// Checks that rules differ in their names, which the experimental channel demands.
pub(super) fn rule_names<'n>(
    names: impl Iterator<Item = Option<&'n String>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    if sink.options.channel == crate::validate::Channel::Standard {
        return;
    }
    let mut seen = std::collections::HashSet::new();
    for (index, name) in names.enumerate() {
        let Some(name) = name else { continue };
        if !seen.insert(name) {
            sink.error("G104", &path.index(index).field("name"), "another rule has this name")
                .found(name)
                .help("give each rule a name of its own");
        }
    }
}
