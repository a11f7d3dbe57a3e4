//! The metrics that are queried, and the meaning of their labels.

use std::{collections::BTreeMap, time::Duration};

use crate::{Error, Result};
use canary_rollout::evidence::Request;

/// The label of Istio's metrics that distinguishes requests with the plan's header, once [`mark_header`](super::mark_header) is in
/// the mesh: `yes` with the header.
pub const HEADER_MARK: &str = "canary_header";

/// The labels that name the Service of a request's destination.
pub(super) const SERVICE_LABELS: [&str; 2] = ["destination_service", "destination_service_name"];

/// The proxy that reports a request. Istio counts each request twice, at the client's side and at the server's; exactly
/// one of the two is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporter {
    /// The proxy that sends: the ingress gateway, or the client's sidecar. It also sees requests that reach no pod,
    /// under the version `unknown`: a canary without endpoints is visible there.
    #[default]
    Source,
    /// The proxy that receives: the sidecar of the model's pod. It also sees clients outside the mesh. A request that
    /// reached no pod is not counted at all. A canary without endpoints then appears to serve nothing: it is never
    /// promoted, and no reason is reported.
    Destination,
}

impl Reporter {
    fn value(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// The operator of a [`Matcher`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, a whole match of a regular expression.
    Regex,
    /// `!~`
    NotRegex,
}

/// A condition on one label of a series, as in PromQL's `{label="value"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// The operator.
    pub relation: Relation,
    /// The value, or the regular expression.
    pub value: String,
}

impl Matcher {
    /// Reads `label=value`, `label!=value`, `label=~regex` or `label!~regex`, with or without quotes around the value.
    ///
    /// ```
    /// use canary_core::evidence::prometheus::{Matcher, Relation};
    ///
    /// let matcher = Matcher::parse("source_workload!=\"load-test\"")?;
    /// assert_eq!((matcher.relation, matcher.value.as_str()), (Relation::NotEqual, "load-test"));
    /// assert!(Matcher::parse("no condition").is_err());
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Plan`] when it is none of these, or the label is not a name that Prometheus allows.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::Plan(format!(
                "{text:?} is not a condition on a label; write label=value, label!=value, label=~regex or label!~regex"
            ))
        };
        let at = text.find(['=', '!']).ok_or_else(wrong)?;
        let (label, rest) = text.split_at(at);
        let relations = [
            ("=~", Relation::Regex),
            ("!~", Relation::NotRegex),
            ("!=", Relation::NotEqual),
            ("=", Relation::Equal),
        ];
        let found = relations
            .iter()
            .find_map(|(sign, relation)| rest.strip_prefix(sign).map(|value| (*relation, value)));
        let (relation, value) = found.ok_or_else(wrong)?;
        if !is_name(label, false) {
            return Err(wrong());
        }
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.unwrap_or(value).to_owned();
        Ok(Self { label: label.to_owned(), relation, value })
    }

    /// `label="value"`.
    pub fn equal(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), relation: Relation::Equal, value: value.into() }
    }
}

/// The unit of a histogram's bucket boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Prometheus' recommendation.
    Seconds,
    /// The unit of Istio's metrics.
    Milliseconds,
    /// The unit of TensorFlow Serving's metrics.
    Microseconds,
}

impl Unit {
    /// A boundary in nanoseconds.
    pub(super) fn nanoseconds(self, edge: f64) -> f64 {
        edge * match self {
            Self::Seconds => 1e9,
            Self::Milliseconds => 1e6,
            Self::Microseconds => 1e3,
        }
    }

    /// A boundary as a time; `None` for `+Inf` and for values that are not a time.
    pub(super) fn time(self, edge: f64) -> Option<Duration> {
        Duration::try_from_secs_f64(self.nanoseconds(edge) / 1e9).ok()
    }
}

/// A classic histogram of latencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The histogram's name without `_bucket`.
    pub histogram: String,
    /// The unit of its bucket boundaries.
    pub unit: Unit,
}

/// The labels by which a request counts as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Istio's `response_code`, `grpc_response_status` and `response_flags`: every status except 2xx
    /// ([`Request::is_failure`]), and for gRPC every status except 0. Status 0 is a request without a response: the
    /// connection broke, or the client hung up (flag `DC`) before one came, which is typical for a model
    /// that hangs. Response flags such as `UH` (no endpoint), `UF`, `UC`, `UT` and `NR` come with a 503, 504 or 404.
    ///
    /// Source: Istio's reference, "Istio Standard Metrics"; Envoy, "Access logging", `%RESPONSE_CODE%`.
    Istio,
    /// A label with the name of a canonical status code: every one but `OK` is a failure. A canary whose signature or
    /// input shape has changed answers `INVALID_ARGUMENT` to what the stable version answers well.
    Status(String),
}

/// The metrics that hold the counts, and the labels that name the subset and the outcome.
///
/// ```
/// use canary_core::evidence::prometheus::{Metrics, Reporter};
///
/// let metrics = Metrics::istio("image-classifier", "default")
///     .reporter(Reporter::Destination)
///     .subset_label("destination_workload");
/// assert_eq!(metrics.requests, "istio_requests_total");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The counter of requests.
    pub requests: String,
    /// The histogram of their latencies; without it slow requests cannot be counted.
    pub latency: Option<Latency>,
    /// The conditions that select the series. Every subset of the service must be among them.
    pub matchers: Vec<Matcher>,
    /// The label that names the version: its subset, or its Service.
    pub subset: String,
    /// The labels by which a request counts as failed.
    pub outcome: Outcome,
    /// `true` when each target counts one subset alone, as pods do; a gateway or a client's proxy counts both. Targets
    /// are scraped one after the other, so the counts of two pods belong to times that differ by up to a scrape
    /// interval. With much traffic this is enough for a false alarm of the observed split, so its test does not use
    /// such counts.
    pub apart: bool,
}

