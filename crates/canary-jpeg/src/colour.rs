//! Components to RGB, with the roundings of libjpeg and, for inks, of TensorFlow.
#![allow(clippy::inline_always, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use crate::{
    frame::Frame,
    reader::Reader,
    upsample::{Row, Rows},
};

/// The meaning of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Grey,
    YCbCr,
    Rgb,
    /// Cyan, magenta, yellow and black; Adobe's files store them inverted.
    Inks {
        inverted: bool,
    },
    /// The same with the first three as YCbCr of their inverse.
    YccInks,
}

impl Colours {
    /// By the rules of libjpeg: JFIF comes before Adobe's segment, and that before the components' names.
    pub(crate) fn of(reader: &Reader<'_>, frame: &Frame) -> Self {
        let names = frame.components.iter().map(|component| component.id);
        match (frame.components.len(), reader.adobe) {
            (1, _) => Self::Grey,
            (3, _) if reader.jfif => Self::YCbCr,
            (3, Some(0)) => Self::Rgb,
            (3, None) if names.eq(*b"RGB") => Self::Rgb,
            (3, _) => Self::YCbCr,
            (_, None) => Self::Inks { inverted: false },
            (_, Some(0)) => Self::Inks { inverted: true },
            (_, Some(_)) => Self::YccInks,
        }
    }
}

/// Writes all pixels of an image that is `width` wide; compiled again with the instructions of its caller.
#[inline(always)]
pub(crate) fn write(width: usize, planes: &[Rows<'_>], colours: Colours, rgb: &mut [u8]) {
    let mut rows: Vec<Row> = planes.iter().map(Rows::row).collect();
    for (y, out) in rgb.chunks_exact_mut(width * 3).enumerate() {
        match (planes, &mut rows[..], colours) {
            ([grey], [row], _) => {
                for (pixel, &level) in out.as_chunks_mut::<3>().0.iter_mut().zip(grey.at(y, row)) {
                    *pixel = [level; 3];
                }
            }
            ([a, b, c], [for_a, for_b, for_c], colours) => {
                let (a, b, c) = (a.at(y, for_a), b.at(y, for_b), c.at(y, for_c));
                if colours == Colours::Rgb {
                    interleave(a, b, c, out);
                } else {
                    to_rgb(a, b, c, out);
                }
            }
            ([a, b, c, d], [for_a, for_b, for_c, for_d], colours) => {
                let (a, b, c, d) = (a.at(y, for_a), b.at(y, for_b), c.at(y, for_c), d.at(y, for_d));
                match colours {
                    Colours::YccInks => {
                        to_rgb(a, b, c, out);
                        for level in out.iter_mut() {
                            *level = 255 - *level;
                        }
                        blacken(d, true, out);
                    }
                    colours => {
                        interleave(a, b, c, out);
                        blacken(d, colours == Colours::Inks { inverted: true }, out);
                    }
                }
            }
            _ => {}
        }
    }
}

#[inline(always)]
fn interleave(first: &[u8], second: &[u8], third: &[u8], out: &mut [u8]) {
    let samples = first.iter().zip(second).zip(third);
    for (pixel, ((first, second), third)) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
        *pixel = [*first, *second, *third];
    }
}

/// ITU-R BT.601 at full range, as JFIF has it, in 16 fractional bits.
#[inline(always)]
fn to_rgb(luma: &[u8], blue: &[u8], red: &[u8], out: &mut [u8]) {
    let samples = luma.iter().zip(blue).zip(red);
    for (pixel, ((luma, blue), red)) in out.chunks_exact_mut(3).zip(samples) {
        let (luma, blue, red) = (i32::from(*luma), i32::from(*blue) - 128, i32::from(*red) - 128);
        pixel[0] = level(luma + ((91881 * red + 32768) >> 16));
        pixel[1] = level(luma + ((-22554 * blue - 46802 * red + 32768) >> 16));
        pixel[2] = level(luma + ((116_130 * blue + 32768) >> 16));
    }
}

#[inline(always)]
fn level(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// Multiplies each pixel's inks by its black.
#[inline(always)]
fn blacken(black: &[u8], inverted: bool, out: &mut [u8]) {
    let flip = if inverted { 0 } else { 255 };
    for (pixel, &black) in out.chunks_exact_mut(3).zip(black) {
        for level in pixel {
            *level = (u16::from(*level ^ flip) * u16::from(black ^ flip) / 255) as u8;
        }
    }
}
