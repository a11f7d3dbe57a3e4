//! The ways of fitting an image to the size that a model takes.

use std::ops::Range;

use crate::{Error, Result};

/// The way in which an image, or the part that [`Crop`](super::Crop) keeps, becomes `height` × `width` pixels.
///
/// ```
/// use canary_core::image::{Fit, Pixels, Preprocess};
///
/// let white = Pixels::rgb8(2, 4, vec![255; 24])?;
/// let padded = Preprocess::unit(4, 4).fit(Fit::Pad).apply_pixels(&white)?;
/// let rows: Vec<f32> = padded.as_floats().unwrap().iter().copied().step_by(12).collect();
/// assert_eq!(rows, [0.0, 1.0, 1.0, 0.0]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Fit {
    /// Height and width are resized independently: `tf.image.resize`.
    #[default]
    Stretch,
    /// The image is resized in its proportions until it fits, and the rest is filled with level 0 on both sides:
    /// `tf.image.resize_with_pad`.
    Pad,
    /// The shorter side becomes this long, the image keeps its proportions, and the middle is cut out: torchvision's
    /// `Resize(n)` and `CenterCrop(size)`. Where the resized image is smaller than the size, the rest is level 0.
    ShorterSide(usize),
    /// The part inside a box, resized with corners aligned: `tf.image.crop_and_resize`, with the filters bilinear and
    /// nearest.
    Box(NormalizedBox),
}

/// A rectangle in fractions of an image: 0 is the centre of the first pixel, 1 that of the last, as
/// `tf.image.crop_and_resize` takes its boxes.
///
/// A box may leave the image, where it gives level 0, and `top` above `bottom` or `left` above `right` turns it over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalizedBox {
    /// `y1`: the first row.
    pub top: f32,
    /// `x1`: the first column.
    pub left: f32,
    /// `y2`: the last row.
    pub bottom: f32,
    /// `x2`: the last column.
    pub right: f32,
}

impl NormalizedBox {
    /// The box of `[y1, x1, y2, x2]`, the order of TensorFlow.
    pub fn new(top: f32, left: f32, bottom: f32, right: f32) -> Self {
        Self { top, left, bottom, right }
    }

    fn check(self) -> Result<()> {
        let Self { top, left, bottom, right } = self;
        let meets = |first: f32, last: f32| first.min(last) <= 1.0 && first.max(last) >= 0.0;
        let all_finite = [top, left, bottom, right].into_iter().all(f32::is_finite);
        if all_finite && meets(top, bottom) && meets(left, right) {
            return Ok(());
        }
        Err(Error::Input {
            what: "preprocess.fit".to_owned(),
            reason: format!(
                "found the box [{top}, {left}, {bottom}, {right}], expected finite fractions [top, left, bottom, right] \
                 of a box that meets the image, whose corners are [0, 0, 1, 1]"
            ),
        })
    }
}

/// A side of an image that is resized to `length` pixels, of which `shown` are kept, from place `at` of the result on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) length: usize,
    pub(super) shown: Range<usize>,
    pub(super) at: usize,
}

impl Fit {
    /// Finds the settings that are impossible for every image.
    pub(super) fn check(self, size: Option<(usize, usize)>) -> Result<()> {
        let reason = match self {
            Self::Stretch => return Ok(()),
            _ if size.is_none() => format!("{self:?} needs a size; set one"),
            Self::ShorterSide(0) => "found a shorter side of 0, expected at least 1".to_owned(),
            Self::Box(part) => return part.check(),
            _ => return Ok(()),
        };
        Err(Error::Input { what: "preprocess.fit".to_owned(), reason })
    }

    /// The windows of rows and columns when an image of `from` is fitted to `to`, both height and width. A box has
    /// none: it is resized without the image around it.
    pub(super) fn windows(
        self,
        from: (usize, usize),
        to: (usize, usize),
        max_pixels: u64,
    ) -> Result<(Window, Window)> {
        let resized = match self {
            Self::Stretch | Self::Box(_) => to,
            Self::Pad => padded(from, to),
            Self::ShorterSide(side) => proportional(from, side),
        };
        let (height, width) = resized;
        let pixels = height.checked_mul(width);
        if pixels.is_none_or(|pixels| pixels == 0 || pixels as u64 > max_pixels) {
            return Err(Error::Input {
                what: "image".to_owned(),
                reason: format!(
                    "{} × {} pixels in these proportions would become {height} × {width}, expected at least one pixel \
                     and at most {max_pixels} in all; crop the image first",
                    from.0, from.1
                ),
            });
        }
        Ok(match self {
            Self::Pad => (margin(height, from, to, 0), margin(width, from, to, 1)),
            Self::ShorterSide(_) => (middle(height, to.0), middle(width, to.1)),
            _ => (whole(height), whole(width)),
        })
    }
}

