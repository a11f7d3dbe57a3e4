//! Rules, compiled as far as they can be without knowing the listener.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    address::Address,
    chance::{Chance, Fault},
    conditions::Conditions,
    cors::Cors,
    expressions::Expressions,
    headers::{Edits, authority},
    retries::Retries,
    rewrite::{PathRewrite, RedirectTo},
    rule_ref::RuleRef,
    source::HeaderNames,
    split::Split,
};
use crate::{
    Finding, Findings,
    networking::{
        HttpBody, HttpMatchRequest, HttpRedirect, HttpRoute, HttpRouteDestination, RouteDestination,
    },
};

/// The answer of a rule with `directResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DirectResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; written as text, with a mark for each byte that is none.
    #[serde(serialize_with = "text")]
    pub body: Vec<u8>,
}

fn text<S: serde::Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

/// The treatment of a request by a rule.
#[derive(Debug)]
pub(super) enum Action {
    Forward,
    Redirect(HttpRedirect),
    Direct(Arc<DirectResponse>),
}

/// One destination of a rule.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) edits: Edits,
    pub(super) authority: Option<Box<str>>,
}

/// A rule, compiled as far as it can be without knowing the listener.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) action: Action,
    pub(super) targets: Box<[Target]>,
    /// True when a single destination gets requests.
    pub(super) alone: bool,
    pub(super) split: Split,
    pub(super) mirrors: Box<[(Address, Chance)]>,
    pub(super) rewrite: PathRewrite,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: Retries,
    pub(super) fault: Fault,
    pub(super) cors: Option<Cors>,
    /// The rule's own edits, for responses that do not come from a destination.
    pub(super) edits: Edits,
    pub(super) place: Arc<RuleRef>,
    /// One for each entry of `match`; empty when the rule matches everything.
    pub(super) matches: Vec<(Conditions, Arc<RuleRef>)>,
}

/// A rule before it is compiled: its fields, its matches with where they stand, and the namespace of its hosts.
pub(super) struct Written<'w> {
    pub(super) http: HttpRoute,
    pub(super) place: RuleRef,
    pub(super) matches: Vec<(HttpMatchRequest, RuleRef)>,
    pub(super) namespace: &'w str,
    pub(super) object: &'w str,
    pub(super) path: String,
    /// Set for a rule of a route of the Gateway API.
    pub(super) route: Option<OfRoute>,
}

/// The parts of a rule of the Gateway API that Istio's own rules cannot hold.
pub(super) struct OfRoute {
    /// The destinations, in the order of the rule.
    pub(super) backends: Vec<Address>,
    /// The field of a match with the condition on the path.
    pub(super) uri_field: &'static str,
    /// The place of the reference to a parent with a port, for rules with a condition on the port.
    pub(super) port_field: Option<String>,
}

impl OfRoute {
    /// The field of a route's match for the field of a match of a VirtualService.
    fn field(&self, written: &str) -> String {
        let (name, rest) = written.split_once('.').unwrap_or((written, ""));
        let name = if name == "uri" { self.uri_field } else { name };
        if rest == "regex" { format!("{name}.value") } else { name.to_owned() }
    }
}

/// Collects the faults of one rule.
struct RuleFindings<'b> {
    findings: &'b mut Findings,
    object: &'b str,
    path: &'b str,
}

impl RuleFindings<'_> {
    fn push(&mut self, code: &str, field: &str, message: impl Into<String>, help: &str) {
        let path = format!("{}.{field}", self.path);
        self.findings.push(Finding::error(code, path, message).object(self.object).help(help));
    }
}

/// Compiles rules, which share header names and regular expressions.
pub(super) struct RuleCompiler<'c> {
    pub(super) domain: &'c str,
    default_retries: Retries,
    names: HeaderNames,
    expressions: Expressions,
    pub(super) findings: Findings,
}

impl<'c> RuleCompiler<'c> {
    pub(super) fn new(domain: &'c str, default_retries: Retries) -> Self {
        Self {
            domain,
            default_retries,
            names: HeaderNames::default(),
            expressions: Expressions::default(),
            findings: Findings::default(),
        }
    }

