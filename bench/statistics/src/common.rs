//! The settings, the least number of requests and the mean, for all tables.

/// The settings of a simulated table.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// The runs of each cell.
    pub(crate) runs: u64,
}

/// KL divergence of two Bernoulli distributions.
fn divergence(p: f64, q: f64) -> f64 {
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    term(p, q) + term(1.0 - p, 1.0 - q)
}

/// The requests that no valid test undercuts on average: ln(1/α)/KL, with the divergence to the nearest pair of rates
/// whose ratio is `ratio` (A. Wald, 1945; P. Grünwald, R. de Heide, W. Koolen, 2024, theorem 1).
pub(crate) fn floor(stable: f64, canary: f64, share: f64, ratio: f64, alpha: f64) -> f64 {
    let at = |p: f64| share * divergence(canary, ratio * p) + (1.0 - share) * divergence(stable, p);
    // The divergence is convex in p: golden section.
    let (mut low, mut high) = (1e-12, (1.0 / ratio).min(1.0) - 1e-12);
    let part = (5_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..200 {
        let (a, b) = (high - part * (high - low), low + part * (high - low));
        if at(a) < at(b) { high = b } else { low = a }
    }
    (1.0 / alpha).ln() / at(f64::midpoint(low, high))
}

/// The mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
