//! `canary.compare_rules`.

use canary_core::rollout::{ComparedTraffic, Rule};
use canary_python_macros::binding;
use pyo3::prelude::*;

use super::comparison::Comparison;
use crate::{door, error::IntoPy};

/// Lets several rules judge the same simulated traffic.
#[binding]
#[pyfunction]
#[pyo3(signature = (*, errors, share = 0.1, requests = 20_000, interval = 200, alpha = 0.05, thresholds = vec![(0.99, 1), (0.99, 5)], runs = 1000, seed = 0))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn compare_rules(
    py: Python<'_>,
    errors: (f64, f64),
    share: f64,
    requests: u64,
    interval: u64,
    alpha: f64,
    thresholds: Vec<(f64, u32)>,
    runs: u64,
    seed: u64,
) -> PyResult<Comparison> {
    let mut traffic = ComparedTraffic::new(errors.0, errors.1);
    traffic.share = share;
    traffic.requests = requests;
    traffic.interval = interval;
    traffic.alpha = alpha;
    let fixed = |(success_rate, failures)| Rule::FixedThreshold { success_rate, failures };
    let mut rules: Vec<Rule> = thresholds.into_iter().map(fixed).collect();
    rules.extend([Rule::RepeatedZTest, Rule::RateRatio]);
    let compared =
        door::compute(py, |go_on| traffic.compare_while(&rules, runs, seed, go_on))?.py()?;
    Ok(Comparison { core: compared })
}
