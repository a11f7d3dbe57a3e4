//! Options for a Prometheus: its address, the credentials, and the requests that are counted.

mod series;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use canary_core::{
    Plan,
    cluster::{Cluster, services_of},
    evidence::prometheus::{Auth, HEADER_MARK, Matcher, Prometheus, Reporter},
    predict::Tls,
    rollout::Check,
};

use series::Series;

/// The environment variable with the password of `--prometheus-user`.
pub(crate) const PASSWORD: &str = "CANARY_PROMETHEUS_PASSWORD";
/// The environment variable with a bearer token.
pub(crate) const TOKEN: &str = "CANARY_PROMETHEUS_TOKEN";

/// The counts that a Prometheus has scraped from Istio's proxies.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Counted by Prometheus")]
pub(crate) struct Metered {
    /// Use Istio's metrics from the Prometheus at this address as evidence, such as
    /// `http://prometheus.istio-system:9090`. All requests count, not only those of this program.
    #[arg(long, value_name = "URL")]
    pub(crate) prometheus: Option<String>,
    /// A file with a bearer token, read again for every query; or set `CANARY_PROMETHEUS_TOKEN`.
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with = "prometheus_user")]
    pub(crate) prometheus_token_file: Option<PathBuf>,
    /// The user of basic authentication; the password is in `CANARY_PROMETHEUS_PASSWORD` or in a file.
    #[arg(long, value_name = "NAME", requires = "prometheus")]
    pub(crate) prometheus_user: Option<String>,
    /// A file with the password, read again for every query.
    #[arg(long, value_name = "FILE", requires = "prometheus_user")]
    pub(crate) prometheus_password_file: Option<PathBuf>,
    /// An additional certificate authority for Prometheus, in PEM.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub(crate) prometheus_ca: Option<PathBuf>,
    /// The client's own certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "prometheus_key")]
    pub(crate) prometheus_cert: Option<PathBuf>,
    /// The key of the client's certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "prometheus_cert")]
    pub(crate) prometheus_key: Option<PathBuf>,
    /// Allow credentials over http://, if the network itself is encrypted.
    #[arg(long, requires = "prometheus")]
    pub(crate) prometheus_cleartext: bool,
    /// The proxy whose counts are read: source is the gateway or the client's sidecar, destination the sidecars of the
    /// model's pods.
    #[arg(
        long,
        value_name = "WHO",
        default_value = "source",
        value_parser = reporter,
        requires = "prometheus"
    )]
    pub(crate) reporter: Reporter,
    /// The Kubernetes service of the model; by default the host of the DestinationRule. Where each version has a Service
    /// of its own, another one that selects the pods of both, for --reporter destination.
    #[arg(long, value_name = "NAME", requires = "prometheus")]
    pub(crate) service: Option<String>,
    /// The label of the metrics that distinguishes the versions; by default `destination_version`, whose values are the
    /// label `version` of each subset in the DestinationRule, or of each Service's selector. Where each version has a
    /// Service of its own, the default with --reporter source is `destination_service_name`.
    #[arg(long, value_name = "LABEL", requires = "prometheus")]
    pub(crate) subset_label: Option<String>,
    /// Count only series that match this condition: label=value, label!=value, label=~regex or label!~regex
    /// (repeatable).
    #[arg(long, value_name = "CONDITION", value_parser = matcher, requires = "prometheus")]
    pub(crate) only: Vec<Matcher>,
    /// Exclude requests with the plan's header, which Istio marks with the object of `canary in-cluster --telemetry`.
    /// Required by plans that compare pairs, because their requests have the header.
    #[arg(long, requires = "prometheus")]
    pub(crate) unmarked: bool,
    /// Declare that this program's own requests are not counted, because of --only or because they take another path.
    #[arg(long, requires = "prometheus")]
    pub(crate) counted_apart: bool,
    /// The time between two queries of Prometheus.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "15s",
        value_parser = crate::connection::duration,
        requires = "prometheus"
    )]
    pub(crate) every: Duration,
    /// The delay before a window is read; it must be longer than the time from a scrape to its storage.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5s",
        value_parser = crate::connection::duration,
        requires = "prometheus"
    )]
    pub(crate) lag: Duration,
    /// The time before a window in which to search for its first sample; it must be longer than the scrape interval.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        value_parser = crate::connection::duration,
        requires = "prometheus"
    )]
    pub(crate) lookback: Duration,
}

