//! Chroma to full size and YCbCr to RGB, with the roundings of libjpeg.
#![allow(clippy::inline_always, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

/// The levels of one component.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) levels: &'a [u8],
    pub(super) stride: usize,
    /// What of it belongs to the image.
    pub(super) height: usize,
    pub(super) width: usize,
}

impl<'a> Rows<'a> {
    fn at(&self, row: usize) -> &'a [u8] {
        &self.levels[row * self.stride..][..self.width]
    }
}

/// All pixels of an image; chroma has the size of luma, half its width, or half its width and height.
pub(super) fn write(width: usize, luma: Rows<'_>, blue: Rows<'_>, red: Rows<'_>, rgb: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if super::avx2::write(width, luma, blue, red, rgb) {
        return;
    }
    write_rows(width, luma, blue, red, rgb);
}

/// The reference, compiled anew with the instructions of its caller.
#[inline(always)]
pub(super) fn write_rows(
    width: usize,
    luma: Rows<'_>,
    blue: Rows<'_>,
    red: Rows<'_>,
    rgb: &mut [u8],
) {
    let mut sums = vec![0; blue.width];
    let (mut wide_blue, mut wide_red) = (vec![0; blue.width * 2], vec![0; red.width * 2]);
    for (y, out) in rgb.chunks_exact_mut(width * 3).enumerate() {
        if blue.width == width {
            to_rgb(luma.at(y), blue.at(y), red.at(y), out);
            continue;
        }
        if blue.height == luma.height {
            double_width(blue.at(y), &mut wide_blue);
            double_width(red.at(y), &mut wide_red);
        } else {
            let near = y / 2;
            let far = if y % 2 == 0 { near.saturating_sub(1) } else { near + 1 };
            let far = far.min(blue.height - 1);
            double_both(blue.at(near), blue.at(far), &mut sums, &mut wide_blue);
            double_both(red.at(near), red.at(far), &mut sums, &mut wide_red);
        }
        to_rgb(luma.at(y), &wide_blue, &wide_red, out);
    }
}

/// A row of chroma doubled in width, each sample 3/4 the nearer and 1/4 the farther one.
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

/// The same from two rows at once: `near` counts 3/4 and `far` 1/4.
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
