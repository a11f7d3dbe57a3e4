//! The metrics of a process: those of its runs, as text.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use canary_rollout::Plan;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, prometheus_text, text},
    metrics::exemplar::Exemplar,
    registry::Registry,
};

use crate::{
    Family, Result, RunMetrics, Server,
    family::{COMMON, Kind, PREFIX, Value},
    record::Record,
    server,
};

/// The labels of a sample.
type Labels<'a> = Vec<(&'a str, &'a str)>;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' own text format, version 0.0.4.
    Text,
}

impl Format {
    /// The content type by which HTTP names it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => prometheus_text::CONTENT_TYPE,
        }
    }
}

/// The metrics of the runs of a process. A clone is another handle of the same metrics.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use canary_core::{Plan, metrics::Metrics};
///
/// let metrics = Metrics::new();
/// let server = metrics.serve("127.0.0.1:0").await?;
/// let run = metrics.run(&Plan::new("pets", "v1", "v2"));
/// println!("{}", server.url());
/// # drop(run);
/// # Ok::<(), canary_core::metrics::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Metrics {
    runs: Runs,
    registry: Arc<Registry>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Without any run.
    pub fn new() -> Self {
        let runs = Runs::default();
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(runs.clone()));
        Self { runs, registry: Arc::new(registry) }
    }

    /// Adds a run of this plan, which has not begun. It takes the place of an earlier run on the same object.
    pub fn run(&self, plan: &Plan) -> RunMetrics {
        let run = RunMetrics::new(Record::new(plan));
        let target = &plan.target;
        let mut all = self.runs.lock();
        all.retain(|one| !one.is_on(target.namespace(), target.name()));
        all.push(run.clone());
        run
    }

    /// Removes the run on this object, for a process that serves many runs and no longer needs its last values.
    pub fn forget(&self, namespace: &str, object: &str) {
        self.runs.lock().retain(|one| !one.is_on(namespace, object));
    }

    /// The metrics as text.
    pub fn text(&self, format: Format) -> String {
        let mut out = String::new();
        // Writing to memory cannot fail.
        let _ = match format {
            Format::OpenMetrics => text::encode(&mut out, &self.registry),
            Format::Text => prometheus_text::encode(&mut out, &self.registry),
        };
        out
    }

    /// Serves them over HTTP at this address, an IP address with a port, until the server is dropped. Port 0 is any free
    /// one.
    ///
    /// # Errors
    /// [`Error::Address`](crate::Error::Address) when the text is not an address,
    /// [`Error::Listen`](crate::Error::Listen) when the server cannot listen there.
    pub async fn serve(&self, address: &str) -> Result<Server> {
        server::serve(self.clone(), address).await
    }
}

/// The runs of a process.
#[derive(Clone, Debug, Default)]
struct Runs(Arc<Mutex<Vec<RunMetrics>>>);

impl Runs {
    fn lock(&self) -> MutexGuard<'_, Vec<RunMetrics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Runs {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // A run that is recorded meanwhile waits only until its values are copied.
        let handles = self.lock().clone();
        let records: Vec<Record> = handles.iter().map(RunMetrics::get).collect();
        for family in Family::all() {
            let samples: Vec<_> = records
                .iter()
                .flat_map(|record| {
                    (family.samples)(record).into_iter().map(move |one| (record, one))
                })
                .collect();
            if samples.is_empty() {
                continue;
            }
            let unit = family.unit_of_library();
            let kind = family.kind.of_library();
            let mut metric =
                encoder.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
            for (record, (values, value)) in &samples {
                let common = [record.namespace.as_str(), record.object.as_str()];
                let labels: Labels<'_> = COMMON
                    .into_iter()
                    .zip(common)
                    .chain(family.own_labels.iter().copied().zip(values.iter().map(String::as_str)))
                    .collect();
                write(&mut metric, family.kind, &labels, *value)?;
            }
        }
        Ok(())
    }
}

fn write(
    metric: &mut MetricEncoder<'_>,
    kind: Kind,
    labels: &Labels<'_>,
    value: Value,
) -> fmt::Result {
    let no_exemplar = None::<&Exemplar<Labels<'_>, f64>>;
    match (kind, value) {
        (_, Value::Info) => metric.encode_info(labels),
        (_, Value::Durations(durations)) => {
            let (sum, count) = (durations.seconds(), durations.count());
            let mut metric = metric.encode_family(labels)?;
            metric.encode_histogram::<Labels<'_>>(sum, count, &durations.buckets(), None)
        }
        (Kind::Counter, Value::Whole(count)) => {
            metric.encode_family(labels)?.encode_counter(&count, no_exemplar)
        }
        (Kind::Counter, Value::Real(number)) => {
            metric.encode_family(labels)?.encode_counter(&number, no_exemplar)
        }
        (_, Value::Whole(count)) => metric.encode_family(labels)?.encode_gauge(&count),
        (_, Value::Real(number)) => metric.encode_family(labels)?.encode_gauge(&number),
    }
}