impl Metrics {
    /// Istio's standard metrics of the requests to a Kubernetes service, as the sending proxy reports them; the
    /// label `destination_version` names the subset: it is the pods' label `version`.
    ///
    /// Source: Istio's reference, "Istio Standard Metrics".
    pub fn istio(service: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            requests: "istio_requests_total".to_owned(),
            latency: Some(Latency {
                histogram: "istio_request_duration_milliseconds".to_owned(),
                unit: Unit::Milliseconds,
            }),
            matchers: vec![
                Matcher::equal("reporter", Reporter::default().value()),
                Matcher::equal("destination_service_name", service),
                Matcher::equal("destination_service_namespace", namespace),
            ],
            subset: "destination_version".to_owned(),
            outcome: Outcome::Istio,
            apart: false,
        }
    }

    /// TensorFlow Serving's own metrics of a model. They carry no version, so the subset is named by a label that
    /// the scrape configuration copies from the pod, such as `version`.
    ///
    /// The server exposes them when it is started with a monitoring configuration (`prometheus_config { enable: true }`),
    /// under `/monitoring/prometheus/metrics`. Its latencies are those of requests that succeeded.
    ///
    /// A request that never reached a model is not counted at all: it found no endpoint, was refused on the way, or named
    /// a model that the server does not have (the series contains the name of the model). A canary that is deployed
    /// under another name, or not at all, then appears to serve nothing: it is never promoted, and no reason is
    /// reported. [`Metrics::istio`] counts such requests.
    ///
    /// Source: `servables/tensorflow/util.cc` of TensorFlow Serving.
    pub fn tensorflow_serving(model: impl Into<String>, subset_label: impl Into<String>) -> Self {
        Self {
            requests: ":tensorflow:serving:request_count".to_owned(),
            latency: Some(Latency {
                histogram: ":tensorflow:serving:request_latency".to_owned(),
                unit: Unit::Microseconds,
            }),
            matchers: vec![Matcher::equal("model_name", model)],
            subset: subset_label.into(),
            outcome: Outcome::Status("status".to_owned()),
            apart: true,
        }
    }

    /// Leaves out the requests with the plan's header, once [`super::mark_header`] is in the mesh: those of the
    /// driver's own pairs and gates, and of people who try the canary.
    #[must_use]
    pub fn unmarked(self) -> Self {
        self.with(Matcher {
            label: HEADER_MARK.to_owned(),
            relation: Relation::NotEqual,
            value: "yes".to_owned(),
        })
    }

    /// Returns `true` when requests with the plan's header are left out.
    pub(super) fn is_unmarked(&self) -> bool {
        self.matchers.iter().any(|matcher| matcher.label == HEADER_MARK)
    }

    /// Sets the proxy whose reports are used. The counts of [`Reporter::Destination`] are of
    /// the pods, and so [`Metrics::apart`].
    #[must_use]
    pub fn reporter(mut self, reporter: Reporter) -> Self {
        self.apart = reporter == Reporter::Destination;
        self.matchers.retain(|matcher| matcher.label != "reporter");
        self.matchers.insert(0, Matcher::equal("reporter", reporter.value()));
        self
    }

    /// Sets the label that names the subset.
    #[must_use]
    pub fn subset_label(mut self, label: impl Into<String>) -> Self {
        self.subset = label.into();
        self
    }

    /// Adds a condition on the series, such as a cluster, a job, or some of the clients.
    #[must_use]
    pub fn with(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// Returns `true` when the requests of a series failed; `None` when its labels do not say.
    pub(super) fn is_failure(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        match &self.outcome {
            Outcome::Istio => istio_failure(labels),
            Outcome::Status(label) => labels.get(label).map(|status| status != "OK"),
        }
    }

    /// Checks names, and that a request is not counted by two reporters.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::Plan(format!("the metrics of Prometheus: {what}")));
        for name in
            std::iter::once(&self.requests).chain(self.latency.as_ref().map(|one| &one.histogram))
        {
            if !is_name(name, true) {
                return wrong(format!("{name:?} is not the name of a metric"));
            }
        }
        if !is_name(&self.subset, false) {
            return wrong(format!("{:?} is not the name of a label", self.subset));
        }
        for matcher in &self.matchers {
            if !is_name(&matcher.label, false) || matcher.label == "le" {
                return wrong(format!("{:?} is not a label that selects series", matcher.label));
            }
            if matcher.label == self.subset {
                return wrong(format!(
                    "the label {} identifies the subsets, so it cannot exclude series",
                    self.subset
                ));
            }
        }
        let reporters: Vec<&Matcher> =
            self.matchers.iter().filter(|matcher| matcher.label == "reporter").collect();
        let one = matches!(reporters[..], [Matcher { relation: Relation::Equal, .. }]);
        if self.outcome == Outcome::Istio && !one {
            return wrong(
                "Istio counts each request at its source and at its destination; select exactly one of them with `reporter`"
                    .to_owned(),
            );
        }
        let at_pods = reporters.iter().any(|one| one.value == Reporter::Destination.value());
        if at_pods && SERVICE_LABELS.contains(&self.subset.as_str()) {
            return wrong(format!(
                "the proxy of a pod behind several Services names any one of them in {}, so with the reporter destination it \
                 does not identify the version; use the reporter source, or the label destination_version",
                self.subset
            ));
        }
        Ok(())
    }
}

/// Returns `true` when the text is a name in Prometheus' data model.
fn is_name(name: &str, metric: bool) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || metric && c == ':';
    name.chars().next().is_some_and(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Returns `true` for a failed request by Istio's labels; `None` when they do not say.
fn istio_failure(labels: &BTreeMap<String, String>) -> Option<bool> {
    let code: u16 = labels.get("response_code")?.parse().ok()?;
    // The label is empty for requests that are not gRPC. For gRPC, failures are in this label and not in the HTTP
    // status.
    let grpc = labels.get("grpc_response_status").and_then(|status| status.parse::<u32>().ok());
    Some(Request::is_failure(code) || grpc.is_some_and(|status| status != 0))
}
