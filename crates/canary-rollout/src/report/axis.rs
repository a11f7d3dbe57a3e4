//! Round ticks for the axes of charts.

/// The most ticks on an axis of values.
const MOST: f64 = 4.0;
/// The most ticks on an axis of time, besides 0.
const MOST_TIMES: f64 = 5.0;
/// The most decimals of a label.
const MOST_DECIMALS: usize = 6;

/// The ticks of an axis from `low` to `high`: multiples of 1, 2 or 5 times a power of ten, at least two of them.
pub(super) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let step = round_step((high - low) / MOST);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let mut ticks = Vec::new();
    let mut tick = first;
    while tick <= last {
        ticks.push(tick * step);
        tick += 1.0;
    }
    if ticks.len() < 2 { vec![low, high] } else { ticks }
}

/// The ticks of a time axis from 0 to that many seconds: whole seconds, minutes or hours where the axis is long enough.
pub(super) fn time_ticks(seconds: f64) -> Vec<f64> {
    let (unit, symbol) = time_unit(seconds);
    let least = seconds / unit / MOST_TIMES;
    let divisions: &[f64] = match symbol {
        "min" => &[1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0],
        "h" => &[1.0, 2.0, 3.0, 6.0, 12.0, 24.0],
        _ => &[],
    };
    let division = divisions.iter().copied().find(|division| *division >= least);
    let step = unit * division.unwrap_or_else(|| round_step(least));
    let mut ticks = vec![0.0];
    while let Some(last) =
        ticks.last().copied().filter(|last| last + step <= seconds * (1.0 + 1e-9))
    {
        ticks.push(last + step);
    }
    ticks
}

/// The unit in which an axis of that length is labelled, in seconds, and its symbol.
pub(super) fn time_unit(seconds: f64) -> (f64, &'static str) {
    if seconds < 180.0 {
        (1.0, "s")
    } else if seconds < 3.0 * 3600.0 {
        (60.0, "min")
    } else if seconds < 3.0 * 86_400.0 {
        (3600.0, "h")
    } else {
        (86_400.0, "d")
    }
}

/// A number with as many decimals as its neighbours on the axis need to differ.
pub(super) fn tick_label(value: f64, step: f64) -> String {
    let (mut decimals, mut scaled) = (0, step);
    while decimals < MOST_DECIMALS && (scaled - scaled.round()).abs() > 1e-6 {
        scaled *= 10.0;
        decimals += 1;
    }
    // No "-0".
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    format!("{value:.decimals$}")
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let least = least.max(1e-9);
    let magnitude = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|multiple| multiple * magnitude);
    steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let shown = |low, high| {
            let ticks = ticks(low, high);
            let step = ticks[1] - ticks[0];
            ticks.iter().map(|tick| tick_label(*tick, step)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(0.0, 1.0), "0.0 0.5 1.0");
        assert_eq!(shown(0.0, 100.0), "0 50 100");
        assert_eq!(shown(-1.0, 1.0), "-1.0 -0.5 0.0 0.5 1.0");
        assert_eq!(shown(0.93, 0.951), "0.93 0.94 0.95");
        assert_eq!(shown(0.0, 7.3), "0 2 4 6");
        for (low, high) in [(0.0, 1e-4), (-3.7, 12.0), (0.31, 0.32), (5.0, 5000.0)] {
            let ticks = ticks(low, high);
            assert!(ticks.len() >= 2 && ticks.len() <= 6, "{ticks:?}");
            assert!(ticks.iter().all(|tick| (low..=high).contains(tick)), "{ticks:?}");
        }
    }

    #[test]
    fn times_are_whole_units() {
        assert_eq!(time_ticks(1.3), [0.0, 0.5, 1.0]);
        assert_eq!(time_ticks(42.0), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(time_ticks(90.0), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(time_ticks(600.0), [0.0, 120.0, 240.0, 360.0, 480.0, 600.0]);
        assert_eq!(time_ticks(7200.0), [0.0, 1800.0, 3600.0, 5400.0, 7200.0]);
        assert_eq!(time_ticks(86_400.0), [0.0, 21_600.0, 43_200.0, 64_800.0, 86_400.0]);
    }
}
