//! CORS filters as Istio's own policies (`createCorsFilter` of `pilot/pkg/config/kube/gateway/conversion.go`).

use std::time::Duration;

use crate::{
    gateway_api::Cors,
    networking::{CorsPolicy, StringMatch, UnmatchedPreflights},
};

/// Origins of any scheme and host, as `*` stands for them.
const ANY_ORIGIN: &str = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$";

/// The policy of a filter. The proxy answers preflights of other origins, too.
pub(super) fn policy(filter: &Cors) -> CorsPolicy {
    let origins = filter.allow_origins.iter().flatten().filter(|origin| !origin.is_empty());
    let origins: Vec<StringMatch> = origins.map(|text| origin(text)).collect();
    let max_age = filter.max_age.and_then(|seconds| u64::try_from(seconds).ok());
    CorsPolicy {
        allow_origins: Some(origins).filter(|origins| !origins.is_empty()),
        allow_methods: filter.allow_methods.clone(),
        allow_headers: filter.allow_headers.clone(),
        expose_headers: filter.expose_headers.clone(),
        max_age: max_age
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds).into()),
        allow_credentials: filter.allow_credentials.filter(|allow| *allow),
        unmatched_preflights: Some(UnmatchedPreflights::Ignore),
        ..CorsPolicy::default()
    }
}

fn origin(text: &str) -> StringMatch {
    match (text, text.strip_suffix('*')) {
        ("*", _) => StringMatch::regex(ANY_ORIGIN),
        (_, Some(prefix)) if !prefix.contains('*') => StringMatch::prefix(prefix),
        _ if !text.contains('*') => StringMatch::exact(text),
        _ => StringMatch::regex(format!("^{}$", regex::escape(text).replace(r"\*", ".*"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert_eq!(origin("https://a.example"), StringMatch::exact("https://a.example"));
        assert_eq!(origin("https://a.*"), StringMatch::prefix("https://a."));
        assert_eq!(origin("https://*.example"), StringMatch::regex(r"^https://.*\.example$"));
        assert_eq!(origin("*"), StringMatch::regex(ANY_ORIGIN));
    }
}
