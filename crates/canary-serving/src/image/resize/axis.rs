//! The source positions that make an output position along one axis, and their weights.
//!
//! The formulas are those of TensorFlow's kernels `ResizeBilinear`, `ResizeBicubic`, `ResizeArea`,
//! `ResizeNearestNeighbor` (each with half-pixel centres) and `ScaleAndTranslate`, in 32-bit floats as there.

/// The weighing of source pixels, with the names of `tf.image.ResizeMethod`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Linear between the two nearest pixels; `TensorFlow`'s default.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5 over four pixels.
    Bicubic,
    /// The mean over the area that an output pixel covers. Antialiasing changes nothing.
    Area,
    /// The nearest pixel. Antialiasing changes nothing.
    Nearest,
    /// Lanczos' kernel of radius 3.
    Lanczos3,
    /// Lanczos' kernel of radius 5.
    Lanczos5,
    /// A Gaussian of radius 1.5 and sigma 0.5.
    Gaussian,
    /// Mitchell and Netravali's cubic, with B = C = 1/3.
    MitchellCubic,
}

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

impl Axis {
    /// From `from` source positions to `to` output positions; neither is zero.
    pub(crate) fn new(filter: Filter, antialias: bool, from: usize, to: usize) -> Self {
        match (filter, antialias) {
            (Filter::Bilinear, false) => Self::Pair(bilinear(from, to)),
            (Filter::Nearest, _) => Self::Pair(nearest(from, to)),
            (Filter::Bicubic, false) => Self::Taps(Taps::new(from, &bicubic(from, to))),
            (Filter::Area, _) => Self::Taps(Taps::new(from, &area(from, to))),
            (Filter::Bilinear, true) => scaled(triangle, 1.0, antialias, from, to),
            (Filter::Bicubic, true) => scaled(keys_cubic, 2.0, antialias, from, to),
            (Filter::Lanczos3, _) => scaled(lanczos::<3>, 3.0, antialias, from, to),
            (Filter::Lanczos5, _) => scaled(lanczos::<5>, 5.0, antialias, from, to),
            (Filter::Gaussian, _) => scaled(gaussian, 1.5, antialias, from, to),
            (Filter::MitchellCubic, _) => scaled(mitchell_cubic, 2.0, antialias, from, to),
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

fn bilinear(from: usize, to: usize) -> Vec<Pair> {
    let scale = float(from) / float(to);
    let pair = |x: usize| {
        let at = (float(x) + 0.5) * scale - 0.5;
        let floor = floor(at);
        Pair { lower: bound(floor, from), upper: bound(floor + 1.0, from), t: at - floor }
    };
    (0..to).map(pair).collect()
}

fn nearest(from: usize, to: usize) -> Vec<Pair> {
    let scale = float(from) / float(to);
    let pair = |x: usize| {
        let at = bound(floor((float(x) + 0.5) * scale), from);
        Pair { lower: at, upper: at, t: 0.0 }
    };
    (0..to).map(pair).collect()
}

/// `ResizeBicubic`: weights from a table of 1024 steps, those outside the image dropped, the rest scaled to a sum of 1.
fn bicubic(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
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
    (0..to).map(span).collect()
}

/// `ResizeArea`: every source pixel weighs as much as of it lies under the output pixel.
fn area(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = float(from) / float(to);
    let span = |x: usize| {
        let (begin, end) = (float(x) * scale, (float(x) + 1.0) * scale);
        let start = bound(begin.floor(), from);
        let mut weights = vec![0.0; bound(end.ceil() - 1.0, from) - start + 1];
        let mut position = begin.floor();
        while position < end.ceil() {
            let covered = (position + 1.0).min(end) - position.max(begin);
            weights[bound(position, from) - start] += covered / scale;
            position += 1.0;
        }
        (start, weights)
    };
    (0..to).map(span).collect()
}

/// `ScaleAndTranslate`: the kernel, widened by the scale when the image becomes smaller.
fn scaled(kernel: fn(f32) -> f32, radius: f32, antialias: bool, from: usize, to: usize) -> Axis {
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
    Axis::Taps(Taps::new(from, &(0..to).map(span).collect::<Vec<_>>()))
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

fn triangle(x: f32) -> f32 {
    (1.0 - x).max(0.0)
}

/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5.
fn keys_cubic(x: f32) -> f32 {
    if x >= 2.0 {
        0.0
    } else if x >= 1.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        ((1.5 * x - 2.5) * x) * x + 1.0
    }
}

/// D. Mitchell and A. Netravali, "Reconstruction filters in computer graphics", 1988.
fn mitchell_cubic(x: f32) -> f32 {
    if x >= 2.0 {
        0.0
    } else if x >= 1.0 {
        (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    } else {
        (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0
    }
}

fn lanczos<const RADIUS: u8>(x: f32) -> f32 {
    let radius = f32::from(RADIUS);
    if x > radius {
        0.0
    } else if x <= 1e-3 {
        1.0
    } else {
        let angle = std::f32::consts::PI * x;
        radius * angle.sin() * (angle / radius).sin() / (angle * angle)
    }
}

fn gaussian(x: f32) -> f32 {
    const RADIUS: f32 = 1.5;
    const SIGMA: f32 = RADIUS / 3.0;
    if x >= RADIUS { 0.0 } else { (-x * x / (2.0 * SIGMA * SIGMA)).exp() }
}
