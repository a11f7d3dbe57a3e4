//! The settings of a Prometheus source, and its queries.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use canary_rollout::evidence::{OwnRequests, Subsets, Timestamp, Window};

use super::{
    Auth, Matcher, Metrics, NewTargets,
    answer::{self, Series},
    buckets,
    client::Client,
    increase::NotCounts,
    promql,
    tally::{Span, tally},
};
use crate::{Error, Result};

/// A source of counts from Prometheus.
///
/// At an interval it queries the samples since the last time, up to a short while ago, so that a late scrape is not
/// missed. One query is under way at a time, and each is bounded in time and size.
///
/// Requests that do not follow the weights must not be counted. Pairs and gates send requests to the canary by
/// a header; when these pass the same gateway, Istio counts them too. Let Istio mark them ([`super::mark_header`]) and leave
/// them out ([`Metrics::unmarked`]), or send them past the proxies that are counted
/// ([`Prometheus::own_requests_apart`]).
///
/// The clock of the rollout and that of Prometheus must agree to within the plan's `settle`.
///
/// ```
/// use std::time::Duration;
///
/// use canary_core::evidence::{Kind, Source, Subsets, prometheus::{Metrics, Prometheus}};
///
/// let metrics = Metrics::istio("image-classifier", "default");
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let prometheus = Prometheus::new("http://prometheus.istio-system:9090", metrics, subsets)?
///     .slower_than(Duration::from_millis(250))
///     .every(Duration::from_secs(15));
/// assert_eq!(prometheus.provides(), [Kind::Requests, Kind::SlowCounts]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prometheus {
    pub(super) name: Arc<str>,
    client: Client,
    metrics: Metrics,
    subsets: Subsets,
    slower_than: Option<Duration>,
    pub(super) every: Duration,
    pub(super) lag: Duration,
    lookback: Duration,
    max_series: usize,
    new_targets: NewTargets,
    accept_warnings: bool,
    own_requests_apart: bool,
}

impl Prometheus {
    /// The Prometheus at `http://host:port`, with a path where there is one; `https://` needs the feature `tls`. The
    /// subsets are named by the values that the metrics' label has for them.
    ///
    /// # Errors
    /// [`Error::Plan`] when the address or a name of the metrics cannot be used.
    pub fn new(url: &str, metrics: Metrics, subsets: Subsets) -> Result<Self> {
        metrics.check()?;
        Ok(Self {
            name: "prometheus".into(),
            client: Client::new(url)?,
            metrics,
            subsets,
            slower_than: None,
            every: Duration::from_secs(15),
            lag: Duration::from_secs(5),
            lookback: Duration::from_secs(300),
            max_series: 10_000,
            new_targets: NewTargets::default(),
            accept_warnings: false,
            own_requests_apart: false,
        })
    }

    /// Sets the source's name, by which duplicates are recognised; `prometheus` by default.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Counts the requests that took longer than this, for a guardrail with the same threshold
    /// ([`canary_rollout::Guardrail::slower_than`]). It must be a bucket boundary of the histogram, because the counts
    /// between two boundaries are unknown.
    #[must_use]
    pub fn slower_than(mut self, threshold: Duration) -> Self {
        self.slower_than = Some(threshold);
        self
    }

