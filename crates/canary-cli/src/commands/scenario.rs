//! The assumptions of a simulation on the command line.

use canary_core::rollout::{Rates, Scenario};

/// The assumed harm; both versions are equal in everything that is not stated.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "The assumed traffic")]
pub(crate) struct Assumed {
    /// The requests per second that the weights divide.
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    pub(crate) rate: f64,
    /// The error rates of the stable version and of the canary, from 0 to 1.
    #[arg(long, value_name = "STABLE,CANARY", value_parser = two)]
    errors: Option<(f64, f64)>,
    /// The shares of slow requests of the stable version and of the canary, from 0 to 1.
    #[arg(long, value_name = "STABLE,CANARY", value_parser = two)]
    slow: Option<(f64, f64)>,
    /// The share of pairs on which both versions agree, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    agreement: Option<f64>,
    /// The canary's latencies as a multiple of the stable version's, for quantileRatio.
    #[arg(long, value_name = "RATIO")]
    latency_ratio: Option<f64>,
    /// The means of the guardrails `mean` for the stable version and for the canary, as parts of the range, from 0 to 1.
    #[arg(long, value_name = "STABLE,CANARY", value_parser = two)]
    mean: Option<(f64, f64)>,
    /// Pairs of answers per second; by default a tenth of the requests.
    #[arg(long, value_name = "N")]
    pairs_per_second: Option<f64>,
    /// The difference between the canary's share of the traffic and its weight, in percentage points.
    #[arg(long, value_name = "POINTS", allow_hyphen_values = true)]
    split_error: Option<f64>,
}

fn two(text: &str) -> Result<(f64, f64), String> {
    let numbers = text.split_once(',').and_then(|(stable, canary)| {
        Some((stable.trim().parse().ok()?, canary.trim().parse().ok()?))
    });
    numbers.ok_or_else(|| "expected two numbers, such as 0.01,0.02".to_owned())
}

impl Assumed {
    /// The canary that is no worse: 1 % of the requests fail, 5 % are slow, 97 % of the pairs agree.
    pub(crate) fn healthy(&self) -> Scenario {
        let pairs = self.pairs_per_second.unwrap_or(self.rate / 10.0);
        Scenario::new(self.rate).errors(0.01, 0.01).slow(0.05, 0.05).pairs(pairs, 0.97)
    }

    /// The stated harm; `None` when none is stated.
    pub(crate) fn stated(&self) -> Option<Scenario> {
        let mut scenario = self.healthy();
        let stated = self.errors.is_some()
            || self.slow.is_some()
            || self.agreement.is_some()
            || self.latency_ratio.is_some()
            || self.mean.is_some()
            || self.split_error.is_some();
        if let Some((stable, canary)) = self.errors {
            scenario = scenario.errors(stable, canary);
        }
        if let Some((stable, canary)) = self.slow {
            scenario = scenario.slow(stable, canary);
        }
        if let Some(agreement) = self.agreement {
            scenario.agreement = agreement;
        }
        if let Some(ratio) = self.latency_ratio {
            scenario.latency_ratio = ratio;
        }
        if let Some((stable, canary)) = self.mean {
            scenario.mean = Rates { stable, canary };
        }
        if let Some(points) = self.split_error {
            scenario.split_error = points;
        }
        stated.then_some(scenario)
    }
}
