//! Metrics for Prometheus: the file of `--monitoring_config_file`.

use canary_istio::{Finding, Findings};
use canary_proto::tensorflow::serving as wire;
use serde::{Deserialize, Serialize};

use super::text_form;
use crate::Result;

const NAME: &str = "MonitoringConfig";

/// TensorFlow Serving's metrics for Prometheus, on its REST port.
///
/// ```
/// use canary_core::serving::MonitoringConfig;
///
/// let metrics = MonitoringConfig::default();
/// assert_eq!((metrics.enable, metrics.path.as_str()), (true, "/monitoring/prometheus/metrics"));
/// assert_eq!(metrics.to_text().parse::<MonitoringConfig>()?, metrics);
/// # Ok::<(), canary_core::serving::Error>(())
/// ```
///
/// Source: <https://www.tensorflow.org/tfx/serving/serving_config#monitoring_configuration>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoringConfig {
    /// True to serve metrics; true unless set.
    pub enable: bool,
    /// Their path; `/monitoring/prometheus/metrics` unless set, which is where Prometheus is usually pointed.
    pub path: String,
}

impl Default for MonitoringConfig {
    fn default() -> Self {
        Self { enable: true, path: "/monitoring/prometheus/metrics".to_owned() }
    }
}

impl MonitoringConfig {
    /// The file, in protobuf's text form.
    ///
    /// ```
    /// let text = canary_core::serving::MonitoringConfig::default().to_text();
    /// assert!(text.contains("path: \"/monitoring/prometheus/metrics\""));
    /// ```
    pub fn to_text(&self) -> String {
        let prometheus = wire::PrometheusConfig { enable: self.enable, path: self.path.clone() };
        text_form::write(NAME, &wire::MonitoringConfig { prometheus_config: Some(prometheus) })
    }

    /// Finds the mistakes for which metrics are served nowhere.
    pub fn validate(&self) -> Findings {
        let mut findings = Findings::new();
        if !self.path.starts_with('/') {
            findings.push(
                Finding::error("C200", "monitoring.path", "is not a path on the server")
                    .object(NAME)
                    .found(&self.path)
                    .help("begin it with '/', such as /monitoring/prometheus/metrics"),
            );
        }
        findings
    }
}

impl std::str::FromStr for MonitoringConfig {
    type Err = crate::Error;

    /// Reads the file as strictly as the server does; a path that it leaves out is the server's own.
    fn from_str(text: &str) -> Result<Self> {
        let what = "monitoring config file";
        let message: wire::MonitoringConfig = text_form::read(what, NAME, text)?;
        let prometheus = message.prometheus_config.unwrap_or_default();
        let path = Some(prometheus.path).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| Self::default().path);
        Ok(Self { enable: prometheus.enable, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_written_again() {
        let own = MonitoringConfig { enable: false, path: "/metrics".to_owned() };
        assert_eq!(own.to_text().parse::<MonitoringConfig>().unwrap(), own);
        let short: MonitoringConfig = "prometheus_config { enable: true }".parse().unwrap();
        assert_eq!(short, MonitoringConfig::default());
        assert!(
            !"".parse::<MonitoringConfig>().unwrap().enable,
            "an empty file switches nothing on"
        );
        let wrong = MonitoringConfig { path: "metrics".to_owned(), ..own };
        assert_eq!(wrong.validate().len(), 1);
        let error = "prometheus { }".parse::<MonitoringConfig>().unwrap_err().to_string();
        assert!(error.contains("monitoring config file"), "{error}");
    }
}
