//! Group-sequential looks, and a comparison that was published.

use canary_stats::{
    EProcess, GroupSequential, RateRatio, Result, Spending, Window, special::normal_upper_quantile,
};

use crate::{
    arms::Arms,
    common::{ALPHA, Settings, alpha, head, in_parallel, percent, percentages, row},
};

/// Prints the powers at a fixed end, and those of the published comparison beside the same rules simulated here.
pub(crate) fn sequential(settings: Settings) -> Result<()> {
    planned(settings)?;
    println!();
    published(settings)
}

/// 20 000 requests, a tenth to the canary, 20 looks.
fn planned(settings: Settings) -> Result<()> {
    let (runs, alpha, looks, share) = (settings.runs, alpha()?, 20, 0.1);
    head(
        &format!(
            "Group-sequential: rollbacks within 20 000 requests, 20 looks, share 10 %, errors of 1 % in the stable \
             version, {runs} runs"
        ),
        &[
            "errors of the canary",
            "O'Brien–Fleming type",
            "Pocock type",
            "ours, after every request",
        ],
    );
    let spendings = [Spending::OBrienFleming, Spending::Pocock];
    let new = |spending| GroupSequential::new(1.0, 20_000, looks, spending, alpha);
    let mut most = [0.0_f64; 2];
    for canary in [0.01, 0.02] {
        let arms = Arms::new(0.01, canary, share);
        let found = in_parallel(920, runs, |random| {
            let mut planned = [new(spendings[0])?, new(spendings[1])?];
            let mut anytime = RateRatio::new(1.0)?;
            let (mut requests, mut next) = (0, 0);
            let mut seen = (0, 0);
            while next < looks {
                let (good_canary, good_stable, of_canary) = arms.next(random);
                let at = requests + good_canary + good_stable + 1;
                // The looks before this bad request.
                while next < looks && at > u64::from(next + 1) * 1_000 {
                    for test in &mut planned {
                        test.observe_counts(share, 1_000, seen.0, seen.1)?;
                    }
                    (seen, next) = ((0, 0), next + 1);
                }
                if at > 20_000 {
                    break;
                }
                let good = Window { canary: good_canary, stable: good_stable, ..Window::default() };
                anytime.observe_counts(requests, share, &good)?;
                anytime.observe(at, share, of_canary, true)?;
                *if of_canary { &mut seen.0 } else { &mut seen.1 } += 1;
                requests = at;
            }
            let [first, second] = planned;
            let spent = [first.spent(), second.spent()];
            let anytime = anytime.alarm(alpha);
            Ok(([first.alarm(), second.alarm(), anytime], spent))
        })?;
        let of = |place: usize| {
            let count = found.iter().filter(|(alarms, _)| alarms[place]).count();
            percent(100.0 * count as f64 / runs as f64)
        };
        for (_, spent) in &found {
            for (most, spent) in most.iter_mut().zip(spent) {
                *most = most.max(*spent);
            }
        }
        row(&format!("{} %", 100.0 * canary), &[of(0), of(1), of(2)]);
    }
    let spent = |most: f64| format!("{:.3} %", 100.0 * most);
    row("the most of α that a run spent", &[spent(most[0]), spent(most[1]), "–".to_owned()]);
    Ok(())
}

/// Requests of both arms in the published comparison.
const REQUESTS: u64 = 9_000;
/// The looks of its group-sequential test.
const LOOKS: u64 = 10;

/// The difference of the rates, and the harmonic number of requests of an arm, that a rule of means looks at.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Requests and ones of stable version and canary.
    counts: [(f64, f64); 2],
}

impl Seen {
    fn difference(&self) -> f64 {
        let [stable, canary] = self.counts.map(|(n, ones)| ones / n);
        canary - stable
    }

    /// n with 2σ²/n the variance of the difference.
    fn size(&self) -> f64 {
        let [stable, canary] = self.counts.map(|(n, _)| n);
        2.0 * stable * canary / (stable + canary)
    }
}

/// The variance of a value that the published comparison takes for known.
const VARIANCE: f64 = 0.1 * 0.9;

/// GAVI: the normal-mixture boundary (S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Annals of Statistics 49(2), 2021,
/// formulas 14 and 21), one-sided at α as the two-sided one at 2α, tuned for `tuned` values of an arm.
fn gavi(seen: &Seen, tuned: f64) -> bool {
    let ln_level = -2.0 * (2.0 * ALPHA).ln();
    let rho = tuned / ((1.0 + ln_level).ln() + ln_level);
    let n = seen.size();
    let boundary = ((n + rho) * (((n + rho) / rho).ln() + ln_level)).sqrt();
    seen.difference() * n > (2.0 * VARIANCE).sqrt() * boundary
}

