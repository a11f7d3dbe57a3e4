//! A test of a ratio as it is stored: everything, to the bit.

use serde::{Deserialize, Serialize};

use super::{
    RateRatio,
    bursts::Bursts,
    counts::Counts,
    factors::Conditions,
    grid::NODES,
    proof::Segments,
    rows::{Nodes, Row, Rows, WIDTH},
};
use crate::{
    dispersion::Dispersion,
    e_process::Alpha,
    error::{Result, StatsError, check, closed_unit, max_ln_e, positive},
    exact, matrix,
    stream::Window,
};

/// The stored form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Saved {
    #[serde(with = "exact")]
    ratio: f64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    harm: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    margin: Option<f64>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    starts: u32,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    begun: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_millis: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bad_only: bool,
    /// Share and rate; none before the first request.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    share: Option<f64>,
    #[serde(with = "exact")]
    rate: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    opened: u64,
    #[serde(default)]
    open: [u64; 4],
    /// The canary's requests of the open window above each latency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open_above: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bursts: Option<Bursts>,
    stable: u64,
    stable_bad: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    guessed_at: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    of_step: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    lost: u64,
    segments: Segments,
    rows: String,
    largest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    suspected_at: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unconfirmed_until: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    uninformative: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispersion: Option<Box<Dispersion>>,
}

fn one() -> u32 {
    1
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<RateRatio> for Saved {
    fn from(test: RateRatio) -> Self {
        let width = test.rows.width();
        let of_row = |row: &Row| matrix::encode(row.iter().take(width).copied());
        let Window { canary, canary_bad, stable, stable_bad } = test.open.window;
        Self {
            ratio: test.rows.ratio(),
            harm: test.rows.harm(),
            margin: test.margin,
            starts: test.starts,
            begun: test.begun,
            window_millis: test.window_millis,
            bad_only: test.bad_only,
            share: Some(test.conditions.share).filter(|share| !share.is_nan()),
            rate: test.conditions.rate,
            opened: test.opened,
            open: [canary, canary_bad, stable, stable_bad],
            open_above: test.open.saved_above(),
            bursts: test.window_millis.map(|_| test.bursts),
            stable: test.stable,
            stable_bad: test.stable_bad,
            guessed_at: test.guessed_at,
            of_step: test.of_step,
            lost: test.lost,
            segments: test.segments,
            rows: matrix::encode(
                test.rows.sums.iter().flat_map(|row| row.iter().take(width).copied()),
            ),
            largest: matrix::encode(test.rows.largest),
            plain: test.plain.as_ref().map(|plain| of_row(&plain.sums)),
            suspected_at: test.plain.as_ref().map(|plain| plain.ln_threshold),
            unconfirmed_until: test.plain.as_ref().and_then(|plain| plain.until),
            uninformative: test.uninformative,
            dispersion: test.dispersion,
        }
    }
}

/// The stored form; everything else is computed from it.
impl std::fmt::Debug for RateRatio {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", Saved::from(self.clone()));
        write!(formatter, "RateRatio{}", text.trim_start_matches("Saved"))
    }
}

/// Two tests are equal when everything that is stored of them is.
impl PartialEq for RateRatio {
    fn eq(&self, other: &Self) -> bool {
        Saved::from(self.clone()) == Saved::from(other.clone())
    }
}

impl TryFrom<Saved> for RateRatio {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let test = Self::new(saved.ratio)?;
        saved.restore(test)
    }
}

impl Saved {
    /// The stored test; `test` is a new one of the same nodes.
    pub(crate) fn restore(self, mut test: RateRatio) -> Result<RateRatio> {
        let saved = self;
        let levels = test.rows.nodes() == Nodes::Levels;
        let plain = saved.ratio == 1.0 && !saved.bad_only && saved.harm.or(saved.margin).is_none();
        check("ratio", saved.ratio, "1 without a margin for latencies", plain || !levels)?;
        if let Some(harm) = saved.harm {
            test = test.tuned(harm)?;
        }
        if let Some(margin) = saved.margin {
            test = test.margin(margin)?;
        }
        let holds = 1 <= saved.begun && saved.begun <= saved.starts;
        check("begun", f64::from(saved.begun), "a number from 1 to that of the steps", holds)?;
        (test.starts, test.begun) = (saved.starts, saved.begun);
        if let Some(millis) = saved.window_millis {
            // The level comes from what is stored, below.
            test = test.bursts(millis, Alpha::new(0.5)?)?;
        }
        if saved.bad_only {
            test = test.bad_only();
        }
        let share = saved.share.map_or(Ok(f64::NAN), |share| {
            check("share", share, "a number between 0 and 1", share > 0.0 && share < 1.0)
        })?;
        test.conditions = Conditions { share, rate: closed_unit("rate", saved.rate)? };
        test.opened = saved.opened;
        test.open = Counts::restore(saved.open, &saved.open_above)
            .filter(|open| open.are_possible(levels))
            .ok_or_else(|| impossible("open"))?;
        let segments = saved.segments.as_slice();
        if !segments.iter().all(|segment| segment.counts.are_possible(levels)) {
            return Err(impossible("segments"));
        }
        test.bursts = saved.bursts.unwrap_or_default();
        (test.stable, test.stable_bad) = (saved.stable, saved.stable_bad);
        test.guessed_at = saved.guessed_at;
        (test.of_step, test.lost) = (saved.of_step, saved.lost);
        test.segments = saved.segments;
        restore_rows(&mut test.rows, &saved.rows, &saved.largest)?;
        if let Some(plain) = &mut test.plain {
            let width = test.rows.width();
            plain.sums = row(&matrix::decode("plain", &saved.plain.unwrap_or_default(), width)?);
            plain.ln_threshold = positive("suspected_at", saved.suspected_at.unwrap_or(f64::NAN))?;
            plain.until = saved.unconfirmed_until;
        }
        (test.uninformative, test.dispersion) = (saved.uninformative, saved.dispersion);
        if saved.share.is_some() {
            test.prepare();
        }
        Ok(test)
    }
}

/// The error for counts that contradict each other.
fn impossible(name: &'static str) -> StatsError {
    let expected = "counts with no more bad requests than requests, and no more above a latency than above a lower one";
    StatsError { name, value: f64::NAN, expected }
}

fn restore_rows(rows: &mut Rows, text: &str, largest: &str) -> Result<()> {
    let width = rows.width();
    let numbers = matrix::decode("rows", text, width * NODES)?;
    rows.sums = numbers.chunks_exact(width).map(row).collect();
    for (place, largest) in rows.largest.iter_mut().zip(matrix::decode("largest", largest, NODES)?)
    {
        *place = max_ln_e(largest)?;
    }
    Ok(())
}

/// A row of as many numbers as are in use; the others have no weight.
fn row(numbers: &[f64]) -> Row {
    let mut row = [f64::NEG_INFINITY; WIDTH];
    row[..numbers.len()].copy_from_slice(numbers);
    row
}
