//! Cross-origin requests: the responses and headers of Envoy's CORS filter.

use super::{expressions::Expressions, request::RequestView, text::Text};
use crate::networking::{CorsPolicy, UnmatchedPreflights};

/// A compiled `corsPolicy`.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    origins: Box<[Text]>,
    methods: Box<str>,
    headers: Box<str>,
    expose: Box<str>,
    max_age: Option<Box<str>>,
    credentials: bool,
    forward_unmatched: bool,
}

/// The action of the filter on a request.
pub(super) enum CorsAction {
    /// It answers the preflight itself, with these headers and status 200.
    Answer(Vec<(&'static str, String)>),
    /// The request continues; these headers are set on the response.
    Pass(Vec<(&'static str, String)>),
}

impl Cors {
    /// Compiles a policy; an error names the field and says what is wrong.
    pub(super) fn new(
        written: &CorsPolicy,
        expressions: &mut Expressions,
    ) -> Result<Self, (String, String)> {
        let origins = match (&written.allow_origins, &written.allow_origin) {
            (Some(origins), _) if !origins.is_empty() => origins
                .iter()
                .enumerate()
                .map(|(index, origin)| {
                    Text::new(origin, expressions).map_err(|reason| {
                        (format!("corsPolicy.allowOrigins[{index}].regex"), reason)
                    })
                })
                .collect::<Result<_, _>>()?,
            (_, Some(origins)) => {
                origins.iter().map(|origin| Text::Exact(origin.as_str().into())).collect()
            }
            _ => Box::default(),
        };
        let list = |values: &Option<Vec<String>>| -> Box<str> {
            values.as_deref().unwrap_or_default().join(",").into()
        };
        Ok(Self {
            origins,
            methods: list(&written.allow_methods),
            headers: list(&written.allow_headers),
            expose: list(&written.expose_headers),
            max_age: written
                .max_age
                .as_ref()
                .and_then(crate::networking::Duration::as_std)
                .map(|time| time.as_secs().to_string().into()),
            credentials: written.allow_credentials.unwrap_or(false),
            forward_unmatched: written.unmatched_preflights != Some(UnmatchedPreflights::Ignore),
        })
    }

    /// The action on a request with an `Origin` header; `None` when the filter leaves it alone.
    pub(super) fn judge<R: RequestView>(&self, request: &R) -> Option<CorsAction> {
        let origin = request.header("origin").filter(|origin| !origin.is_empty())?;
        // A pattern that matches a star matches every origin.
        let allowed =
            self.origins.iter().any(|wanted| wanted.matches("*") || wanted.matches(&origin));
        let preflight = request.method() == "OPTIONS"
            && request
                .header("access-control-request-method")
                .is_some_and(|method| !method.is_empty());
        if !allowed && (!preflight || self.forward_unmatched) {
            return None;
        }
        let mut headers = Vec::new();
        if allowed {
            headers.push(("access-control-allow-origin", origin.into_owned()));
        }
        if self.credentials {
            headers.push(("access-control-allow-credentials", "true".to_owned()));
        }
        let list = |headers: &mut Vec<(&'static str, String)>, name, value: &str| {
            if !value.is_empty() {
                headers.push((name, value.to_owned()));
            }
        };
        if preflight {
            // A star stands for whatever the browser asks for.
            let asked = |name| request.header(name).unwrap_or_default().into_owned();
            if &*self.methods == "*" {
                let methods = asked("access-control-request-method");
                headers.push(("access-control-allow-methods", methods));
            } else {
                list(&mut headers, "access-control-allow-methods", &self.methods);
            }
            if &*self.headers == "*" {
                let names = asked("access-control-request-headers");
                headers.push(("access-control-allow-headers", names));
            } else {
                list(&mut headers, "access-control-allow-headers", &self.headers);
            }
            let max_age = self.max_age.as_deref().unwrap_or_default();
            list(&mut headers, "access-control-max-age", max_age);
        }
        if !allowed {
            // A browser refuses a response that does not name the origin.
            return Some(CorsAction::Answer(headers));
        }
        // The filter sets this one on every answer that passes it, its own included.
        list(&mut headers, "access-control-expose-headers", &self.expose);
        Some(if preflight { CorsAction::Answer(headers) } else { CorsAction::Pass(headers) })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::request::Request, *};
    use crate::networking::StringMatch;

    fn policy(unmatched: Option<UnmatchedPreflights>) -> Cors {
        let written = CorsPolicy {
            allow_origins: Some(vec![StringMatch::Exact("https://a.example".to_owned())]),
            allow_methods: Some(vec!["GET".to_owned(), "POST".to_owned()]),
            expose_headers: Some(vec!["x-model".to_owned()]),
            max_age: Some("24h".parse().unwrap()),
            unmatched_preflights: unmatched,
            ..CorsPolicy::default()
        };
        Cors::new(&written, &mut Expressions::default()).unwrap()
    }

    fn preflight(origin: &str) -> Request {
        Request::new("OPTIONS", "http://b.example/")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    }

    #[test]
    fn a_preflight_of_an_allowed_origin_is_answered() {
        let Some(CorsAction::Answer(headers)) = policy(None).judge(&preflight("https://a.example"))
        else {
            panic!("not answered");
        };
        assert_eq!(
            headers,
            [
                ("access-control-allow-origin", "https://a.example".to_owned()),
                ("access-control-allow-methods", "GET,POST".to_owned()),
                ("access-control-max-age", "86400".to_owned()),
                ("access-control-expose-headers", "x-model".to_owned()),
            ]
        );
    }

    #[test]
    fn what_fits_a_star_fits_every_origin() {
        for origins in [
            CorsPolicy { allow_origin: Some(vec!["*".to_owned()]), ..CorsPolicy::default() },
            CorsPolicy {
                allow_origins: Some(vec![StringMatch::exact("*")]),
                ..CorsPolicy::default()
            },
        ] {
            let cors = Cors::new(&origins, &mut Expressions::default()).unwrap();
            let request = Request::get("http://b.example/").header("origin", "null");
            assert!(matches!(cors.judge(&request), Some(CorsAction::Pass(_))));
        }
    }

    #[test]
    fn a_star_allows_the_methods_and_headers_that_are_asked_for() {
        let star = Some(vec!["*".to_owned()]);
        let written = CorsPolicy {
            allow_origins: Some(vec![StringMatch::exact("*")]),
            allow_methods: star.clone(),
            allow_headers: star,
            ..CorsPolicy::default()
        };
        let cors = Cors::new(&written, &mut Expressions::default()).unwrap();
        let request =
            preflight("https://a.example").header("access-control-request-headers", "x-a");
        let Some(CorsAction::Answer(headers)) = cors.judge(&request) else {
            panic!("not answered");
        };
        let find = |wanted: &str| headers.iter().find(|(name, _)| *name == wanted);
        assert_eq!(find("access-control-allow-methods").map(|one| one.1.as_str()), Some("POST"));
        assert_eq!(find("access-control-allow-headers").map(|one| one.1.as_str()), Some("x-a"));
    }

    #[test]
    fn others_pass_unless_told_otherwise() {
        assert!(policy(None).judge(&preflight("https://c.example")).is_none());
        let ignored = policy(Some(UnmatchedPreflights::Ignore));
        assert!(matches!(
            ignored.judge(&preflight("https://c.example")),
            Some(CorsAction::Answer(headers))
                if headers.iter().all(|(name, _)| *name != "access-control-allow-origin")
        ));
        let request = Request::get("http://b.example/").header("origin", "https://a.example");
        assert!(matches!(
            policy(None).judge(&request),
            Some(CorsAction::Pass(headers)) if headers.len() == 2
        ));
        assert!(policy(None).judge(&Request::get("http://b.example/")).is_none());
    }
}
