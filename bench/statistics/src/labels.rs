//! Labels that come late: pairs in order of sending and in order of arrival.

use canary_stats::{EProcess, Labelled, Random, Result};

use crate::common::{Settings, alpha, head, percent, percentage, row};

/// Two models equally good, each better on one of two classes that are equally frequent.
pub(crate) struct Classes {
    /// The mean hours until the label of each class comes; the delays are exponential.
    pub(crate) delays: [f64; 2],
    /// Pairs sent each hour, and for how many hours.
    pub(crate) per_hour: f64,
    pub(crate) hours: f64,
}

/// The part of the pairs in which one model alone is right.
const DISCORDANT: f64 = 0.2;
/// In how many of those of the first class the stable model is right; of the second class the canary.
const BETTER: f64 = 0.7;

/// Labels of one class within an hour, of the other after three days.
pub(crate) const SLOW: Classes = Classes { delays: [1.0, 72.0], per_hour: 30.0, hours: 96.0 };
/// Delays that say nothing of the input.
const RANDOM: Classes = Classes { delays: [72.0, 72.0], ..SLOW };

/// A discordant pair: when its label comes after it was sent at `sent`, and whether the stable model alone is right.
struct Pair {
    sent: f64,
    delay: f64,
    stable: bool,
}

impl Classes {
    /// The discordant pairs in order of sending.
    fn pairs(&self, random: &mut Random) -> Vec<Pair> {
        let pairs = (self.per_hour * self.hours) as u64;
        let mut discordant = Vec::new();
        for n in 0..pairs {
            if !random.bernoulli(DISCORDANT) {
                continue;
            }
            let slow = random.bernoulli(0.5);
            let stable = random.bernoulli(if slow { 1.0 - BETTER } else { BETTER });
            let delay = -self.delays[usize::from(slow)] * random.open_uniform().ln();
            discordant.push(Pair { sent: n as f64 / self.per_hour, delay, stable });
        }
        discordant
    }

    /// The percentage of false rollbacks when pairs are taken in order of sending, with the labels that come within
    /// `horizon` hours; in order of arrival where there is no horizon.
    pub(crate) fn false_rollbacks(
        &self,
        seed: u64,
        runs: u64,
        horizon: Option<f64>,
    ) -> Result<f64> {
        let alpha = alpha()?;
        percentage(seed, runs, |random| {
            let mut pairs = self.pairs(random);
            if let Some(horizon) = horizon {
                pairs.retain(|pair| pair.delay <= horizon);
            } else {
                pairs.retain(|pair| pair.sent + pair.delay <= self.hours);
                pairs.sort_by(|a, b| (a.sent + a.delay).total_cmp(&(b.sent + b.delay)));
            }
            let mut test = Labelled::new();
            for pair in &pairs {
                test.observe(pair.stable, !pair.stable);
            }
            Ok(test.alarm(alpha))
        })
    }
}

/// Prints the false rollbacks by the order in which labels are taken.
pub(crate) fn late_labels(settings: Settings) -> Result<()> {
    let runs = settings.runs;
    head(
        &format!(
            "Labels after 1 h for one class and 72 h for the other, two models equally good, each better on one class: \
             false rollbacks, {runs} runs"
        ),
        &["order", "labels of the slow class that count", "false rollbacks"],
    );
    for (name, classes, horizon, part) in [
        ("arrival, within four days", SLOW, None, "those that have come"),
        ("sending, labels within 72 h", SLOW, Some(72.0), "63 %"),
        ("sending, labels within 400 h", SLOW, Some(400.0), "99.6 %"),
        ("arrival, delays that do not depend on the class", RANDOM, None, "those that have come"),
    ] {
        let found = classes.false_rollbacks(720, runs, horizon)?;
        row(name, &[part.to_owned(), percent(found)]);
    }
    Ok(())
}