    /// Compiles a rule; `None` when something is wrong with it, which is then among the findings.
    pub(super) fn compile(&mut self, written: Written<'_>) -> Option<Arc<Rule>> {
        let Written { http, place, matches, namespace, object, path, route } = written;
        let before = self.findings.len();
        let mut broken = RuleFindings { findings: &mut self.findings, object, path: &path };
        let targets = http.route.as_deref().unwrap_or_default();
        let split = split(targets.iter().map(|target| target.weight), &mut broken);
        let rewrite =
            http.rewrite.as_ref().map(|written| PathRewrite::new(written, &mut self.expressions));
        let rewrite = rewrite.transpose().unwrap_or_else(|(field, reason)| {
            broken.push("V071", field, reason, "write RE2 syntax, groups as \\1");
            None
        });
        let cors = http.cors_policy.as_ref().map(|policy| Cors::new(policy, &mut self.expressions));
        let cors = cors.transpose().unwrap_or_else(|(field, reason)| {
            broken.push("V065", &field, reason, "write RE2 syntax");
            None
        });
        let action = action(&http, &mut broken);
        let mut matches = self.matches(matches, namespace, route.as_ref());
        if self.findings.len() > before {
            return None;
        }
        if let Some(route) = &route {
            for (conditions, _) in &mut matches {
                conditions.become_route(route.uri_field, route.port_field.as_deref());
            }
        }
        // Of a route's backends Istio drops those without weight.
        let alone = if route.is_some() { live(targets) } else { targets.len() } == 1;
        let backends = route.as_ref().map(|route| route.backends.as_slice());
        let retries = match &http.retries {
            None => self.default_retries.clone(),
            written => Retries::of(written.as_ref()),
        };
        // Envoy's CORS filter ignores routes that Envoy answers itself.
        let cors = cors.filter(|_| matches!(action, Action::Forward));
        Some(Arc::new(Rule {
            action,
            targets: compile_targets(&http, backends, alone, namespace, self.domain),
            alone,
            split,
            mirrors: mirrors(&http, namespace, self.domain),
            rewrite: rewrite.unwrap_or_default(),
            timeout: http
                .timeout
                .as_ref()
                .and_then(crate::networking::Duration::as_std)
                .filter(|time| !time.is_zero()),
            retries,
            fault: http.fault.as_ref().map(Fault::new).unwrap_or_default(),
            cors,
            edits: Edits::new(http.headers.as_ref(), None, true),
            place: Arc::new(place),
            matches,
        }))
    }

    /// Compiles a rule for connections, of TLS or of TCP; `None` when it has no destination, in which case Istio passes
    /// it over, or when something is wrong with it.
    pub(super) fn connection(
        &mut self,
        route: &[RouteDestination],
        place: RuleRef,
        namespace: &str,
        object: &str,
        path: &str,
    ) -> Option<Arc<Rule>> {
        let before = self.findings.len();
        let mut broken = RuleFindings { findings: &mut self.findings, object, path };
        let split = split(route.iter().map(|target| target.weight), &mut broken);
        if route.is_empty() || self.findings.len() > before {
            return None;
        }
        let target = |target: &RouteDestination| Target {
            address: Address::new(&target.destination, namespace, self.domain),
            edits: Edits::new(None, None, true),
            authority: None,
        };
        Some(Arc::new(Rule {
            action: Action::Forward,
            targets: route.iter().map(target).collect(),
            alone: route.len() == 1,
            split,
            mirrors: Box::default(),
            rewrite: PathRewrite::default(),
            timeout: None,
            retries: Retries::none(),
            fault: Fault::default(),
            cors: None,
            edits: Edits::new(None, None, true),
            place: Arc::new(place),
            matches: Vec::new(),
        }))
    }

    fn matches(
        &mut self,
        matches: Vec<(HttpMatchRequest, RuleRef)>,
        namespace: &str,
        route: Option<&OfRoute>,
    ) -> Vec<(Conditions, Arc<RuleRef>)> {
        let mut compiled = Vec::with_capacity(matches.len());
        for (written, place) in matches {
            match Conditions::new(&written, namespace, &mut self.names, &mut self.expressions) {
                Ok(conditions) => compiled.push((conditions, Arc::new(place))),
                Err(broken) => {
                    let of_delegate = place
                        .delegate
                        .as_deref()
                        .filter(|inner| inner.contains(".match"))
                        .and_then(|inner| inner.rsplit_once(' '));
                    let (object, at) = of_delegate.unwrap_or((&place.object, &place.path));
                    for broken in broken {
                        let field = match route {
                            Some(route) => route.field(&broken.field),
                            None => broken.field,
                        };
                        let at = format!("{at}.{field}");
                        let finding = Finding::error(broken.code, at, broken.reason);
                        self.findings.push(finding.object(object).help(broken.help));
                    }
                }
            }
        }
        compiled
    }
}

/// The number of destinations that have a weight.
fn live(targets: &[HttpRouteDestination]) -> usize {
    targets.iter().filter(|target| target.weight.is_some_and(|weight| weight > 0)).count()
}

