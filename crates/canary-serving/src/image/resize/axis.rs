//! The source positions that make an output position along one axis, and their weights.
//!
//! The formulas are those of TensorFlow's kernels `ResizeBilinear`, `ResizeBicubic`, `ResizeArea`,
//! `ResizeNearestNeighbor` (each with half-pixel centres), `ScaleAndTranslate` and `CropAndResize`, in 32-bit floats as
//! there.

use std::ops::Range;

use super::filter::{Filter, gaussian, keys_cubic, lanczos, mitchell_cubic, triangle};
use crate::image::fit::Window;

/// One output position made of two source positions: `lower + (upper - lower) * t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) t: f32,
}

/// Output positions that are each a weighted sum of `count` neighbours from `starts` on.
#[derive(Clone, Debug)]
pub(crate) struct Taps {
    count: usize,
    starts: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// `spans` gives each output position's first source position and weights, all within `length`.
    fn new(length: usize, spans: &[(usize, Vec<f32>)]) -> Self {
        let count = spans.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1).min(length);
        let mut axis = Self { count, starts: Vec::new(), weights: Vec::new() };
        for (start, weights) in spans {
            // Shorter spans, at the ends, are filled with weights of zero on pixels that exist.
            let shifted = (*start).min(length - count);
            let before = start - shifted;
            axis.starts.push(shifted);
            axis.weights.extend(std::iter::repeat_n(0.0, before));
            axis.weights.extend(weights);
            axis.weights.resize(axis.starts.len() * count, 0.0);
        }
        axis
    }

    pub(crate) fn at(&self, index: usize) -> (usize, &[f32]) {
        (self.starts[index], &self.weights[index * self.count..][..self.count])
    }
}

/// One axis of a resize.
#[derive(Clone, Debug)]
pub(crate) enum Axis {
    /// Output positions that are each made of two source positions.
    Pair(Vec<Pair>),
    Taps(Taps),
}

/// One side of a resize: the positions that an axis makes, from place `at` of the result on.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) axis: Axis,
    pub(crate) at: usize,
}

impl Side {
    /// The side that shows a window of the whole image.
    pub(crate) fn of_window(filter: Filter, antialias: bool, from: usize, window: &Window) -> Self {
        let axis = Axis::new(filter, antialias, from, window.length, window.shown.clone());
        Self { axis, at: window.at }
    }

    /// `CropAndResize`: `to` positions from `first` to `last`, fractions of the side whose corners are 0 and 1; those
    /// outside of it are left out.
    pub(crate) fn of_box(nearest: bool, (first, last): (f32, f32), from: usize, to: usize) -> Self {
        let end = float(from - 1);
        let step = if to > 1 { (last - first) * end / float(to - 1) } else { 0.0 };
        let place = |x: usize| {
            if to > 1 { first * end + float(x) * step } else { 0.5 * (first + last) * end }
        };
        let pair = |at: f32| {
            if nearest {
                let at = bound(at.round(), from);
                return Pair { lower: at, upper: at, t: 0.0 };
            }
            Pair { lower: bound(at, from), upper: bound(at.ceil(), from), t: at - at.floor() }
        };
        let inside = |&x: &usize| (0.0..=end).contains(&place(x));
        // The places ascend or descend evenly: those inside follow one another.
        let at = (0..to).find(inside).unwrap_or(to);
        let pairs = (at..to).take_while(inside).map(|x| pair(place(x))).collect();
        Self { axis: Axis::Pair(pairs), at }
    }
}

impl Axis {
    /// The positions `shown` of the `to` that `from` source positions become; neither is zero.
    pub(crate) fn new(
        filter: Filter,
        antialias: bool,
        from: usize,
        to: usize,
        shown: Range<usize>,
    ) -> Self {
        let kernel: (fn(f32) -> f32, f32) = match (filter, antialias) {
            (Filter::Bilinear, false) => return Self::Pair(bilinear(from, to, shown)),
            (Filter::Nearest, _) => return Self::Pair(nearest(from, to, shown)),
            (Filter::Bicubic, false) => return Self::taps(from, &bicubic(from, to, shown)),
            (Filter::Area, _) => return Self::taps(from, &area(from, to, shown)),
            (Filter::Bilinear, true) => (triangle, 1.0),
            (Filter::Bicubic, true) => (keys_cubic, 2.0),
            (Filter::Lanczos3, _) => (lanczos::<3>, 3.0),
            (Filter::Lanczos5, _) => (lanczos::<5>, 5.0),
            (Filter::Gaussian, _) => (gaussian, 1.5),
            (Filter::MitchellCubic, _) => (mitchell_cubic, 2.0),
        };
        Self::taps(from, &scaled(kernel, antialias, from, to, shown))
    }

    fn taps(from: usize, spans: &[(usize, Vec<f32>)]) -> Self {
        Self::Taps(Taps::new(from, spans))
    }

