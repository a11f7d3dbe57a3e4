//! The actions of an HTTP rule on a request besides choosing its destination.

use super::{
    destination, duration, header,
    percentage::{check_fault_share, check_mirror_share},
    re2,
    sink::Sink,
    string_match,
};
use crate::networking::{
    Abort, CorsPolicy, Delay, ErrorType, Headers, HttpBody, HttpDelayType, HttpDirectResponse,
    HttpFaultInjection, HttpRedirect, HttpRetry, HttpRewrite, HttpRoute, RedirectPort, StringMatch,
};
use crate::path::Path;

/// Checks everything except the match and the destinations.
pub(super) fn check(route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(policy) = &route.cors_policy {
        check_cors(policy, &path.field("corsPolicy"), sink);
    }
    if let Some(fault) = &route.fault {
        check_fault(fault, &path.field("fault"), sink);
    }
    check_mirrors(route, path, sink);
    if let Some(redirect) = &route.redirect {
        check_redirect(redirect, route, &path.field("redirect"), sink);
    }
    if let Some(response) = &route.direct_response {
        check_direct_response(response, &path.field("directResponse"), sink);
    }
    if let Some(retries) = &route.retries {
        check_retries(retries, route, &path.field("retries"), sink);
    }
    if let Some(rewrite) = &route.rewrite {
        check_rewrite(rewrite, route, &path.field("rewrite"), sink);
    }
    check_authority(route.rewrite.as_ref(), route.headers.as_ref(), path, sink);
}

fn check_cors(policy: &CorsPolicy, path: &Path<'_>, sink: &mut Sink<'_>) {
    let origins = path.field("allowOrigins");
    for (index, origin) in policy.allow_origins.iter().flatten().enumerate() {
        let place = origins.index(index);
        match origin {
            StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Regex(text)
                if !text.is_empty() =>
            {
                if matches!(origin, StringMatch::Regex(_)) {
                    string_match::check_regex(text, &place.field("regex"), sink);
                }
            }
            _ => sink
                .error(
                    "V065",
                    &place,
                    "an allowed origin must be a non-empty exact, prefix or regex match",
                )
                .found(origin)
                .help("write `exact: https://example.com`"),
        }
    }
    let methods = path.field("allowMethods");
    for (index, method) in policy.allow_methods.iter().flatten().enumerate() {
        if !CORS_METHODS.contains(&method.as_str()) {
            sink.error("V065", &methods.index(index), "not a method that CORS can allow")
                .found(method)
                .help(format!("use one of {}", CORS_METHODS.join(", ")));
        }
    }
    for (field, list) in
        [("allowHeaders", &policy.allow_headers), ("exposeHeaders", &policy.expose_headers)]
    {
        let place = path.field(field);
        for (index, name) in list.iter().flatten().enumerate() {
            header::check_cors_name(name, &place.index(index), sink);
        }
    }
    let max_age = path.field("maxAge");
    duration::check(policy.max_age.as_ref(), &max_age, sink);
    if let Some(age) = &policy.max_age
        && age.nanos() > 0
        && age.nanos() % 1_000_000_000 != 0
    {
        sink.error("V065", &max_age, "maxAge must be a whole number of seconds").found(age);
    }
}

/// The methods that a CORS policy can allow.
const CORS_METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];

fn check_fault(fault: &HttpFaultInjection, path: &Path<'_>, sink: &mut Sink<'_>) {
    if fault.abort.is_none() && fault.delay.is_none() {
        sink.error("V066", path, "a fault needs a delay, an abort or both");
    }
    if let Some(abort) = &fault.abort {
        check_abort(abort, &path.field("abort"), sink);
    }
    if let Some(delay) = &fault.delay {
        check_delay(delay, &path.field("delay"), sink);
    }
}