fn reporter(text: &str) -> Result<Reporter, String> {
    match text {
        "source" => Ok(Reporter::Source),
        "destination" => Ok(Reporter::Destination),
        _ => Err("expected source or destination".to_owned()),
    }
}

fn matcher(text: &str) -> Result<Matcher, String> {
    Matcher::parse(text).map_err(|error| error.to_string())
}

impl Metered {
    /// The source, when an address is given. What the command line leaves out is read from the plan's
    /// `DestinationRule`, or from the Services of its versions.
    ///
    /// # Errors
    /// An error when the address, the credentials or the names are wrong, or when the mark is missing with
    /// `--unmarked`.
    pub(crate) async fn source(
        &self,
        cluster: &impl Cluster,
        plan: &Plan,
    ) -> Result<Option<Prometheus>> {
        let Some(url) = &self.prometheus else { return Ok(None) };
        let Series { mut metrics, subsets, whose } = match services_of(cluster, plan).await? {
            Some(services) => series::of_services(self, cluster, plan, &services).await?,
            None => series::of_subsets(self, cluster, plan).await?,
        };
        for matcher in &self.only {
            metrics = metrics.with(matcher.clone());
        }
        if self.unmarked {
            metrics = metrics.unmarked();
        }
        let mut source = Prometheus::new(url, metrics, subsets)?
            .every(self.every)
            .lag(self.lag)
            .lookback(self.lookback);
        let thresholds = plan.guardrails.iter().filter_map(|guardrail| match &guardrail.check {
            Check::SlowRatio(slow) => slow.threshold,
            _ => None,
        });
        if let Some(threshold) = thresholds.min() {
            source = source.slower_than(threshold);
        }
        if let Some(auth) = self.auth()? {
            source = source.auth(auth);
        }
        if self.prometheus_cleartext {
            source = source.allow_cleartext();
        }
        if self.counted_apart {
            source = source.own_requests_apart();
        }
        if let Some(tls) = self.tls()? {
            source = source.tls(tls)?;
        }
        if self.unmarked && source.label_values(HEADER_MARK).await?.is_empty() {
            bail!(
                "no request of {whose} in the last hour carries the label {HEADER_MARK}, so those with \
                 the plan's header cannot be left out; apply the object of `canary in-cluster --telemetry`, and let requests \
                 flow"
            );
        }
        Ok(Some(source))
    }

    fn auth(&self) -> Result<Option<Auth>> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(match (&self.prometheus_token_file, &self.prometheus_user) {
            (Some(file), _) => Some(Auth::bearer_file(file)),
            (None, Some(user)) => Some(match &self.prometheus_password_file {
                Some(file) => Auth::basic_file(user, file),
                None => Auth::basic(
                    user,
                    variable(PASSWORD).with_context(|| {
                        format!("--prometheus-user needs --prometheus-password-file or {PASSWORD}")
                    })?,
                ),
            }),
            (None, None) => variable(TOKEN).map(Auth::bearer),
        })
    }

    fn tls(&self) -> Result<Option<Tls>> {
        let read = |file: &PathBuf| {
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
        };
        let mut tls = None;
        if let Some(file) = &self.prometheus_ca {
            tls = Some(Tls::default().ca_certificate(read(file)?));
        }
        if let (Some(certificate), Some(key)) = (&self.prometheus_cert, &self.prometheus_key) {
            let with = tls.unwrap_or_default();
            tls = Some(with.identity(read(certificate)?, read(key)?));
        }
        Ok(tls)
    }
}