/// The weights of a rule; sums that Envoy refuses are reported.
fn split(written: impl Iterator<Item = Option<i32>>, broken: &mut RuleFindings<'_>) -> Split {
    let mut weights = Vec::new();
    for (index, weight) in written.enumerate() {
        let weight = weight.unwrap_or(0);
        weights.push(u32::try_from(weight).unwrap_or_else(|_| {
            let field = format!("route[{index}].weight");
            broken.push("V073", &field, format!("a weight is {weight}"), "give 0 or more");
            0
        }));
    }
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if weights.len() > 1 && total == 0 {
        let help = "give at least one destination a weight above 0";
        broken.push("V074", "route", "the weights of the destinations sum to 0", help);
    }
    if total > u64::from(u32::MAX) {
        let message = format!("the weights of the destinations sum to {total}");
        broken.push("C901", "route", message, "Envoy refuses sums above 4294967295");
    }
    Split::new(&weights)
}

/// The action of a rule; answers that Envoy does not have are reported.
fn action(http: &HttpRoute, broken: &mut RuleFindings<'_>) -> Action {
    if let Some(redirect) = &http.redirect {
        if RedirectTo::new(redirect, 80, false).is_none() {
            let code = redirect.redirect_code.unwrap_or_default();
            broken.push(
                "C903",
                "redirect.redirectCode",
                format!("status {code} is not the status of a redirect"),
                "Envoy has 301, 302, 303, 307 and 308",
            );
        }
        return Action::Redirect(redirect.clone());
    }
    let Some(direct) = &http.direct_response else {
        if http.route.as_deref().unwrap_or_default().is_empty() {
            let help = "add route, redirect or directResponse";
            broken.push("V059", "route", "the rule leads nowhere", help);
        }
        return Action::Forward;
    };
    let status = u16::try_from(direct.status).unwrap_or_else(|_| {
        let message = format!("status {} is not an HTTP status", direct.status);
        broken.push("V069", "directResponse.status", message, "give 200 to 599");
        0
    });
    let body = match &direct.body {
        Some(HttpBody::String(text)) => text.clone().into_bytes(),
        Some(HttpBody::Bytes(bytes)) => bytes.clone(),
        Some(HttpBody::Unset) | None => Vec::new(),
    };
    Action::Direct(Arc::new(DirectResponse { status, body }))
}

/// The destinations of a rule. The rule's own authority counts before a destination's.
/// `backends` are the destinations of a rule of the Gateway API, `alone` is true when one of them gets every request.
fn compile_targets(
    http: &HttpRoute,
    backends: Option<&[Address]>,
    alone: bool,
    namespace: &str,
    domain: &str,
) -> Box<[Target]> {
    let targets = http.route.as_deref().unwrap_or_default();
    let headers = http.headers.as_ref();
    let of_rule = http
        .rewrite
        .as_ref()
        .and_then(|rewrite| rewrite.authority.as_deref())
        .filter(|authority| !authority.is_empty())
        .or_else(|| authority(headers));
    targets
        .iter()
        .enumerate()
        .map(|(index, target)| Target {
            address: backends
                .and_then(|backends| backends.get(index).cloned())
                .unwrap_or_else(|| Address::new(&target.destination, namespace, domain)),
            edits: Edits::new(headers, target.headers.as_ref(), alone),
            authority: of_rule
                .or_else(|| authority(target.headers.as_ref()))
                .filter(|authority| !authority.is_empty())
                .map(Into::into),
        })
        .collect()
}

/// The mirrors that can receive anything. `mirrorPercentage` wins over `mirrorPercent`; both concern `mirror` alone.
fn mirrors(http: &HttpRoute, namespace: &str, domain: &str) -> Box<[(Address, Chance)]> {
    let single = http.mirror.iter().map(|destination| {
        let chance = match (&http.mirror_percentage, http.mirror_percent) {
            (Some(percentage), _) => Chance::percent(percentage),
            (None, Some(percent)) => Chance::whole_percent(percent),
            (None, None) => Chance::ALWAYS,
        };
        (destination, chance)
    });
    let several = http.mirrors.iter().flatten().map(|mirror| {
        let chance = mirror.percentage.as_ref().map_or(Chance::ALWAYS, Chance::percent);
        (&mirror.destination, chance)
    });
    single
        .chain(several)
        .filter(|(_, chance)| *chance > Chance::NEVER)
        .map(|(destination, chance)| (Address::new(destination, namespace, domain), chance))
        .collect()
}
