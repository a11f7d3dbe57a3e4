//! Drift: paired differences of a bounded score.

use canary_stats::{Alpha, Drift, EProcess, Random, Result, special::normal_upper_quantile};

use crate::common::{
    ALPHA, Settings, alpha, head, means, percent, percentage, row, smallest, two, whole,
};

/// The fall of the mean that is allowed.
const MARGIN: f64 = 0.02;
/// The null's mean of u = (1 − x)/2.
const NULL: f64 = f64::midpoint(1.0, MARGIN);
/// A run is over after so many floors.
const MOST: f64 = 40.0;

/// A distribution of differences, canary − stable.
#[derive(Clone, Copy)]
enum Law {
    /// Of two scores of Beta(8, 2), the canary's shifted.
    Scores(f64),
    /// Normal, with a mean and a deviation.
    Normal(f64, f64),
    /// A tenth falls by 0.5, the others stay.
    Fall,
    /// One in fifty rises by 1, the others fall by 0.06: this ruins an adaptive bet.
    RareRise,
}

const LAWS: [(&str, Law); 7] = [
    ("two Beta(8, 2) scores, −0.08", Law::Scores(-0.08)),
    ("normal −0.04, deviation 0.05", Law::Normal(-0.04, 0.05)),
    ("normal −0.05, deviation 0.02", Law::Normal(-0.05, 0.02)),
    ("a tenth falls by 0.5", Law::Fall),
    ("normal −0.03, deviation 0.2", Law::Normal(-0.03, 0.2)),
    ("normal −0.04, deviation 0.4", Law::Normal(-0.04, 0.4)),
    ("2 % rise by 1, the others fall by 0.06", Law::RareRise),
];

impl Law {
    /// A difference, in its range.
    fn draw(self, random: &mut Random) -> f64 {
        let value = match self {
            Self::Scores(shift) => random.beta(8.0, 2.0) - random.beta(8.0, 2.0) + shift,
            Self::Normal(mean, deviation) => mean + deviation * random.normal(),
            Self::Fall => -0.5 * f64::from(u8::from(random.bernoulli(0.1))),
            Self::RareRise if random.bernoulli(0.02) => 1.0,
            Self::RareRise => -0.06,
        };
        value.clamp(-1.0, 1.0)
    }

    /// Values that stand for the law: equally likely quantiles where they are known, else draws.
    fn values(self) -> Vec<f64> {
        let mut random = Random::new(850);
        match self {
            Self::Scores(_) => (0..400_000).map(|_| self.draw(&mut random)).collect(),
            Self::Normal(mean, deviation) => (0..20_000)
                .map(|i| normal_upper_quantile((f64::from(i) + 0.5) / 20_000.0))
                .map(|z| (mean + deviation * z).clamp(-1.0, 1.0))
                .collect(),
            Self::Fall => (0..10).map(|i| if i == 0 { -0.5 } else { 0.0 }).collect(),
            Self::RareRise => (0..50).map(|i| if i == 0 { 1.0 } else { -0.06 }).collect(),
        }
    }

    /// ln(1/α) over the largest growth of ln E that a fixed bet has.
    fn floor(self) -> f64 {
        let gains: Vec<f64> =
            self.values().into_iter().map(|x| f64::midpoint(1.0, -x) - NULL).collect();
        let loss =
            |bet: f64| -> f64 { -gains.iter().map(|gain| (bet * gain).ln_1p()).sum::<f64>() };
        -ALPHA.ln() * gains.len() as f64 / -loss(smallest(0.0, 0.999 / NULL, loss))
    }
}

/// A test of the mean of u.
trait Bet: Clone + Sync {
    fn observe(&mut self, difference: f64) -> Result<()>;
    fn alarms(&self, alpha: Alpha) -> bool;
}

impl Bet for Drift {
    fn observe(&mut self, difference: f64) -> Result<()> {
        Self::observe(self, difference)
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.alarm(alpha)
    }
}

/// The past of u, as the bets need it.
#[derive(Clone, Default)]
struct Past {
    n: f64,
    sum: f64,
    /// Σ (u_i − ū_i)², ū_i the mean including u_i.
    squares: f64,
}

impl Past {
    fn mean(&self) -> f64 {
        (self.sum + 0.5) / (self.n + 1.0)
    }

    fn variance(&self) -> f64 {
        ((self.squares + 0.05) / (self.n + 1.0)).max(1e-6)
    }