fn check_abort(abort: &Abort, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_fault_share(abort.percentage.as_ref(), &path.field("percentage"), sink);
    match &abort.error_type {
        Some(ErrorType::GrpcStatus(status)) if !GRPC_STATUS.contains(&status.as_str()) => sink
            .error("V066", &path.field("grpcStatus"), "not the name of a gRPC status")
            .found(status)
            .help("use an upper-case name such as `UNAVAILABLE`"),
        Some(ErrorType::Http2Error(error)) => {
            sink.error("V066", &path.field("http2Error"), "Istio does not support http2Error")
                .found(error)
                .help("use `httpStatus` or `grpcStatus`");
        }
        Some(ErrorType::HttpStatus(status)) => {
            check_status((*status).into(), "V066", &path.field("httpStatus"), sink);
        }
        Some(ErrorType::GrpcStatus(_)) => {}
        // Istio computes this warning and drops it.
        None => sink
            .warning("C003", path, "an abort without an error type is ignored")
            .help("give `httpStatus` or `grpcStatus`"),
    }
    if abort.percentage.is_none() && abort.error_type.is_some() {
        sink.warning("C011", path, "an abort without `percentage` meets no request")
            .help("write `percentage: {value: 100}` to meet every one");
    }
}

fn check_delay(delay: &Delay, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_fault_share(delay.percentage.as_ref(), &path.field("percentage"), sink);
    match &delay.http_delay_type {
        Some(HttpDelayType::FixedDelay(fixed)) => {
            duration::check(Some(fixed), &path.field("fixedDelay"), sink);
        }
        Some(HttpDelayType::ExponentialDelay(mean)) => {
            let place = path.field("exponentialDelay");
            duration::check(Some(mean), &place, sink);
            sink.error("V066", &place, "Istio does not support exponentialDelay")
                .help("use `fixedDelay`");
        }
        None => sink
            .warning("C016", path, "a delay without `fixedDelay` is ignored")
            .help("give `fixedDelay`"),
    }
    if delay.percentage.is_none()
        && delay.percent.unwrap_or(0) <= 0
        && delay.http_delay_type.is_some()
    {
        sink.warning("C011", path, "a delay without `percentage` meets no request")
            .help("write `percentage: {value: 100}` to meet every one");
    }
}

fn check_status(status: i64, code: &'static str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if !(200..=600).contains(&status) {
        sink.error(code, path, "an HTTP status must be in 200..599").found(status);
    }
}

/// The names of gRPC's status codes, by number (`google/rpc/code.proto`).
const GRPC_STATUS: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn check_mirrors(route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(percent) = route.mirror_percent {
        let place = path.field("mirrorPercent");
        if percent > 100 {
            sink.error("V067", &place, "mirrorPercent must be 100 or less").found(percent);
        }
        sink.warning("V067", &place, "mirrorPercent is deprecated")
            .help("use `mirrorPercentage: {value: …}`");
    }
    check_mirror_share(route.mirror_percentage.as_ref(), &path.field("mirrorPercentage"), sink);
    if let Some(mirror) = &route.mirror {
        destination::check(mirror, &path.field("mirror"), sink);
    }
    let list = path.field("mirrors");
    for (index, mirror) in route.mirrors.iter().flatten().enumerate() {
        let place = list.index(index);
        destination::check(&mirror.destination, &place.field("destination"), sink);
        check_mirror_share(mirror.percentage.as_ref(), &place.field("percentage"), sink);
    }
}