    /// The number of positions.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Pair(pairs) => pairs.len(),
            Self::Taps(taps) => taps.starts.len(),
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn float(position: usize) -> f32 {
    position as f32
}

/// A position given as a float, moved onto the axis.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bound(position: f32, length: usize) -> usize {
    (position.max(0.0) as usize).min(length - 1)
}

/// The largest whole number that is not above a position; without the call that the baseline processor needs for it.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn floor(position: f32) -> f32 {
    let whole = position as i32 as f32;
    if whole > position { whole - 1.0 } else { whole }
}

fn bilinear(from: usize, to: usize, shown: Range<usize>) -> Vec<Pair> {
    let scale = float(from) / float(to);
    let pair = |x: usize| {
        let at = (float(x) + 0.5) * scale - 0.5;
        let floor = floor(at);
        Pair { lower: bound(floor, from), upper: bound(floor + 1.0, from), t: at - floor }
    };
    shown.map(pair).collect()
}

fn nearest(from: usize, to: usize, shown: Range<usize>) -> Vec<Pair> {
    let scale = float(from) / float(to);
    let pair = |x: usize| {
        let at = bound(floor((float(x) + 0.5) * scale), from);
        Pair { lower: at, upper: at, t: 0.0 }
    };
    shown.map(pair).collect()
}

/// `ResizeBicubic`: weights from a table of 1024 steps, those outside the image dropped, the rest scaled to a sum of 1.
fn bicubic(from: usize, to: usize, shown: Range<usize>) -> Vec<(usize, Vec<f32>)> {
    const STEPS: f32 = 1024.0;
    let scale = float(from) / float(to);
    let span = |x: usize| {
        let at = (float(x) + 0.5) * scale - 0.5;
        let floor = at.floor();
        let step = ((at - floor) * STEPS).round_ties_even() / STEPS;
        let weights = [1.0 + step, step, 1.0 - step, 2.0 - step].map(keys_cubic);
        let inside = [-1.0, 0.0, 1.0, 2.0].map(|offset| floor + offset);
        let kept: Vec<(usize, f32)> = inside
            .into_iter()
            .zip(weights)
            .filter(|&(position, _)| position >= 0.0 && position < float(from))
            .map(|(position, weight)| (bound(position, from), weight))
            .collect();
        let start = kept.first().map_or_else(|| bound(floor, from), |&(position, _)| position);
        (start, normalised(kept.into_iter().map(|(_, weight)| weight).collect()))
    };
    shown.map(span).collect()
}

/// `ResizeArea`: every source pixel weighs as much as of it lies under the output pixel.
fn area(from: usize, to: usize, shown: Range<usize>) -> Vec<(usize, Vec<f32>)> {
    let scale = float(from) / float(to);
    let span = |x: usize| {
        let (begin, end) = (float(x) * scale, (float(x) + 1.0) * scale);
        let start = bound(begin.floor(), from);
        let mut weights = vec![0.0; bound(end.ceil() - 1.0, from) - start + 1];
        let mut position = begin.floor();
        while position < end.ceil() {
            let (first, last) = (position < begin, position + 1.0 > end);
            // A difference of far positions would lose places that the scale has.
            let covered = match (first, last) {
                (true, true) => scale,
                (true, false) => position + 1.0 - begin,
                (false, true) => end - position,
                (false, false) => 1.0,
            };
            weights[bound(position, from) - start] += covered / scale;
            position += 1.0;
        }
        (start, weights)
    };
    shown.map(span).collect()
}

/// `ScaleAndTranslate`: the kernel, widened by the scale when the image becomes smaller.
fn scaled(
    (kernel, radius): (fn(f32) -> f32, f32),
    antialias: bool,
    from: usize,
    to: usize,
    shown: Range<usize>,
) -> Vec<(usize, Vec<f32>)> {
    let inverse = 1.0 / (float(to) / float(from));
    let widened = if antialias { inverse.max(1.0) } else { 1.0 };
    let reach = radius * widened;
    let narrowed = 1.0 / widened;
    let span = |x: usize| {
        let at = (float(x) + 0.5) * inverse;
        let start = bound((at - reach - 0.5).ceil(), from);
        let end = bound((at + reach - 0.5).floor(), from).max(start);
        let weight = |source: usize| kernel((float(source) + 0.5 - at).abs() * narrowed);
        (start, normalised((start..=end).map(weight).collect()))
    };
    shown.map(span).collect()
}

/// The weights over their sum, unless that is next to nothing.
fn normalised(mut weights: Vec<f32>) -> Vec<f32> {
    let total: f32 = weights.iter().sum();
    if total.abs() >= 1000.0 * f32::MIN_POSITIVE {
        let inverse = 1.0 / total;
        for weight in &mut weights {
            *weight *= inverse;
        }
    }
    weights
}
