//! The decision about one request.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    chance::{Chance, FaultAbort, mirror_draw},
    clusters::{Cluster, Failure},
    cors::CorsAction,
    headers::HeaderEdit,
    mesh::Mesh,
    normalize::target,
    policy::EffectivePolicy,
    request::{Request, RequestView},
    retries::RetryPolicy,
    rewrite::Redirect,
    routes::Route,
    rule_ref::RuleRef,
    rules::{DirectResponse, Rule},
};

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Outcome {
    /// It is sent to a cluster.
    Forward(#[serde(serialize_with = "shared")] Arc<Cluster>),
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// The proxy answers with a fixed text.
    DirectResponse(#[serde(serialize_with = "shared")] Arc<DirectResponse>),
    /// A fault answers in place of the destination.
    Abort(FaultAbort),
    /// The proxy answers a CORS preflight itself with status 200 and these headers.
    Preflight(Vec<(&'static str, String)>),
    /// A sidecar passes it on to where the client was going: no service and no VirtualService is concerned.
    Passthrough,
    /// The proxy answers with an error of its own.
    Failure(Failure),
}

impl Outcome {
    /// The status that the proxy itself answers with; `None` when a destination answers.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Forward(_) | Self::Passthrough => None,
            Self::Redirect(redirect) => Some(redirect.status),
            Self::DirectResponse(direct) => Some(direct.status),
            Self::Abort(abort) => Some(abort.status),
            Self::Preflight(_) => Some(200),
            Self::Failure(failure) => Some(failure.kind.status()),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forward(cluster) => f.write_str(&cluster.name),
            Self::Redirect(redirect) => write!(f, "{} to {}", redirect.status, redirect.location),
            Self::DirectResponse(direct) => {
                write!(f, "{} with {} bytes", direct.status, direct.body.len())
            }
            Self::Abort(abort) => match &abort.grpc_status {
                Some(status) => write!(f, "fault: gRPC status {status}"),
                None => write!(f, "fault: {}", abort.status),
            },
            Self::Preflight(headers) => {
                write!(f, "200 to a CORS preflight, {} headers", headers.len())
            }
            Self::Passthrough => f.write_str("passed through"),
            Self::Failure(failure) => failure.fmt(f),
        }
    }
}

/// A destination and the exact share of requests it gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Share {
    /// The destination.
    #[serde(serialize_with = "shared")]
    pub cluster: Arc<Cluster>,
    /// Its weight among the destinations of the rule; 1 for a single one.
    pub weight: u64,
    /// The sum of all weights: the share is `weight / total`.
    pub total: u64,
}

impl Share {
    /// The share as a number from 0 to 1.
    #[allow(
        clippy::cast_precision_loss,
        reason = "weights are below 2^53: Envoy holds their sum in 32 bits"
    )]
    pub fn fraction(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.weight as f64 / self.total as f64 }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} {}", self.weight, self.total, self.cluster.name)
    }
}

/// Serialises shared values in full.
pub(super) fn shared<T: Serialize, S: serde::Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (**value).serialize(serializer)
}

/// The decision of [`Mesh::route`] about one request.
///
/// It holds its request, borrowed or owned as it was passed, and computes everything else on demand: a decision costs
/// no more than the search for the rule.
#[derive(Clone, Debug)]
pub struct Decision<R = Request> {
    pub(super) mesh: Mesh,
    pub(super) request: R,
    pub(super) route: Option<Arc<Route>>,
    /// The destination drawn, among those of the rule.
    pub(super) chosen: Option<usize>,
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) outcome: Outcome,
    pub(super) delay: Option<Duration>,
    pub(super) listener: u16,
}

impl<R: RequestView> Decision<R> {
    /// The outcome of the request.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The request that was decided.
    pub fn request(&self) -> &R {
        &self.request
    }

    /// The port of the listener that took the request.
    pub fn listener_port(&self) -> u16 {
        self.listener
    }

    /// The cluster drawn, also when it cannot be reached or a fault answers in its place.
    pub fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    /// The rule that matched.
    pub fn rule(&self) -> Option<&RuleRef> {
        self.route.as_ref().map(|route| &*route.place)
    }

    /// The time for which a fault delays the request before anything else happens.
    pub fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// The delay that a fault of the rule causes, with its share of requests, even if it does not apply to this one.
    pub fn delay_share(&self) -> Option<(Duration, Chance)> {
        self.route.as_ref().and_then(|route| route.bound.rule.fault.delay)
    }