fn check_redirect(
    redirect: &HttpRedirect,
    route: &HttpRoute,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let code = redirect.redirect_code.unwrap_or(0);
    if given(&redirect.uri) && given(&redirect.prefix_rewrite) {
        sink.error("V068", path, "uri and prefixRewrite cannot be combined in one redirect")
            .help("keep one of them");
    } else if given(&redirect.prefix_rewrite)
        && route.matches.iter().flatten().any(|condition| {
            condition.uri.as_ref().is_some_and(|uri| !matches!(uri, StringMatch::Prefix(_)))
        })
    {
        sink.error(
            "V068",
            &path.field("prefixRewrite"),
            "prefixRewrite needs every uri match of the rule to be a prefix",
        )
        .help("match with `uri: {prefix: …}`, or use `uri`");
    } else if !given(&redirect.uri)
        && !given(&redirect.prefix_rewrite)
        && !given(&redirect.authority)
        && redirect.redirect_port.is_none()
        && !given(&redirect.scheme)
    {
        sink.error(
            "V068",
            path,
            "a redirect must change the uri, the authority, the port or the scheme",
        );
    } else if code != 0 && !(300..=399).contains(&code) {
        sink.error("V068", &path.field("redirectCode"), "a redirect code must be in 300..399")
            .found(code)
            .help("use 301, 302, 303, 307 or 308");
    } else if redirect
        .scheme
        .as_ref()
        .is_some_and(|scheme| !matches!(scheme.as_str(), "" | "http" | "https"))
    {
        sink.error(
            "V068",
            &path.field("scheme"),
            "the scheme of a redirect must be `http` or `https`",
        )
        .found(&redirect.scheme);
    } else if let Some(RedirectPort::Port(port)) = redirect.redirect_port
        && port > 0
    {
        duration::check_port(port, &path.field("port"), sink);
    }
    if (300..=399).contains(&code) && !matches!(code, 301 | 302 | 303 | 307 | 308) {
        sink.warning(
            "C013",
            &path.field("redirectCode"),
            "Envoy knows no such redirect, the rule will do nothing",
        )
        .found(code)
        .help("use 301, 302, 303, 307 or 308");
    }
}

const MEBIBYTE: usize = 1024 * 1024;

fn check_direct_response(response: &HttpDirectResponse, path: &Path<'_>, sink: &mut Sink<'_>) {
    let size = match &response.body {
        Some(HttpBody::String(text)) => text.len(),
        Some(HttpBody::Bytes(bytes)) => bytes.len(),
        Some(HttpBody::Unset) | None => 0,
    };
    let body = path.field("body");
    if matches!(&response.body, Some(HttpBody::Bytes(bytes)) if bytes.is_empty()) {
        sink.error("S014", &body.field("bytes"), "the API server takes no empty Base64")
            .help("leave the body out, or write `string: \"\"`");
    }
    if size > MEBIBYTE {
        sink.error("V069", &body, format!("the body has {size} bytes, must be 1 MiB or less"));
    } else if size > MEBIBYTE / 1024 * 100 {
        sink.warning(
            "V069",
            &body,
            format!("the body has {size} bytes, more than 100 KiB slow the control plane down"),
        );
    }
    // Istio reads the status as a signed number.
    check_status(response.status.cast_signed().into(), "V069", &path.field("status"), sink);
}

fn check_retries(retries: &HttpRetry, route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    let attempts = retries.attempts.unwrap_or(0);
    let retry_on = retries.retry_on.as_deref().unwrap_or_default();
    if attempts < 0 {
        sink.error("V070", &path.field("attempts"), "attempts must be 0 or more").found(attempts);
    }
    if attempts == 0 {
        if retries.per_try_timeout.is_some()
            || !retry_on.is_empty()
            || retries.retry_remote_localities.is_some()
        {
            sink.error(
                "V070",
                &path.field("attempts"),
                "retries are configured, but attempts is 0 or missing",
            )
            .help("set `attempts` above 0, or leave everything else out to switch retries off");
        } else if retries.attempts.is_none() {
            sink.warning("C012", path, "retries without `attempts` switch retries off")
                .help("set `attempts: 0` to say so, or a number above 0");
        }
    }
    duration::check(retries.per_try_timeout.as_ref(), &path.field("perTryTimeout"), sink);
    if !retry_on.is_empty() {
        for part in retry_on.split(',') {
            if !is_retry_condition(part) {
                let note = sink.error(
                    "V070",
                    &path.field("retryOn"),
                    format!("`{part}` is not a condition to retry on"),
                );
                let note = note.found(retry_on);
                if is_retry_condition(part.trim()) {
                    note.help("write the list without spaces");
                } else {
                    note.help(format!("use an HTTP status or one of {}", RETRY_ON.join(", ")));
                }
            }
        }
    }
    duration::check(retries.backoff.as_ref(), &path.field("backoff"), sink);
    if let (Some(each), Some(all)) = (&retries.per_try_timeout, &route.timeout)
        && each.nanos() > all.nanos()
        && all.nanos() > 0
    {
        sink.warning(
            "C005",
            &path.field("perTryTimeout"),
            "perTryTimeout is longer than the timeout of the rule, which ends every try",
        )
        .found(each)
        .help(format!("give at most {all}, or raise `timeout`"));
    }
}