    /// Sets the credentials.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.client.auth = Some(auth);
        self
    }

    /// Sends credentials over `http://` too. Where the network is not encrypted, everybody on it can read
    /// them.
    #[must_use]
    pub fn allow_cleartext(mut self) -> Self {
        self.client.cleartext = true;
        self
    }

    /// Sets the trusted authorities for `https://`, and the client's certificate.
    ///
    /// # Errors
    /// [`Error::Plan`] when a certificate or key cannot be read.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: canary_http::Tls) -> Result<Self> {
        self.client = self.client.tls(tls)?;
        Ok(self)
    }

    /// Connects through the proxy at `http://host:port`; also `https://` and `socks5://`. Without it the proxy comes from
    /// the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` for the hosts that are reached
    /// directly, among which the loopback always is.
    ///
    /// # Errors
    /// [`Error::Plan`] when this is not the URL of a proxy. The error does not repeat it.
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        self.client = self.client.proxy(url)?;
        Ok(self)
    }

    /// Connects directly, whatever the environment says.
    ///
    /// # Errors
    /// [`Error::Plan`] when the settings made before cannot be used.
    pub fn no_proxy(mut self) -> Result<Self> {
        self.client = self.client.no_proxy()?;
        Ok(self)
    }

    /// Sets the interval of the queries; 15 seconds by default. A shorter interval than Prometheus' scrapes shows nothing
    /// new.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.max(Duration::from_millis(10));
        self
    }

    /// Sets the delay between the end of a window and its query; 5 seconds by default. A sample that arrives in Prometheus later than this
    /// after its scrape is not counted, so set at least the time that a scrape takes, and more with remote write.
    #[must_use]
    pub fn lag(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    /// Sets how far before a window its baseline sample may lie; 5 minutes by default. It must be longer than the
    /// scrape interval and than any gap that should be bridged.
    #[must_use]
    pub fn lookback(mut self, time: Duration) -> Self {
        self.lookback = time.max(Duration::from_millis(1));
        self
    }

    /// Sets the treatment of the first values of a target that was never scraped before.
    #[must_use]
    pub fn new_targets(mut self, what: NewTargets) -> Self {
        self.new_targets = what;
        self
    }

    /// Sets the timeout of a query; 10 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.client.timeout = timeout;
        self
    }

    /// Sets the maximum number of series of a query; 10 000 by default. More series are an error.
    #[must_use]
    pub fn max_series(mut self, series: usize) -> Self {
        self.max_series = series;
        self
    }

    /// Sets the largest response, in bytes; 32 MiB by default.
    #[must_use]
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.client.max_bytes = bytes;
        self
    }

    /// Uses responses with a warning too. Thanos and others warn when a part of their stores did not respond; the missing
    /// part may be one subset's.
    #[must_use]
    pub fn accept_warnings(mut self) -> Self {
        self.accept_warnings = true;
        self
    }

    /// Declares that requests of the rollout's other sources are not counted here, because they pass other proxies or a
    /// matcher excludes them. Without it a rollout refuses sources beside this one that send requests through the mesh,
    /// unless these give pairs alone and [`Metrics::unmarked`] leaves out their requests to the canary.
    #[must_use]
    pub fn own_requests_apart(mut self) -> Self {
        self.own_requests_apart = true;
        self
    }

    /// The requests of other sources that this one counts.
    pub(super) fn counts(&self) -> OwnRequests {
        match (self.own_requests_apart, self.metrics.is_unmarked()) {
            (true, _) => OwnRequests::Neither,
            (false, true) => OwnRequests::CountsUnmarked,
            (false, false) => OwnRequests::CountsAll,
        }
    }

    /// The values of a label in the last hour, among the selected series; conditions on that label are ignored.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Prometheus cannot be reached or its response cannot be used.
    pub async fn label_values(&self, label: &str) -> Result<BTreeSet<String>> {
        let matchers = self.metrics.matchers.iter().filter(|matcher| matcher.label != label);
        let matchers: Vec<Matcher> = matchers.cloned().collect();
        let selector = promql::selector(&self.metrics.requests, &matchers, None);
        let now = Timestamp::now();
        let hour = Timestamp(now.0.saturating_sub(3_600_000));
        let body = self.client.values(label, &selector, hour, now).await?;
        answer::values(&body, self.accept_warnings)
            .map_err(|refusal| self.client.unusable(refusal, &body))
    }

    /// The address, without credentials.
    pub fn url(&self) -> String {
        self.client.url()
    }

    /// Returns `true` when slow requests are counted.
    pub(super) fn counts_slow(&self) -> bool {
        self.slower_than.is_some() && self.metrics.latency.is_some()
    }

    /// The counts from `since` (excluded) to `until` (included), by the times of the scrapes; `None` when there was no
    /// scrape in between. The window's own beginning is the earliest time at which one of its requests can have
    /// happened.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Prometheus cannot be reached or its response cannot be used; [`Error::Plan`] when the
    /// threshold is not a bucket boundary, or the counters are not whole numbers, or count a request twice.
    pub async fn window(&self, since: Timestamp, until: Timestamp) -> Result<Option<Window>> {
        let span = Span { since, until, new_targets: self.new_targets };
        let matchers = &self.metrics.matchers;
        let time = span.length() + self.lookback;
        let text = promql::range(&self.metrics.requests, matchers, None, time);
        let requests = self.series(&text, until).await?;
        let mut buckets = Vec::new();
        if let (Some(threshold), Some(latency), false) =
            (self.slower_than, &self.metrics.latency, requests.is_empty())
        {
            let metric = format!("{}_bucket", latency.histogram);
            let from = Timestamp(until.0.saturating_sub(millis(time)));
            let edges = self.edges(&metric, from, until).await?;
            let at = buckets::at_edge(&edges, latency.unit, threshold)
                .map_err(|edges| no_edge(&metric, threshold, &edges))?;
            let infinite =
                edges.iter().map(String::as_str).filter(|edge| buckets::is_infinite(edge));
            let asked = promql::one_of(at.into_iter().chain(infinite));
            let text = promql::range(&metric, matchers, Some(&asked), time);
            buckets = self.series(&text, until).await?;
        }
        tally(&self.metrics, &self.subsets, &requests, &buckets, span).map_err(not_counts)
    }

    /// The bucket boundaries of the histogram in the last hour: the thresholds for [`Prometheus::slower_than`]. Empty when
    /// there is no such histogram.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Prometheus cannot be reached or its response cannot be used.
    pub async fn thresholds(&self) -> Result<Vec<Duration>> {
        let Some(latency) = &self.metrics.latency else { return Ok(Vec::new()) };
        let metric = format!("{}_bucket", latency.histogram);
        let now = Timestamp::now();
        let hour = Timestamp(now.0.saturating_sub(3_600_000));
        Ok(buckets::times(&self.edges(&metric, hour, now).await?, latency.unit))
    }

    async fn edges(
        &self,
        metric: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeSet<String>> {
        let selector = promql::selector(metric, &self.metrics.matchers, None);
        let body = self.client.values("le", &selector, since, until).await?;
        answer::values(&body, self.accept_warnings)
            .map_err(|refusal| self.client.unusable(refusal, &body))
    }

    async fn series(&self, text: &str, at: Timestamp) -> Result<Vec<Series>> {
        let body = self.client.query(text, at).await?;
        answer::series(&body, self.max_series, self.accept_warnings)
            .map_err(|refusal| self.client.unusable(refusal, &body))
    }

    /// The error when there are no samples.
    pub(super) fn nothing(&self) -> Error {
        let selector = promql::selector(&self.metrics.requests, &self.metrics.matchers, None);
        let what = format!(
            "no samples of {selector} yet; check the labels, that Prometheus scrapes the proxies, and that requests flow"
        );
        self.client.fails(&what, true)
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn no_edge(metric: &str, threshold: Duration, edges: &[Duration]) -> Error {
    if edges.is_empty() {
        return Error::Plan(format!(
            "there is no classic histogram {metric} of these requests (native histograms cannot be used), so requests \
             slower than {threshold:?} cannot be counted"
        ));
    }
    let edges: Vec<String> = edges.iter().map(|edge| format!("{edge:?}")).collect();
    Error::Plan(format!(
        "{threshold:?} is not a bucket boundary of {metric}; choose one of {}",
        edges.join(", ")
    ))
}

fn not_counts(why: NotCounts) -> Error {
    Error::Plan(match why {
        NotCounts::Fraction(series) => format!(
            "{series} does not grow by whole numbers; select the counter itself, not a recorded rate"
        ),
        NotCounts::Twice(series) => format!(
            "{series} is there twice, under two scrape jobs or replicas, and would be counted twice; select one of them \
             with a matcher such as job=\"…\""
        ),
    })
}
