//! Components to the size of the image, with the roundings of libjpeg's "fancy" upsampling.
//!
//! Twice the width, the height or both are interpolated, each sample 3/4 the nearer and 1/4 the farther one (a
//! triangle filter); every other ratio, and twice the width of one or two columns, repeats samples.
#![allow(clippy::inline_always, clippy::cast_possible_truncation)]

use crate::{
    frame::{Component, Frame},
    planes::Plane,
};

/// The way from a component's samples to those of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ratio {
    Full,
    TwiceAcross,
    TwiceDown,
    TwiceBoth,
    Repeat { across: usize, down: usize },
}

/// The rows of one component.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    levels: &'a [u8],
    stride: usize,
    /// Samples that belong to the image.
    height: usize,
    width: usize,
    ratio: Ratio,
}

/// Memory for a row of the image's width, and for what is computed on the way.
pub(crate) struct Row {
    sums: Vec<u16>,
    wide: Vec<u8>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(plane: &'a Plane, component: &Component, frame: &Frame) -> Self {
        let across = frame.most_across / component.across;
        let down = frame.most_down / component.down;
        let ratio = match (across, down) {
            // A single component has the image's size whatever its factors are.
            (1, 1) => Ratio::Full,
            (2, 1) if component.width > 2 => Ratio::TwiceAcross,
            (1, 2) => Ratio::TwiceDown,
            (2, 2) if component.width > 2 => Ratio::TwiceBoth,
            (across, down) => Ratio::Repeat { across, down },
        };
        let Component { width, height, .. } = *component;
        Self { levels: &plane.levels, stride: plane.stride, height, width, ratio }
    }

    /// Memory for its rows.
    pub(crate) fn row(&self) -> Row {
        let (sums, wide) = match self.ratio {
            Ratio::Full => (0, 0),
            Ratio::TwiceAcross => (0, 2 * self.width),
            Ratio::TwiceDown => (0, self.width),
            Ratio::TwiceBoth => (self.width, 2 * self.width),
            Ratio::Repeat { across, .. } => (0, across * self.width),
        };
        Row { sums: vec![0; sums], wide: vec![0; wide] }
    }

    #[inline(always)]
    fn stored(&self, row: usize) -> &'a [u8] {
        &self.levels[row * self.stride..][..self.width]
    }

    /// Row `y` of the image, at least as wide as that.
    #[inline(always)]
    pub(crate) fn at<'b>(&'b self, y: usize, row: &'b mut Row) -> &'b [u8] {
        let Row { sums, wide } = row;
        match self.ratio {
            Ratio::Full => return self.stored(y),
            Ratio::TwiceAcross => double_width(self.stored(y), wide),
            Ratio::TwiceDown => {
                let (near, far) = self.near_and_far(y);
                double_height(near, far, if y.is_multiple_of(2) { 1 } else { 2 }, wide);
            }
            Ratio::TwiceBoth => {
                let (near, far) = self.near_and_far(y);
                double_both(near, far, sums, wide);
            }
            Ratio::Repeat { across, down } => {
                let stored = self.stored(y / down);
                for (out, &level) in wide.chunks_exact_mut(across).zip(stored) {
                    out.fill(level);
                }
            }
        }
        wide
    }

    /// The stored row that row `y` of the image lies in, and the one on its other side.
    #[inline(always)]
    fn near_and_far(&self, y: usize) -> (&'a [u8], &'a [u8]) {
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
        (self.stored(near), self.stored(far.min(self.height - 1)))
    }
}

#[inline(always)]
fn double_width(source: &[u8], out: &mut [u8]) {
    let last = source.len() - 1;
    out[0] = source[0];
    out[2 * last + 1] = source[last];
    let middle = out[1..=2 * last].chunks_exact_mut(2);
    for (pair, near) in middle.zip(source.windows(2)) {
        let (left, right) = (u16::from(near[0]), u16::from(near[1]));
        pair[0] = ((left * 3 + right + 2) >> 2) as u8;
        pair[1] = ((right * 3 + left + 1) >> 2) as u8;
    }
}

#[inline(always)]
fn double_height(near: &[u8], far: &[u8], bias: u16, out: &mut [u8]) {
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = ((u16::from(near) * 3 + u16::from(far) + bias) >> 2) as u8;
    }
}

#[inline(always)]
fn double_both(near: &[u8], far: &[u8], sums: &mut [u16], out: &mut [u8]) {
    for ((sum, near), far) in sums.iter_mut().zip(near).zip(far) {
        *sum = u16::from(*near) * 3 + u16::from(*far);
    }
    let last = near.len() - 1;
    out[0] = ((sums[0] * 4 + 8) >> 4) as u8;
    out[2 * last + 1] = ((sums[last] * 4 + 7) >> 4) as u8;
    let middle = out[1..=2 * last].chunks_exact_mut(2);
    for (pair, sums) in middle.zip(sums[..=last].windows(2)) {
        pair[0] = ((sums[0] * 3 + sums[1] + 7) >> 4) as u8;
        pair[1] = ((sums[1] * 3 + sums[0] + 8) >> 4) as u8;
    }
}