    /// The response that a fault of the rule gives instead of the destination, with its share of requests, even if it
    /// does not apply to this one.
    ///
    /// ```
    /// use canary_core::{Gateway, Manifest, Mesh, Request};
    ///
    /// let manifest = Manifest::read(
    ///     "apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata: {name: models}
    /// spec:
    ///   hosts: ['*']
    ///   gateways: [edge]
    ///   http:
    ///   - fault: {abort: {httpStatus: 503, percentage: {value: 12.5}}}
    ///     route: [{destination: {host: models}}]",
    /// )?;
    /// let mesh = Mesh::builder().objects(&manifest).gateway(Gateway::http("edge", 80, ["*"])).build()?;
    /// let request = Request::get("http://models.example/");
    /// let decision = mesh.route(&request);
    /// let (abort, share) = decision.abort_share().expect("the rule has a fault");
    /// assert_eq!((abort.status, share.parts_per_million()), (503, 125_000));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn abort_share(&self) -> Option<(&FaultAbort, Chance)> {
        let fault = &self.route.as_ref()?.bound.rule.fault;
        fault.abort.as_ref().map(|(abort, chance)| (abort, *chance))
    }

    /// Every mirror of the rule with its share of copied requests, even if this one is not copied.
    pub fn mirror_shares(&self) -> Vec<(Arc<Cluster>, Chance)> {
        let Some(route) = &self.route else {
            return Vec::new();
        };
        let mirrors = route.bound.rule.mirrors.iter().enumerate();
        mirrors
            .map(|(index, (_, chance))| {
                (self.mesh.mirror(route, index, &self.request, self.listener), *chance)
            })
            .collect()
    }

    /// Every destination of the rule with its exact share, in the order of the rule. Weight 0 is listed too.
    pub fn shares(&self) -> Vec<Share> {
        let Some(route) = &self.route else {
            return self
                .cluster
                .iter()
                .map(|cluster| Share { cluster: Arc::clone(cluster), weight: 1, total: 1 })
                .collect();
        };
        let split = &route.bound.rule.split;
        let total = split.total();
        (0..route.bound.rule.targets.len())
            .map(|index| Share {
                cluster: self.mesh.target(route, index, &self.request, self.listener),
                weight: split.weight(index),
                total,
            })
            .collect()
    }

    /// The edits to the request's headers, in order. Read them with [`HeaderEdit`] or let
    /// [`apply_header_edits`](super::apply_header_edits) do it.
    pub fn request_edits(&self) -> &[HeaderEdit] {
        match (&self.route, self.chosen, &self.outcome) {
            (Some(route), Some(index), Outcome::Forward(_)) => {
                &route.bound.rule.targets[index].edits.request
            }
            _ => &[],
        }
    }

    /// The edits to the response's headers, in order. They also concern redirects, direct responses, aborts by faults
    /// and failures of the cluster, but not what the CORS filter answers to a preflight.
    pub fn response_edits(&self) -> &[HeaderEdit] {
        let Some(route) = &self.route else {
            return &[];
        };
        match (self.chosen, &self.outcome) {
            (_, Outcome::Preflight(_) | Outcome::Passthrough) => &[],
            (Some(index), _) => &route.bound.rule.targets[index].edits.response,
            (None, _) => &route.bound.rule.edits.response,
        }
    }

    /// Headers that the CORS filter sets on the response.
    pub fn cors_headers(&self) -> Vec<(&'static str, String)> {
        if matches!(self.outcome, Outcome::Abort(_)) {
            // The fault filter precedes the CORS filter.
            return Vec::new();
        }
        let cors = self.route.as_ref().and_then(|route| route.bound.rule.cors.as_ref());
        match cors.and_then(|cors| cors.judge(&self.request)) {
            Some(CorsAction::Pass(headers)) => headers,
            Some(CorsAction::Answer(_)) | None => Vec::new(),
        }
    }

    /// The path to send, with its query: the request's own, normalised as [`RequestView::path`] says, unless the rule
    /// rewrites it.
    pub fn path(&self) -> Cow<'_, str> {
        let target = target(self.request.path());
        match &self.route {
            Some(route) if matches!(self.outcome, Outcome::Forward(_)) => route
                .bound
                .rule
                .rewrite
                .apply(&route.conditions.uri, &target)
                .map_or(target, Cow::Owned),
            _ => target,
        }
    }

    /// The authority to send: the request's own unless the rule or the destination rewrites it.
    pub fn authority(&self) -> &str {
        let rewritten = match (&self.route, self.chosen) {
            (Some(route), Some(index)) => route.bound.rule.targets[index].authority.as_deref(),
            _ => None,
        };
        rewritten.unwrap_or(self.request.authority())
    }

    /// The clusters that get a copy of this request. Envoy sends it without waiting, with the authority of
    /// [`Decision::authority`], and drops the answer.
    pub fn mirrors(&self) -> Vec<Arc<Cluster>> {
        let (Some(route), Outcome::Forward(_)) = (&self.route, &self.outcome) else {
            return Vec::new();
        };
        let rule = &route.bound.rule;
        let random = self.request.random();
        rule.mirrors
            .iter()
            .enumerate()
            .filter(|(index, (_, chance))| chance.hits(mirror_draw(random, *index)))
            .map(|(index, _)| self.mesh.mirror(route, index, &self.request, self.listener))
            .collect()
    }

    /// The time that the request may take in all, retries included; `None` is forever, Istio's default.
    pub fn timeout(&self) -> Option<Duration> {
        self.route.as_ref().and_then(|route| route.bound.rule.timeout)
    }

    /// The retries of failed attempts; `None` when there are none.
    pub fn retries(&self) -> Option<&RetryPolicy> {
        match (&self.route, &self.outcome) {
            (Some(route), Outcome::Forward(cluster)) => {
                let Rule { retries, alone, .. } = &*route.bound.rule;
                let hashed = *alone && cluster.hashes;
                if hashed { retries.hashed.as_ref() } else { retries.usual.as_ref() }
            }
            (None, Outcome::Forward(_)) => self.mesh.0.default_retries.usual.as_ref(),
            _ => None,
        }
    }

    /// The traffic policy that DestinationRules give the cluster drawn.
    pub fn policy(&self) -> Option<&EffectivePolicy> {
        self.cluster.as_ref().and_then(|cluster| cluster.policy.as_ref())
    }
}

impl<R: RequestView> std::fmt::Display for Decision<R> {
    /// The outcome and the rule, in one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.outcome)?;
        if let Some(rule) = self.rule() {
            write!(f, ", by {rule}")?;
        }
        Ok(())
    }
}
