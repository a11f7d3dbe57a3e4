//! The evidence against each of sixteen ratios, the bound among them, from which the alarm and the interval's low end
//! are computed.
//!
//! For each ratio the evidence is a mixture over the sizes of the harm and over the steps at which it may have begun
//! ([`Rows::begin`]). It is kept as ln(weight) + S for each size, up to the end of the last window; the requests of the
//! open window are counts.
//!
//! A ratio is excluded at α when its evidence and that of every smaller one have been 1/α at the same moment. A minimum
//! of e-processes is at most each of them, so that the probability of excluding a true ratio is at most α; and the
//! bound is excluded exactly when an alarm has been raised.
//!
//! The test of a latency's quantile has a latency for each row in place of a ratio: the canary's requests above it are
//! the bad ones, and the ratio is 1 in all rows ([`Nodes::Levels`]).

use super::{
    factors::{Alternative, Conditions, Factors},
    grid::{GRID, NODES},
};
use crate::{
    portable::{exp, ln, ln_sum_exp},
    prior::{PRIOR, SIZES},
    rate_ratio::{bursts::Damped, counts::Counts},
    stream::Window,
};

/// The sizes of the prior, and two for a harm that the plan states.
pub(super) const WIDTH: usize = SIZES + 2;

/// The part of the weight on the two sizes near a stated harm.
const STATED: f64 = 0.9;
/// The two sizes near a stated harm, as multiples of its ln odds ratio.
const NEAR: [f64; 2] = [0.8, 1.2];

/// A number for each size of harm.
pub(super) type Row = [f64; WIDTH];

/// The quantity in which the rows differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Nodes {
    /// The ratio of the null: multiples of this one.
    Ratios(f64),
    /// The latency above which the canary's requests are bad.
    Levels,
}

/// The requests of the open window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open<'a> {
    pub(super) counts: &'a Counts,
    /// The guard's values for them.
    pub(super) damped: Damped,
    /// ln of the weight of the steps that have not begun.
    pub(super) ln_left: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Rows {
    nodes: Nodes,
    /// The ratio that the test is tuned to find.
    harm: Option<f64>,
    ln_weight: Row,
    /// ln(weight) + S, up to the last window; −∞ where there is no weight.
    pub(super) sums: Vec<Row>,
    /// The largest ln E so far of each ratio and all smaller ones together.
    pub(super) largest: [f64; NODES],
    factors: Box<[[Factors; WIDTH]; NODES]>,
}

impl Rows {
    /// Evidence of 1 against every ratio; `ln_start` is ln of the weight of the first step.
    pub(super) fn new(nodes: Nodes, harm: Option<f64>, ln_start: f64) -> Self {
        let mut ln_weight = [f64::NEG_INFINITY; WIDTH];
        let rest = if harm.is_some() { ln(1.0 - STATED) } else { 0.0 };
        for (place, weight) in ln_weight.iter_mut().zip(PRIOR.ln_weight) {
            *place = weight + rest;
        }
        if harm.is_some() {
            ln_weight[SIZES..].fill(ln(STATED / NEAR.len() as f64));
        }
        Self {
            nodes,
            harm,
            ln_weight,
            sums: vec![ln_weight.map(|weight| weight + ln_start); NODES],
            largest: [0.0; NODES],
            factors: Box::new([[Factors::default(); WIDTH]; NODES]),
        }
    }

    pub(super) fn nodes(&self) -> Nodes {
        self.nodes
    }

    /// The ratio of the row at the bound.
    pub(super) fn ratio(&self) -> f64 {
        match self.nodes {
            Nodes::Ratios(ratio) => ratio,
            Nodes::Levels => 1.0,
        }
    }

    pub(super) fn harm(&self) -> Option<f64> {
        self.harm
    }

    /// A row of sums without a request.
    pub(super) fn fresh_row(&self, ln_start: f64) -> Row {
        self.ln_weight.map(|weight| weight + ln_start)
    }

    /// The number of sizes in use.
    pub(super) fn width(&self) -> usize {
        if self.harm.is_some() { WIDTH } else { SIZES }
    }

    /// The ratio at a place of the grid.
    pub(super) fn node(&self, place: usize) -> f64 {
        match self.nodes {
            Nodes::Ratios(ratio) => ratio * GRID[place],
            Nodes::Levels => 1.0,
        }
    }

    /// The requests as the row at a place sees them.
    #[inline]
    fn window(&self, place: usize, counts: &Counts) -> Window {
        match self.nodes {
            Nodes::Ratios(_) => counts.window,
            Nodes::Levels => counts.at(place),
        }
    }

