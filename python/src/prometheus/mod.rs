//! Prometheus.

mod class;
mod settings;
mod window;

pub(crate) use class::Prometheus;