fn is_retry_condition(part: &str) -> bool {
    // Go reads a signed number here.
    let number = part.parse::<i64>().unwrap_or(0);
    is_known_status(number) || RETRY_ON.contains(&part)
}

/// Returns true when Go's `net/http` has a name for the status.
fn is_known_status(status: i64) -> bool {
    matches!(status, 100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429 | 431 | 451
        | 500..=508 | 510 | 511)
}

/// The conditions that Envoy retries on, by name.
const RETRY_ON: &[&str] = &[
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

fn check_rewrite(rewrite: &HttpRewrite, route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    let uri = rewrite.uri.as_deref().unwrap_or_default();
    let authority = rewrite.authority.as_deref().unwrap_or_default();
    if !uri.is_empty() && rewrite.uri_regex_rewrite.is_some() {
        sink.error("V071", path, "uri and uriRegexRewrite cannot be combined in one rewrite")
            .help("keep one of them");
        return;
    }
    if uri.is_empty() && authority.is_empty() && rewrite.uri_regex_rewrite.is_none() {
        sink.error("V071", path, "a rewrite must give uri, uriRegexRewrite or authority");
        return;
    }
    if let Some(regex) = &rewrite.uri_regex_rewrite {
        let place = path.field("uriRegexRewrite");
        let pattern = regex.matches.as_deref().unwrap_or_default();
        let replacement = regex.rewrite.as_deref().unwrap_or_default();
        if pattern.is_empty() || replacement.is_empty() {
            sink.error("V071", &place, "uriRegexRewrite must give both match and rewrite");
        } else {
            string_match::check_regex(pattern, &place.field("match"), sink);
            check_groups(pattern, replacement, &place.field("rewrite"), sink);
        }
    }
    if uri.starts_with('/') && uri.ends_with('/') {
        for condition in route.matches.iter().flatten() {
            if let Some(StringMatch::Prefix(prefix)) = &condition.uri
                && prefix.len() > 1
                && !prefix.ends_with('/')
            {
                sink.warning(
                    "C015",
                    &path.field("uri"),
                    format!("a request to {prefix}/x becomes {uri}/x, with two slashes"),
                )
                .found(uri)
                .help(format!("match `{prefix}/` and, in a second match, `{prefix}`"));
            }
        }
    }
}

/// Warns of `\3` in a replacement when the pattern has fewer groups.
fn check_groups(pattern: &str, replacement: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if !replacement.contains('\\') {
        return;
    }
    let Some(groups) = re2::groups(pattern) else { return };
    let mut bytes = replacement.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            continue;
        }
        let message = match bytes.next() {
            Some(digit) if digit.is_ascii_digit() && usize::from(digit - b'0') > groups => {
                format!("`\\{}` names a group that the match does not have", char::from(digit))
            }
            Some(b'\\' | b'0'..=b'9') => continue,
            _ => {
                "a backslash must be followed by the number of a group or by a backslash".to_owned()
            }
        };
        sink.warning("C014", path, message)
            .found(replacement)
            .help(format!("the match has {groups} groups, `\\0` is all of it"));
        return;
    }
}

/// Checks that the host of the request is set in one place at most.
fn check_authority(
    rewrite: Option<&HttpRewrite>,
    headers: Option<&Headers>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let Some(request) = headers.and_then(|headers| headers.request.as_ref()) else { return };
    let set = request.set.iter().flatten().chain(request.add.iter().flatten());
    let mut current = rewrite.and_then(|rewrite| rewrite.authority.as_deref()).unwrap_or_default();
    for (_, value) in set.filter(|(name, _)| header::is_authority(name)) {
        if !current.is_empty() {
            sink.error(
                "V064",
                &path.field("headers"),
                format!("the host of the request is set twice, to `{current}` and to `{value}`"),
            )
            .help("set it in one place: `rewrite.authority`");
            return;
        }
        current = value;
    }
}