    /// The sizes of the harm, as ln of odds ratios.
    fn sizes(&self, rate: f64) -> Row {
        let mut sizes = [0.0; WIDTH];
        sizes[..SIZES].copy_from_slice(&PRIOR.d);
        if let Some(harm) = self.harm {
            // The odds at the stated harm over those at the bound; for bad requests alone the ratio itself.
            let rate = rate.min(0.95 / harm.max(1.0));
            let room = (1.0 - self.ratio() * rate) / (1.0 - harm * rate);
            let stated = ln(harm / self.ratio() * room);
            for (place, near) in sizes[SIZES..].iter_mut().zip(NEAR) {
                *place = near * stated;
            }
        }
        sizes
    }

    /// Computes the factors for requests that are sent under these conditions.
    pub(super) fn set_conditions(&mut self, conditions: Conditions) {
        let sizes = self.sizes(conditions.rate);
        let width = self.width();
        let ratios: [f64; NODES] = std::array::from_fn(|place| self.node(place));
        for (factors, ratio) in self.factors.iter_mut().zip(ratios) {
            for (factor, size) in factors.iter_mut().zip(sizes).take(width) {
                *factor = Factors::new(conditions, ratio, Alternative::LnOdds(size));
            }
        }
    }

    /// Harm may begin at the step that begins now: `ln_start` is ln of its weight.
    pub(super) fn begin(&mut self, ln_start: f64) {
        let mut sums = std::mem::take(&mut self.sums);
        for row in &mut *sums {
            self.begin_row(row, ln_start);
        }
        self.sums = sums;
    }

    /// The same for one row of sums.
    pub(super) fn begin_row(&self, row: &mut Row, ln_start: f64) {
        for (sum, weight) in row.iter_mut().zip(self.ln_weight).take(self.width()) {
            *sum = ln_sum_exp(&[*sum, weight + ln_start]);
        }
    }

    /// Adds the requests of a finished window to the sums.
    pub(super) fn close(&mut self, counts: &Counts, damped: Damped) {
        let mut sums = std::mem::take(&mut self.sums);
        for (place, row) in sums.iter_mut().enumerate() {
            self.close_row(row, place, counts, damped);
        }
        self.sums = sums;
    }

    /// The same for one row of sums, against the ratio at a place.
    pub(super) fn close_row(&self, row: &mut Row, place: usize, counts: &Counts, damped: Damped) {
        let window = self.window(place, counts);
        for (sum, factor) in row.iter_mut().zip(&self.factors[place]).take(self.width()) {
            *sum += damped.of(factor.ln_product(&window));
        }
    }

    /// ln E of a row of sums against the ratio at a place, with the requests of the open window. If it is below
    /// `at_least`, any value below that may be returned.
    pub(super) fn ln_e(&self, row: &Row, place: usize, open: Open<'_>, at_least: f64) -> f64 {
        let Open { counts, damped, ln_left } = open;
        let window = self.window(place, counts);
        let mut terms = [f64::NEG_INFINITY; WIDTH];
        let mut largest = ln_left;
        let of = row.iter().zip(&self.factors[place]).take(self.width());
        for (term, (sum, factor)) in terms.iter_mut().zip(of) {
            *term = sum + damped.of(factor.ln_product(&window));
            largest = if *term > largest { *term } else { largest };
        }
        // The sum of the terms is at most their number times the largest.
        if largest + LN_TERMS < at_least {
            return largest;
        }
        let mut sum = exp(ln_left - largest);
        for term in terms {
            // What is smaller is lost in rounding.
            if term - largest > -42.0 {
                sum += exp(term - largest);
            }
        }
        largest + ln(sum)
    }

    /// The smallest ln E against the ratios up to each place.
    pub(super) fn smallest(&self, upto: usize, open: Open<'_>) -> [f64; NODES] {
        let mut smallest = [f64::NEG_INFINITY; NODES];
        let mut least = f64::INFINITY;
        for (place, smallest) in smallest.iter_mut().enumerate().take(upto + 1) {
            let row = &self.sums[place];
            least = least.min(self.ln_e(row, place, open, f64::NEG_INFINITY));
            *smallest = least;
        }
        smallest
    }

    /// Raises the maxima.
    pub(super) fn keep(&mut self, smallest: &[f64; NODES]) {
        for (largest, now) in self.largest.iter_mut().zip(smallest) {
            *largest = largest.max(*now);
        }
    }
}

/// An upper bound of ln of the number of terms.
const LN_TERMS: f64 = 3.0;