    fn take(&mut self, u: f64) {
        self.n += 1.0;
        self.sum += u;
        self.squares += (u - self.mean()).powi(2);
    }
}

/// aGRAPA alone (I. Waudby-Smith, A. Ramdas, JRSS B 2024, section B.3).
#[derive(Clone, Default)]
struct Agrapa {
    past: Past,
    ln_e: f64,
}

impl Bet for Agrapa {
    fn observe(&mut self, difference: f64) -> Result<()> {
        let (u, gap) = (f64::midpoint(1.0, -difference), self.past.mean() - NULL);
        let bet = (gap / (self.past.variance() + gap * gap)).clamp(0.0, 0.99 / NULL);
        self.ln_e += (bet * (u - NULL)).ln_1p();
        self.past.take(u);
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.ln_e >= alpha.ln_threshold()
    }
}

/// The predictable plug-in empirical-Bernstein process (I. Waudby-Smith, A. Ramdas, JRSS B 2024, theorem 2).
#[derive(Clone, Default)]
struct EmpiricalBernstein {
    past: Past,
    ln_e: f64,
}

impl Bet for EmpiricalBernstein {
    fn observe(&mut self, difference: f64) -> Result<()> {
        let (u, n) = (f64::midpoint(1.0, -difference), self.past.n + 1.0);
        let scale = self.past.variance() * n * (1.0 + n).ln();
        let bet = (2.0 * (1.0 / ALPHA).ln() / scale).sqrt().min(0.5);
        let psi = -(-bet).ln_1p() - bet;
        self.ln_e += bet * (u - NULL) - (u - self.past.mean()).powi(2) * psi;
        self.past.take(u);
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.ln_e >= alpha.ln_threshold()
    }
}

/// The mean pairs to an alarm over the floor, and the percentage that has none within [`MOST`] floors.
fn cell(seed: u64, runs: u64, law: Law, floor: f64, start: &impl Bet) -> Result<String> {
    let (alpha, most) = (alpha()?, (MOST * floor) as u64);
    let [mean, missed] = means(seed, runs, |random| {
        let (mut test, mut pairs) = (start.clone(), 0);
        while pairs < most && !test.alarms(alpha) {
            test.observe(law.draw(random))?;
            pairs += 1;
        }
        Ok([pairs as f64, f64::from(u8::from(!test.alarms(alpha)))])
    })?;
    let missed = 100.0 * missed;
    let text = two(mean / floor);
    Ok(if missed > 0.5 { format!("{text}, {} missed", percent(missed)) } else { text })
}

/// Prints the mean pairs to an alarm, and the false alarms at the margin.
pub(crate) fn drift(settings: Settings) -> Result<()> {
    let (runs, alpha) = (settings.one_in(4), alpha()?);
    head(
        &format!(
            "Drift, a fall of 0.02 is allowed: mean pairs to an alarm over ln(1/α) by the largest growth of ln E, \
             {runs} runs; a run is over after 40 times the least"
        ),
        &["differences", "the least, pairs", "empirical Bernstein", "aGRAPA alone", "ours"],
    );
    for (place, (name, law)) in LAWS.into_iter().enumerate() {
        let (seed, floor) = (860 + place as u64, law.floor());
        let cells = [
            whole(floor),
            cell(seed, settings.runs, law, floor, &EmpiricalBernstein::default())?,
            cell(seed, settings.runs, law, floor, &Agrapa::default())?,
            cell(seed, runs, law, floor, &Drift::new(MARGIN)?)?,
        ];
        row(name, &cells);
    }
    println!();
    head(
        &format!("Drift: false alarms at the margin within 2 000 pairs, {runs} runs"),
        &["differences", "ours"],
    );
    let at_margin = [Law::Scores(-MARGIN), Law::Normal(-MARGIN, 0.05), Law::Normal(-MARGIN, 0.2)];
    let names = ["two Beta(8, 2) scores", "normal, deviation 0.05", "normal, deviation 0.2"];
    for (place, (name, law)) in names.into_iter().zip(at_margin).enumerate() {
        let wrong = percentage(880 + place as u64, runs, |random| {
            let mut test = Drift::new(MARGIN)?;
            for _ in 0..2_000 {
                test.observe(law.draw(random))?;
            }
            Ok(test.alarm(alpha))
        })?;
        row(name, &[percent(wrong)]);
    }
    Ok(())
}
