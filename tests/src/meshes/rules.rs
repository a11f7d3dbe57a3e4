//! Generated rules: what is done with a request.

use std::collections::BTreeMap;

use canary_core::istio::{
    Abort, CorsPolicy, Delay, Destination, ErrorType, HeaderOperations, Headers, HttpBody,
    HttpDelayType, HttpDirectResponse, HttpFaultInjection, HttpMirrorPolicy, HttpRedirect,
    HttpRetry, HttpRewrite, HttpRoute, HttpRouteDestination, Percent, RedirectPort,
    RedirectPortSelection, RegexRewrite, StringMatch, UnmatchedPreflights,
};

use super::{draw::Draw, matches};

/// A rule under a name of its own.
pub(super) fn rule(draw: &mut Draw, name: &str) -> HttpRoute {
    let mut rule = HttpRoute { name: Some(name.to_owned()), ..HttpRoute::default() };
    if !draw.once_in(4) {
        let mut count = 0;
        rule.matches = Some(draw.several(1, 3, |draw| {
            count += 1;
            matches::entry(draw, format!("m{count}"))
        }));
    }
    match draw.below(10) {
        0 => rule.redirect = Some(redirect(draw, &rule)),
        1 => rule.direct_response = Some(direct(draw)),
        _ => {
            rule.route = Some(targets(draw));
            rule.rewrite = draw.maybe(3, rewrite);
            rule.fault = draw.maybe(8, fault);
        }
    }
    rule.headers = draw.maybe(3, headers);
    if draw.once_in(6) {
        rule.mirror = Some(destination(draw));
        rule.mirror_percentage = draw.maybe(3, percent);
        rule.mirror_percent = draw.maybe(5, |draw| if draw.once_in(2) { 0 } else { 100 });
    } else if draw.once_in(8) {
        rule.mirrors = Some(draw.several(1, 2, |draw| HttpMirrorPolicy {
            destination: destination(draw),
            percentage: draw.maybe(2, percent),
        }));
    }
    rule.timeout =
        draw.maybe(5, |draw| draw.one(&["5s", "1m", "7.5s", "30000ms"]).parse().unwrap());
    rule.retries = draw.maybe(5, |draw| HttpRetry {
        attempts: draw.maybe(2, |draw| i32::try_from(draw.below(3)).unwrap()),
        per_try_timeout: draw.maybe(3, |_| "4s".parse().unwrap()),
        retry_on: draw
            .maybe(2, |draw| draw.one(&["5xx", "503", "connect-failure,429", "reset"]).to_owned()),
        ..HttpRetry::default()
    });
    rule.cors_policy = draw.maybe(4, cors);
    rule
}

/// All or nothing, so that what happens is certain.
fn percent(draw: &mut Draw) -> Percent {
    match draw.below(4) {
        0 => Percent { value: None },
        1 => Percent::new(0.0),
        _ => Percent::new(100.0),
    }
}

fn destination(draw: &mut Draw) -> Destination {
    let host = draw.one(&[
        "model",
        "model",
        "model",
        "other",
        "other",
        "other.default.svc.cluster.local",
        "model.shop.svc.cluster.local",
        "empty",
        "missing",
        "other.default",
        "alias",
        "away",
    ]);
    let mut destination = Destination::new(host);
    if let Some(subset) =
        draw.maybe(2, |draw| draw.one(&["v1", "v1", "v2", "v2", "gone", "crossed", "ghost", "all"]))
    {
        destination = destination.subset(subset);
    }
    let port = draw.maybe(2, |draw| match (host, draw.below(6)) {
        (_, 0) => 1,
        ("model", _) => 8501,
        ("model.shop.svc.cluster.local", _) => 9000,
        (_, 1..=2) => 8080,
        _ => 80,
    });
    port.map_or(destination.clone(), |port| destination.port(port))
}

fn targets(draw: &mut Draw) -> Vec<HttpRouteDestination> {
    let count = 1 + draw.below(3) * draw.below(2);
    let mut all: Vec<HttpRouteDestination> = (0..count)
        .map(|_| HttpRouteDestination {
            destination: destination(draw),
            weight: match draw.below(5) {
                0 => None,
                1 => Some(0),
                2 => Some(100),
                3 => Some(30),
                _ => Some(7),
            },
            headers: draw.maybe(4, headers),
        })
        .collect();
    if all.iter().all(|target| target.weight.unwrap_or(0) == 0) {
        all[0].weight = Some(1);
    }
    all
}

fn redirect(draw: &mut Draw, rule: &HttpRoute) -> HttpRedirect {
    let only_prefixes = rule
        .matches
        .iter()
        .flatten()
        .all(|entry| matches!(entry.uri, None | Some(StringMatch::Prefix(_))));
    let mut redirect = HttpRedirect {
        authority: draw
            .maybe(2, |draw| draw.one(&["new.example.com", "new.example.com:81"]).to_owned()),
        redirect_port: draw.maybe(3, |draw| match draw.below(4) {
            0 => RedirectPort::Port(443),
            1 => RedirectPort::Port(8443),
            2 => RedirectPort::Port(80),
            _ if draw.once_in(3) => {
                RedirectPort::DerivePort(RedirectPortSelection::FromProtocolDefault)
            }
            _ => RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort),
        }),
        scheme: draw.maybe(3, |draw| draw.one(&["http", "https"]).to_owned()),
        redirect_code: draw
            .maybe(2, |draw| [0, 301, 302, 303, 307, 308][usize::try_from(draw.below(6)).unwrap()]),
        ..HttpRedirect::default()
    };
    if only_prefixes && draw.once_in(3) {
        redirect.prefix_rewrite = Some(draw.one(&["/new", "/", "/new?z=1"]).to_owned());
    } else if redirect.authority.is_none() || draw.once_in(2) {
        redirect.uri = Some(draw.one(&["/new", "/new?z=1", "/", "new"]).to_owned());
    }
    redirect
}

