//! Requests to an alarm of the error ratio, over the floor.

use canary_stats::{RateRatio, Result};

use crate::{
    arms::Arms,
    common::{Settings, alpha, floor, head, means, percent, row, two, whole},
    rules::{PlugIn, Rule, SevenFactors},
};

/// Stable rate, canary rate, share.
const CELLS: [(f64, f64, f64); 11] = [
    (0.001, 0.003, 0.05),
    (0.001, 0.01, 0.01),
    (0.01, 0.011, 0.5),
    (0.01, 0.015, 0.1),
    (0.01, 0.02, 0.1),
    (0.01, 0.02, 0.3),
    (0.01, 0.05, 0.1),
    (0.05, 0.075, 0.3),
    (0.05, 0.1, 0.1),
    (0.1, 0.12, 0.5),
    (0.5, 0.6, 0.3),
];

/// The mean requests to an alarm over the floor, and the percentage of the runs that have none within 50 floors, where
/// they are over.
fn floors(
    runs: u64,
    arms: Arms,
    floor: f64,
    test: &(impl Rule + Clone + Sync),
) -> Result<[f64; 2]> {
    let (most, alpha) = ((50.0 * floor) as u64, alpha()?);
    let [mean, never] = means(401, runs, |random| {
        let (mut test, mut requests) = (test.clone(), 0);
        while requests < most && !test.alarms(alpha) {
            requests += arms.feed(&mut test, requests, random)?;
        }
        Ok([requests as f64, f64::from(u8::from(!test.alarms(alpha)))])
    })?;
    Ok([mean / floor, 100.0 * never])
}

/// The cell of a test: the mean, or how many runs have no alarm where that is more than one in a hundred.
fn cell(runs: u64, arms: Arms, floor: f64, test: &(impl Rule + Clone + Sync)) -> Result<String> {
    let [mean, never] = floors(runs, arms, floor, test)?;
    Ok(if never > 1.0 { format!("{} never", percent(never)) } else { two(mean) })
}

/// Prints the mean requests to an alarm over the floor: of seven fixed factors and of the plug-in test; ours on bad
/// requests alone, on all, with the guard against bursts, and with three starts.
pub(crate) fn requests_to_an_alarm(settings: Settings) -> Result<()> {
    let alpha = alpha()?;
    head(
        &format!("Error ratio: mean requests to an alarm over ln(1/α)/KL, {} runs", settings.runs),
        &[
            "errors, share of the canary",
            "the least, requests",
            "seven fixed factors, bad requests",
            "plug-in rates",
            "ours, bad requests",
            "ours",
            "with the guard",
            "and with three starts",
        ],
    );
    for (stable, canary, share) in CELLS {
        let arms = Arms::new(stable, canary, share);
        let floor = floor(stable, canary, share, 1.0);
        let window = ((floor / 50.0) as u64).max(1);
        let mut cells = vec![whole(floor)];
        // Hundreds of thousands of requests a run, and ten million where a rule is blind: fewer runs.
        let long = floor > 1e5;
        let runs = if long { settings.one_in(10) } else { settings.runs };
        cells.push(cell(runs, arms, floor, &SevenFactors::default())?);
        // Request by request, and slow: a tenth of the runs.
        cells.push(if long {
            "–".to_owned()
        } else {
            cell(settings.one_in(10), arms, floor, &PlugIn::default())?
        });
        for test in [
            RateRatio::new(1.0)?.bad_only(),
            RateRatio::new(1.0)?,
            RateRatio::new(1.0)?.bursts(window, alpha)?,
            RateRatio::new(1.0)?.starts(3).bursts(window, alpha)?,
        ] {
            cells.push(cell(runs, arms, floor, &test)?);
        }
        row(&arms.name(), &cells);
    }
    Ok(())
}