fn whole(length: usize) -> Window {
    Window { length, shown: 0..length, at: 0 }
}

/// `resize_image_with_pad`: the larger ratio of the sides, in 32-bit floats as there.
#[allow(clippy::cast_precision_loss)]
fn ratio(from: (usize, usize), to: (usize, usize)) -> f32 {
    (from.1 as f32 / to.1 as f32).max(from.0 as f32 / to.0 as f32)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn padded(from: (usize, usize), to: (usize, usize)) -> (usize, usize) {
    let ratio = ratio(from, to);
    let side = |length: usize| (length as f32 / ratio) as usize;
    // Not above the size where a float was rounded up.
    (side(from.0).min(to.0), side(from.1).min(to.1))
}

/// The window of the rows (`side` 0) or the columns (1) between two margins.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn margin(length: usize, from: (usize, usize), to: (usize, usize), side: usize) -> Window {
    let (from_side, to_side) = if side == 0 { (from.0, to.0) } else { (from.1, to.1) };
    let before = (to_side as f32 - from_side as f32 / ratio(from, to)) / 2.0;
    let at = (before.max(0.0) as usize).min(to_side - length);
    Window { length, shown: 0..length, at }
}

/// torchvision's `_compute_resized_output_size`: the longer side is cut to a whole number.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn proportional((height, width): (usize, usize), side: usize) -> (usize, usize) {
    let longer = |long: usize, short: usize| {
        (side.saturating_mul(long) as f64 / short as f64).min(1e18) as usize
    };
    if width <= height { (longer(height, width), side) } else { (side, longer(width, height)) }
}

/// torchvision's `center_crop` of one side: the middle, or all of it between two margins when it is shorter.
fn middle(length: usize, to: usize) -> Window {
    if to > length {
        return Window { length, shown: 0..length, at: (to - length) / 2 };
    }
    // Python rounds halves to the even number.
    let (half, odd) = ((length - to) / 2, (length - to) % 2);
    let first = half + odd * (half % 2);
    Window { length, shown: first..first + to, at: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_where_python_rounds_it_to() {
        for (length, to, shown, at) in [
            (256, 224, 16..240, 0),
            // round(0.5) = 0, round(1.5) = 2, round(2.5) = 2
            (225, 224, 0..224, 0),
            (227, 224, 2..226, 0),
            (229, 224, 2..226, 0),
            (100, 103, 0..100, 1),
        ] {
            assert_eq!(middle(length, to), Window { length, shown, at }, "{length} {to}");
        }
    }

    #[test]
    fn proportions_that_leave_nothing_are_errors() {
        let wide = Fit::Pad.windows((1, 1000), (224, 224), 1000).unwrap_err().to_string();
        assert!(wide.contains("0 × 224") && wide.contains("crop"), "{wide}");
        let huge = Fit::ShorterSide(256).windows((1, 1 << 40), (2, 2), 1000).unwrap_err();
        assert!(huge.to_string().contains("at most 1000"), "{huge}");
        let huge = Fit::ShorterSide(usize::MAX).windows((1, usize::MAX), (2, 2), u64::MAX);
        assert!(huge.is_err());
    }

    #[test]
    fn boxes_meet_the_image() {
        let size = Some((2, 2));
        assert!(Fit::Box(NormalizedBox::new(0.9, -3.0, 0.1, 0.0)).check(size).is_ok());
        for outside in [
            NormalizedBox::new(1.1, 0.0, 2.0, 1.0),
            NormalizedBox::new(0.0, -2.0, 1.0, -1.0),
            NormalizedBox::new(f32::NAN, 0.0, 1.0, 1.0),
        ] {
            let error = Fit::Box(outside).check(size).unwrap_err().to_string();
            assert!(error.contains("[0, 0, 1, 1]"), "{error}");
        }
        assert!(Fit::Pad.check(None).unwrap_err().to_string().contains("needs a size"));
        assert!(Fit::ShorterSide(0).check(size).is_err());
    }
}
