//! A family of metrics: its name, its type, its unit, its labels, and how its samples follow from a run.

use prometheus_client::{metrics::MetricType, registry::Unit};

use crate::{families, measured::Durations, record::Record};

/// The prefix of all names.
pub(crate) const PREFIX: &str = "canary";

/// The labels that every sample has, before its own.
pub(crate) const COMMON: [&str; 2] = ["namespace", "object"];

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A count that only grows while the process lives.
    Counter,
    /// A value now.
    Gauge,
    /// Counts of observations by size.
    Histogram,
    /// Texts in labels, with the value 1.
    Info,
}

impl Kind {
    /// Its name in the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    pub(crate) fn of_library(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
    Durations(Durations),
    Info,
}

impl From<bool> for Value {
    fn from(set: bool) -> Self {
        Self::Whole(u64::from(set))
    }
}

/// The values of a family's own labels, and the value of the sample.
pub(crate) type Sample = (Vec<String>, Value);

/// A family of metrics of a run.
///
/// ```
/// use canary_core::metrics::{Family, Kind};
///
/// let family = Family::all().find(|family| family.name() == "canary_rollout_held_seconds").unwrap();
/// assert_eq!((family.kind(), family.unit()), (Kind::Gauge, Some("seconds")));
/// assert_eq!(family.labels(), ["namespace", "object"]);
/// ```
#[derive(Debug)]
pub struct Family {
    /// The name without prefix, unit and the suffix of its type.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<&'static str>,
    /// The labels beside those of [`COMMON`].
    pub(crate) own_labels: &'static [&'static str],
    pub(crate) help: &'static str,
    pub(crate) samples: fn(&Record) -> Vec<Sample>,
}

impl Family {
    /// Every family, in the order of the exposition.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        families::ALL.into_iter().flatten()
    }

    /// Its name as a query names it, such as `canary_rollout_writes_total`; a histogram's without `_bucket`.
    pub fn name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{PREFIX}_{}{unit}{suffix}", self.name)
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The unit of its values, in the plural of `OpenMetrics`; none for counts, flags and numbers without a unit.
    pub fn unit(&self) -> Option<&'static str> {
        self.unit
    }

    /// The labels of its samples.
    pub fn labels(&self) -> Vec<&'static str> {
        COMMON.iter().chain(self.own_labels).copied().collect()
    }

    /// Its meaning in one sentence.
    pub fn help(&self) -> &'static str {
        self.help
    }

    pub(crate) fn unit_of_library(&self) -> Option<Unit> {
        self.unit.map(|unit| match unit {
            "seconds" => Unit::Seconds,
            other => Unit::Other(other.to_owned()),
        })
    }
}