fn direct(draw: &mut Draw) -> HttpDirectResponse {
    HttpDirectResponse {
        status: [200, 202, 404, 418, 503, 599][usize::try_from(draw.below(6)).unwrap()],
        body: draw.maybe(2, |draw| match draw.below(3) {
            0 => HttpBody::Bytes(vec![b'h', 0, 255]),
            1 => HttpBody::String(String::new()),
            _ => HttpBody::String("as told".to_owned()),
        }),
    }
}

fn rewrite(draw: &mut Draw) -> HttpRewrite {
    let mut rewrite = HttpRewrite {
        authority: draw
            .maybe(3, |draw| draw.one(&["rewritten.example.com", "rewritten:99"]).to_owned()),
        ..HttpRewrite::default()
    };
    match draw.below(5) {
        0 => {
            let (pattern, to) = [
                ("^/v1/(.*)$", "/v2/\\1"),
                ("o", "0"),
                ("^/([^/]+)", "/x-\\1\\0"),
                ("/+", "/"),
                ("(a)|(b)", "<\\1\\2>"),
                ("x*", "-"),
            ][usize::try_from(draw.below(6)).unwrap()];
            rewrite.uri_regex_rewrite = Some(RegexRewrite {
                matches: Some(pattern.to_owned()),
                rewrite: Some(to.to_owned()),
            });
        }
        1..=3 => {
            rewrite.uri = Some(draw.one(&["/", "/new", "/new/", "/new?z=1", "/n%20w"]).to_owned());
        }
        _ => {}
    }
    if rewrite == HttpRewrite::default() {
        rewrite.uri = Some("/rewritten".to_owned());
    }
    rewrite
}

fn headers(draw: &mut Draw) -> Headers {
    Headers {
        request: draw
            .maybe(2, |draw| operations(draw, &["x-user", "X-Group", "x-new", "x-other"], true)),
        response: draw
            .maybe(2, |draw| operations(draw, &["x-backend", "x-up", "X-New", "x-other"], false)),
    }
}

const VALUES: &[&str] = &[
    "v",
    "w",
    "100%%",
    "%REQ(x-user)%",
    "<%REQ(x-group)%>",
    "%REQ(X-ABSENT)%",
    "%PROTOCOL%",
    "",
    "a, b",
    "%REQ(x-absent?x-user)%",
];

fn operations(draw: &mut Draw, names: &[&str], request: bool) -> HeaderOperations {
    let map = |draw: &mut Draw| -> BTreeMap<String, String> {
        draw.several(1, 2, |draw| (draw.one(names).to_owned(), draw.one(VALUES).to_owned()))
            .into_iter()
            .collect()
    };
    let mut operations = HeaderOperations {
        set: draw.maybe(2, map),
        add: draw.maybe(2, map),
        remove: draw.maybe(2, |draw| draw.some_of(2, names)),
    };
    if request && draw.once_in(5) {
        let name = draw.one(&["host", "Host", ":authority"]);
        operations
            .set
            .get_or_insert_default()
            .insert(name.to_owned(), "set.example.com".to_owned());
    }
    if request && draw.once_in(8) {
        operations
            .add
            .get_or_insert_default()
            .insert("host".to_owned(), "added.example.com".to_owned());
    }
    operations
}

fn fault(draw: &mut Draw) -> HttpFaultInjection {
    let delay = draw.maybe(2, |draw| Delay {
        percent: draw.maybe(3, |draw| if draw.once_in(2) { 0 } else { 100 }),
        http_delay_type: draw.maybe(1, |draw| {
            let time = "0.002s".parse().unwrap();
            if draw.once_in(6) {
                HttpDelayType::ExponentialDelay(time)
            } else {
                HttpDelayType::FixedDelay(time)
            }
        }),
        percentage: draw.maybe(2, percent),
    });
    let abort = (delay.is_none() || draw.once_in(2)).then(|| Abort {
        error_type: Some(match draw.below(4) {
            0 => ErrorType::GrpcStatus(draw.one(&["UNAVAILABLE", "NOT_FOUND"]).to_owned()),
            1 => ErrorType::HttpStatus(200),
            _ => ErrorType::HttpStatus(503),
        }),
        percentage: draw.maybe(1, percent),
    });
    HttpFaultInjection { delay, abort }
}

fn cors(draw: &mut Draw) -> CorsPolicy {
    let origins = |draw: &mut Draw| {
        draw.several(1, 2, |draw| match draw.below(6) {
            0 => StringMatch::exact("*"),
            1 => StringMatch::prefix("https://b"),
            2 => StringMatch::regex("https://[a-z]\\.example"),
            3 => StringMatch::regex(".*"),
            _ => StringMatch::exact("https://a.example"),
        })
    };
    let old = draw.once_in(6);
    CorsPolicy {
        allow_origin: old.then(|| vec![draw.one(&["*", "https://a.example"]).to_owned()]),
        allow_origins: (!old).then(|| origins(draw)),
        allow_methods: draw.maybe(2, |draw| draw.some_of(2, &["GET", "POST", "PUT"])),
        allow_headers: draw.maybe(2, |draw| draw.some_of(2, &["x-user", "content-type"])),
        expose_headers: draw.maybe(2, |draw| draw.some_of(2, &["x-up", "x-backend"])),
        max_age: draw.maybe(2, |_| "24h".parse().unwrap()),
        allow_credentials: draw.maybe(3, |draw| draw.once_in(2)),
        unmatched_preflights: draw.maybe(2, |draw| {
            if draw.once_in(2) { UnmatchedPreflights::Ignore } else { UnmatchedPreflights::Forward }
        }),
    }
}
