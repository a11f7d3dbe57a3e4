//! The inverse cosine transform that TensorFlow asks of libjpeg (`JDCT_IFAST`), with its roundings.
//!
//! Y. Arai, T. Agui and M. Nakajima, "A fast DCT-SQ scheme for images", 1988, in 16-bit integers with two
//! fractional bits; W. Pennebaker and J. Mitchell, "JPEG still image data compression standard", figure 4-8.
#![allow(clippy::inline_always)]

/// Eight 16-bit numbers that are computed with at once; sums and products wrap around.
pub(crate) trait Lane: Copy {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// `self * constant / 256`, rounded down; the constant is given times 64.
    fn times(self, constant: i16) -> Self;
    /// The products of two rows.
    fn product(a: &[i16; 8], b: &[i16; 8]) -> Self;
    fn transposed(x: [Self; 8]) -> [Self; 8];
    /// Without the five fractional bits, around 128, within 0 to 255.
    fn levels(self) -> [u8; 8];
}

/// The reference.
impl Lane for [i16; 8] {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        std::array::from_fn(|at| self[at].wrapping_add(other[at]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        std::array::from_fn(|at| self[at].wrapping_sub(other[at]))
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn times(self, constant: i16) -> Self {
        std::array::from_fn(|at| {
            let shifted = i32::from(self[at].wrapping_shl(2));
            ((shifted * i32::from(constant)) >> 16) as i16
        })
    }

    #[inline(always)]
    fn product(a: &[i16; 8], b: &[i16; 8]) -> Self {
        std::array::from_fn(|at| a[at].wrapping_mul(b[at]))
    }

    #[inline(always)]
    fn transposed(x: [Self; 8]) -> [Self; 8] {
        std::array::from_fn(|row| std::array::from_fn(|column| x[column][row]))
    }

    #[inline(always)]
    fn levels(self) -> [u8; 8] {
        self.map(level)
    }
}

#[cfg(target_arch = "x86_64")]
type Best = std::arch::x86_64::__m128i;
#[cfg(not(target_arch = "x86_64"))]
type Best = [i16; 8];

const SQRT_2: i16 = 362 << 6;
const C1_848: i16 = 473 << 6;
const C1_082: i16 = 277 << 6;
/// 2.613 - 1: with the 1 it would not fit.
const C1_613: i16 = -(413 << 6);

/// One pass over eight lanes.
#[inline(always)]
fn pass<L: Lane>(x: [L; 8]) -> [L; 8] {
    let (sum, difference) = (x[0].add(x[4]), x[0].sub(x[4]));
    let middle = x[2].add(x[6]);
    let rest = x[2].sub(x[6]).times(SQRT_2).sub(middle);
    let even = [sum.add(middle), difference.add(rest), difference.sub(rest), sum.sub(middle)];

    let (z13, z10) = (x[5].add(x[3]), x[5].sub(x[3]));
    let (z11, z12) = (x[1].add(x[7]), x[1].sub(x[7]));
    let odd7 = z11.add(z13);
    let odd11 = z11.sub(z13).times(SQRT_2);
    let z5 = z10.add(z12).times(C1_848);
    let odd10 = z12.times(C1_082).sub(z5);
    let odd12 = z10.times(C1_613).sub(z10).add(z5);
    let odd6 = odd12.sub(odd7);
    let odd5 = odd11.sub(odd6);
    let odd4 = odd10.add(odd5);
    [
        even[0].add(odd7),
        even[1].add(odd6),
        even[2].add(odd5),
        even[3].sub(odd4),
        even[3].add(odd4),
        even[2].sub(odd5),
        even[1].sub(odd6),
        even[0].sub(odd7),
    ]
}

/// Dequantises a block and writes its 8 × 8 levels, rows `stride` apart.
///
/// `block` and `factors` are in row order; `factors` come from [`factors`].
#[inline]
pub(crate) fn inverse(block: &[i16; 64], factors: &[i16; 64], out: &mut [u8], stride: usize) {
    inverse_by::<Best>(block, factors, out, stride);
}

#[inline(always)]
fn inverse_by<L: Lane>(block: &[i16; 64], factors: &[i16; 64], out: &mut [u8], stride: usize) {
    let (rows, _) = block.as_chunks::<8>();
    let (factors, _) = factors.as_chunks::<8>();
    let rows: [L; 8] = std::array::from_fn(|row| L::product(&rows[row], &factors[row]));
    let rows = L::transposed(pass(L::transposed(pass(rows))));
    for (row, lane) in rows.iter().enumerate() {
        out[row * stride..row * stride + 8].copy_from_slice(&lane.levels());
    }
}

/// The same for a block whose AC coefficients are all zero.
#[inline]
pub(crate) fn flat(dc: i16, factors: &[i16; 64], out: &mut [u8], stride: usize) {
    let level = level(dc.wrapping_mul(factors[0]));
    for row in 0..8 {
        out[row * stride..row * stride + 8].fill(level);
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 255")]
fn level(value: i16) -> u8 {
    ((value >> 5).clamp(-128, 127) + 128) as u8
}

/// The quantisation table, in row order, times the scales of the transform, with two fractional bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
pub(crate) fn factors(quantisers: &[u16; 64]) -> [i16; 64] {
    let scale = |at: usize| match at {
        0 => 1.0,
        at => (at as f64 * std::f64::consts::PI / 16.0).cos() * std::f64::consts::SQRT_2,
    };
    std::array::from_fn(|at| {
        let scale = (scale(at / 8) * scale(at % 8) * 16384.0).round() as i32;
        ((i32::from(quantisers[at]) * scale + (1 << 11)) >> 12) as i16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_code_gives_the_bytes_of_the_reference() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as u16
        };
        for round in 0..5000 {
            let quantisers = std::array::from_fn(|_| random() % 256);
            let factors = factors(&quantisers);
            // From usual coefficients to ones that only a hostile file has.
            let block = std::array::from_fn(|_| random().cast_signed() >> (round % 15));
            let (mut found, mut wanted) = ([0; 100], [0; 100]);
            inverse(&block, &factors, &mut found, 11);
            inverse_by::<[i16; 8]>(&block, &factors, &mut wanted, 11);
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_flat_block_is_a_block_without_ac() {
        let factors = factors(&[17; 64]);
        for dc in -200..200 {
            let mut block = [0; 64];
            block[0] = dc;
            let (mut found, mut wanted) = ([0; 64], [0; 64]);
            flat(dc, &factors, &mut found, 8);
            inverse(&block, &factors, &mut wanted, 8);
            assert_eq!(found, wanted);
        }
    }
}
