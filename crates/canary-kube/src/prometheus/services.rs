//! Istio's metrics of versions that have a Service each.

use super::metrics::{Matcher, Metrics, Relation, SERVICE_LABELS};

impl Metrics {
    /// Istio's standard metrics of the requests to several Services, of which two are the versions of a release, as the
    /// sending proxy reports them. The label `destination_service_name` names the version: it is the Service to which
    /// the weights led, and also that of a request which found no pod there.
    ///
    /// A Service is `name` or `namespace/name`; `namespace` is that of the names alone. In whatever domain the cluster
    /// has its names, `destination_service` begins with both.
    ///
    /// The pods' own proxies do not tell these Services apart: a pod is behind the Service of its version and often
    /// behind one of all versions, and the label has either. With [`Reporter::Destination`](super::Reporter), select every Service that
    /// selects the pods, and set [`Metrics::subset_label`] to `destination_version`.
    ///
    /// ```
    /// use canary_core::evidence::{Subsets, prometheus::{Metrics, Prometheus}};
    ///
    /// let metrics = Metrics::istio_services(["pets-v1", "pets-v2"], "default");
    /// assert_eq!(metrics.subset, "destination_service_name");
    /// let subsets = Subsets::new("pets-v1", "pets-v2");
    /// let prometheus = Prometheus::new("http://prometheus.istio-system:9090", metrics, subsets)?;
    /// # let _ = prometheus;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// Source: Istio's reference, "Istio Standard Metrics".
    pub fn istio_services<S: Into<String>>(
        services: impl IntoIterator<Item = S>,
        namespace: &str,
    ) -> Self {
        let host = |service: S| {
            let service: String = service.into();
            let (namespace, name) =
                service.split_once('/').unwrap_or((namespace, service.as_str()));
            regex::escape(&format!("{name}.{namespace}.svc.")) + ".+"
        };
        let hosts: Vec<String> = services.into_iter().map(host).collect();
        let mut metrics = Self::istio("", "");
        metrics.matchers.truncate(1);
        metrics
            .with(Matcher {
                label: SERVICE_LABELS[0].to_owned(),
                relation: Relation::Regex,
                value: hosts.join("|"),
            })
            .subset_label(SERVICE_LABELS[1])
    }
}
