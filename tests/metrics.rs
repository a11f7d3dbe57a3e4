//! Metrics of runs on the lab, scraped by a real Prometheus: by every query of the dashboard, and by the alerts.

mod dashboard;
mod exposition;
mod rules;
mod scraped;
mod stage;
