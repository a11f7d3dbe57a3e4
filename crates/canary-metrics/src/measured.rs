//! A cluster and a predictor whose requests are counted.

mod calls;
mod cluster;
mod predictions;
mod predictor;

pub(crate) use calls::{Answer, Calls, Durations, Verb};
pub(crate) use predictions::{Predictions, Route, Sent};

use crate::RunMetrics;

/// A [`Cluster`](canary_rollout::cluster::Cluster) or a [`Predictor`](canary_rollout::evidence::Predictor) whose requests
/// are counted in the metrics of a run. It forwards every call unchanged.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use canary_core::{Plan, cluster::{Cluster, ObjectRef}, metrics::{Format, Measured, Metrics}};
/// use canary_lab::store::Store;
///
/// let metrics = Metrics::new();
/// let cluster = Measured::new(Store::new(), metrics.run(&Plan::new("pets", "v1", "v2")));
/// assert_eq!(cluster.get(&ObjectRef::virtual_service("default", "pets")).await.unwrap(), None);
/// let sample = r#"canary_api_requests_total{namespace="default",object="pets",verb="get",result="not_found"} 1"#;
/// assert!(metrics.text(Format::OpenMetrics).contains(sample));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Measured<T> {
    inner: T,
    metrics: Option<RunMetrics>,
}

impl<T> Measured<T> {
    /// Counts the calls of `inner`; counts nothing if no metrics are given.
    pub fn new(inner: T, metrics: impl Into<Option<RunMetrics>>) -> Self {
        Self { inner, metrics: metrics.into() }
    }

    /// The wrapped value.
    pub fn inner(&self) -> &T {
        &self.inner
    }
}