/// mSPRT: the mixture of likelihood ratios over normal differences (R. Johari, P. Koomen, L. Pekelis, D. Walsh,
/// Operations Research 70(3), 2022) with the deviation `tau`, one-sided at α as the two-sided one at 2α.
fn msprt(seen: &Seen, tau: f64) -> bool {
    let (v, difference) = (2.0 * VARIANCE / seen.size(), seen.difference());
    let total = v + tau * tau;
    let ln_ratio = 0.5 * (v / total).ln() + difference * difference * tau * tau / (2.0 * v * total);
    difference > 0.0 && ln_ratio >= -(2.0 * ALPHA).ln()
}

/// Critical values of z at equally distant looks with α t² spent (K. K. G. Lan, D. L. DeMets, Biometrika 70, 1983; K.
/// Kim, D. L. DeMets, Biometrika 74, 1987), by numerical integration of the distribution of the sum over a grid.
fn critical_values() -> Vec<f64> {
    const HALF: usize = 1_500;
    let step = 8.0 / HALF as f64 * (LOOKS as f64).sqrt();
    let place = |i: usize| (i as f64 - HALF as f64) * step;
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let kernel: Vec<f64> = (0..=2 * HALF).map(|i| density(place(i)) * step).collect();
    let mut mass: Vec<f64> = kernel.clone();
    let mut values = Vec::new();
    for look in 1..=LOOKS {
        if look > 1 {
            let alive = mass.iter().rposition(|mass| *mass > 0.0).unwrap_or(0);
            let near = (8.0 / step) as usize;
            mass = (0..=2 * HALF)
                .map(|to| {
                    let from = to.saturating_sub(near)..=(to + near).min(alive);
                    from.map(|from| mass[from] * kernel[(HALF + to).saturating_sub(from)]).sum()
                })
                .collect();
        }
        let spends = |look: u64| ALPHA * (look as f64 / LOOKS as f64).powi(2);
        let mut left = spends(look) - spends(look - 1);
        let mut at = mass.len();
        while at > 0 && mass[at - 1] <= left {
            at -= 1;
            left -= mass[at];
            mass[at] = 0.0;
        }
        // Between two places of the grid.
        let part = if at > 0 { left / mass[at - 1] } else { 0.0 };
        values.push((place(at) - (0.5 + part) * step) / (look as f64).sqrt());
        if at > 0 {
            mass[at - 1] -= left;
        }
    }
    values
}

fn published(settings: Settings) -> Result<()> {
    let runs = settings.runs;
    let bounds = critical_values();
    let fixed = normal_upper_quantile(ALPHA);
    let simulate = |harm: f64| {
        let level = alpha()?;
        percentages(930, runs, |random| {
            let mut seen = Seen::default();
            let mut general = RateRatio::new(1.0)?;
            let mut tuned = RateRatio::new(1.0)?.tuned(1.2)?;
            let mut found = [false; 7];
            for request in 1..=REQUESTS {
                let canary = random.bernoulli(0.5);
                let bad = random.bernoulli(if canary { 0.1 * harm } else { 0.1 });
                let (n, ones) = &mut seen.counts[usize::from(canary)];
                (*n, *ones) = (*n + 1.0, *ones + f64::from(u8::from(bad)));
                general.observe(request, 0.5, canary, bad)?;
                tuned.observe(request, 0.5, canary, bad)?;
                if seen.counts.iter().any(|arm| arm.0 < 1.0) {
                    continue;
                }
                let z = seen.difference() * (seen.size() / (2.0 * VARIANCE)).sqrt();
                if request.is_multiple_of(REQUESTS / LOOKS) {
                    found[1] |= z > bounds[(request / (REQUESTS / LOOKS)) as usize - 1];
                }
                found[0] = z > fixed;
                // The mixture's deviation is the difference seen so far, as it was published; or the real one.
                found[2] = found[2] || msprt(&seen, seen.difference());
                found[3] = found[3] || msprt(&seen, 0.02);
                found[4] = found[4] || gavi(&seen, (REQUESTS / 2) as f64);
            }
            found[5] = general.alarm(level);
            found[6] = tuned.alarm(level);
            Ok(found)
        })
    };
    let found = [simulate(1.0)?, simulate(1.1)?, simulate(1.2)?];
    head(
        &format!(
            "A published comparison: a rise from 10 % to 12 % within 4 500 requests of each arm, one-sided 5 %, {runs} runs"
        ),
        &["rule", "10 → 12 %, as published", "10 → 12 %", "10 → 11 %", "false alarms", "looks"],
    );
    let rules = [
        ("fixed sample", "93.0 %", "one, at the end"),
        ("group-sequential, α t²", "91.5 %", "ten, planned"),
        ("mSPRT, its mixture from the same data", "79.6 %", "every request"),
        ("mSPRT, tuned for 10 → 12 %", "–", "every request"),
        ("GAVI, tuned for the end", "76.7 %", "every request"),
        ("ours, nothing stated", "–", "every request"),
        ("ours, `harm` 1.2", "–", "every request"),
    ];
    for (place, (name, published, looks)) in rules.into_iter().enumerate() {
        let [none, half, whole] = found.map(|found| percent(found[place]));
        row(name, &[published.to_owned(), whole, half, none, looks.to_owned()]);
    }
    Ok(())
}
