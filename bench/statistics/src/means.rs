//! The means of a business metric in two arms, unpaired.

use canary_stats::{Alpha, EProcess, MeanDifference, Random, Result, portable::ln_sum_exp};

use crate::common::{ALPHA, Settings, alpha, head, means, percent, percentage, row, two, whole};

/// A value of the stable version or the canary.
type Law = fn(bool, &mut Random) -> f64;

fn bought(rate: f64, random: &mut Random) -> f64 {
    f64::from(u8::from(random.bernoulli(rate)))
}

/// A name, the values, their variance and the difference of the means.
struct Metric {
    name: &'static str,
    law: Law,
    variance: f64,
    difference: f64,
}

const METRICS: [Metric; 3] = [
    Metric {
        name: "revenue, Beta(2, 3), −0.02",
        law: |canary, random| random.beta(2.0, 3.0) * if canary { 0.95 } else { 1.0 },
        variance: 0.04,
        difference: 0.02,
    },
    Metric {
        name: "conversion 5 → 4 %",
        law: |canary, random| bought(if canary { 0.04 } else { 0.05 }, random),
        variance: 0.043,
        difference: 0.01,
    },
    Metric {
        name: "conversion 50 → 47 %",
        law: |canary, random| bought(if canary { 0.47 } else { 0.5 }, random),
        variance: 0.2496,
        difference: 0.03,
    },
];

/// A test of the means.
trait Test: Clone + Sync {
    fn observe(&mut self, share: f64, canary: bool, x: f64) -> Result<()>;
    fn alarms(&self, alpha: Alpha) -> bool;
}

impl Test for MeanDifference {
    fn observe(&mut self, share: f64, canary: bool, x: f64) -> Result<()> {
        Self::observe(self, share, canary, x)
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.alarm(alpha)
    }
}

/// The construction of ours at the bound alone, with parts of it left out.
#[derive(Clone)]
struct Variant {
    /// Each value less a weighted mean of the arms; else the value itself.
    centred: bool,
    /// The capital of the adaptive bet, and of seven fixed ones where there are any.
    ln_each: Vec<f64>,
    largest: f64,
    /// Number, sum and squared deviations of stable version and canary, begun with one value of a half.
    arms: [(f64, f64, f64); 2],
}

impl Variant {
    fn new(centred: bool, fixed: usize) -> Self {
        let arms = [(1.0, 0.5, 0.25); 2];
        Self { centred, ln_each: vec![0.0; 1 + fixed], largest: 0.0, arms }
    }
}

impl Test for Variant {
    fn observe(&mut self, share: f64, canary: bool, x: f64) -> Result<()> {
        let [stable, of_canary] = self.arms.map(|(n, sum, squares)| (sum / n, squares / n));
        let b = if self.centred { (1.0 - share) * of_canary.0 + share * stable.0 } else { 0.0 };
        let z = if canary { (x - b) / share } else { (b - x) / (1.0 - share) };
        let most =
            if self.centred { ((1.0 - b) / share).max(b / (1.0 - share)) } else { 1.0 / share };
        let gap = stable.0 - of_canary.0;
        // E Z² − (E Z)², which without centring has the means in it.
        let second = |(mean, variance): (f64, f64)| variance + (mean - b) * (mean - b);
        let variance = if self.centred {
            of_canary.1 / share + stable.1 / (1.0 - share)
        } else {
            second(of_canary) / share + second(stable) / (1.0 - share) - gap * gap
        };
        let lambda = (gap / (variance + gap * gap)).clamp(0.0, 0.9 / most);
        let fixed = (0..7).map(|j| 0.5 / f64::from(1 << j) / most);
        for (ln_capital, bet) in self.ln_each.iter_mut().zip(std::iter::once(lambda).chain(fixed)) {
            *ln_capital += (-bet * z).ln_1p();
        }
        let mut terms = self.ln_each.clone();
        let fixed = terms.len() - 1;
        if fixed > 0 {
            terms[0] += (fixed as f64).ln();
            self.largest = self.largest.max(ln_sum_exp(&terms) - (2.0 * fixed as f64).ln());
        } else {
            self.largest = self.largest.max(terms[0]);
        }
        let (n, sum, squares) = &mut self.arms[usize::from(canary)];
        let before = *sum / *n;
        *n += 1.0;
        *sum += x;
        *squares += (x - before) * (x - *sum / *n);
        Ok(())
    }

    fn alarms(&self, alpha: Alpha) -> bool {
        self.largest >= alpha.ln_threshold()
    }
}

fn requests(
    seed: u64,
    runs: u64,
    metric: &Metric,
    share: f64,
    floor: f64,
    test: &impl Test,
) -> Result<f64> {
    let (alpha, most) = (alpha()?, (20.0 * floor) as u64);
    let [mean] = means(seed, runs, |random| {
        let (mut test, mut requests) = (test.clone(), 0);
        while requests < most && !test.alarms(alpha) {
            let canary = random.bernoulli(share);
            test.observe(share, canary, (metric.law)(canary, random))?;
            requests += 1;
        }
        Ok([requests as f64])
    })?;
    Ok(mean / floor)
}

/// The percentage of false rollbacks of a conversion of `rate` when the real share is `wrong` times the one in force.
fn wrong_share(seed: u64, runs: u64, wrong: f64, test: &impl Test) -> Result<f64> {
    let (alpha, share) = (alpha()?, 0.3);
    percentage(seed, runs, |random| {
        let mut test = test.clone();
        for _ in 0..20_000 {
            let canary = random.bernoulli(share * wrong);
            test.observe(share, canary, bought(0.5, random))?;
        }
        Ok(test.alarms(alpha))
    })
}

/// Prints the mean requests to an alarm, and the false alarms where the share is a little wrong.
pub(crate) fn business_metrics(settings: Settings) -> Result<()> {
    let (runs, few) = (settings.one_in(4), settings.one_in(10));
    head(
        &format!(
            "Means of two arms: mean requests to an alarm over ln(1/α)·2σ²/(ρ(1 − ρ)Δ²), {runs} runs ({few} of ours)"
        ),
        &["values, share", "the least, requests", "not centred", "aGRAPA alone", "ours"],
    );
    for (place, metric) in METRICS.iter().enumerate() {
        for share in [0.1, 0.3, 0.5] {
            let seed = 900 + place as u64;
            let scale = share * (1.0 - share) * metric.difference.powi(2);
            let floor = -ALPHA.ln() * 2.0 * metric.variance / scale;
            let ours = MeanDifference::new(0.0, 0.0, 1.0)?;
            let cells = [
                whole(floor),
                two(requests(seed, runs, metric, share, floor, &Variant::new(false, 7))?),
                two(requests(seed, runs, metric, share, floor, &Variant::new(true, 0))?),
                two(requests(seed, few, metric, share, floor, &ours)?),
            ];
            row(&format!("{}, {} %", metric.name, 100.0 * share), &cells);
        }
    }
    println!();
    head(
        &format!(
            "Means of two arms: false rollbacks of a conversion of 50 % in both arms, 20 000 requests, share 30 %, \
             {runs} runs ({few} of ours)"
        ),
        &["the real share", "not centred", "ours"],
    );
    for wrong in [0.97, 1.0, 1.03] {
        let cells = [
            percent(wrong_share(910, runs, wrong, &Variant::new(false, 7))?),
            percent(wrong_share(910, few, wrong, &MeanDifference::new(0.0, 0.0, 1.0)?)?),
        ];
        row(&format!("{:.1} %", 30.0 * wrong), &cells);
    }
    Ok(())
}
