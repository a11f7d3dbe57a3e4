//! Eight floats at a time with AVX2: their digits are reckoned together, and each is then laid down as a head from a
//! table (`0.`, `0.01`, `123.`) and the eight digits behind it.
//!
//! Numbers that the table does not have (at 1000 and above, below 2⁻¹⁰, NaN, the infinities) go to the scalar code,
//! together with their neighbours.
#![allow(unsafe_code)]
// `self` is not read: that it exists is the proof.
#![allow(clippy::unused_self)]
// Constants of bits are given as the vector instructions take them, and indexes are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

use std::arch::x86_64::{
    __m128, __m128i, __m256, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_ZERO, _mm256_add_epi32,
    _mm256_add_pd, _mm256_and_ps, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8,
    _mm256_blendv_ps, _mm256_castpd_si256, _mm256_castps_si256, _mm256_castps256_ps128,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpeq_epi32, _mm256_cmpgt_epi32,
    _mm256_cmpgt_epi64, _mm256_cvtepi32_epi64, _mm256_cvtps_pd, _mm256_cvttps_epi32,
    _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_loadu_ps, _mm256_movemask_ps,
    _mm256_mul_epu32, _mm256_mul_pd, _mm256_mulhi_epu16, _mm256_mullo_epi16, _mm256_or_si256,
    _mm256_round_ps, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_pd,
    _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_slli_epi64,
    _mm256_srli_epi16, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi16, _mm256_sub_epi64,
    _mm256_sub_pd, _mm256_sub_ps,
};

use super::{BLOCK, Rows, Starts, whole};

/// Proof that the CPU has what `fill` is compiled for: made only by [`Available::detect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::predict::request) struct Available(());

/// What is left of the block before the last eight numbers: each has at most 21 bytes, and the last store is of eight.
const ROOM: usize = 16 * 21 + 64;

/// Adding it leaves the nearest integer of a double below 2⁵² in its low bits.
const MAGIC: f64 = 4_503_599_627_370_496.0;

/// The bits of the least number with a head, 2⁻¹⁰.
const LEAST: i32 = 0x3a80_0000;
/// The bits of the first number too large for a head, 1000.
const LIMIT: i32 = 0x447a_0000;

/// What stands before the last eight digits and, last, its length: for numbers below 1 with 8, 9 and 10 decimals, each
/// with the digit 0 and 1; then the whole numbers from 0 to 999.
const HEADS: [[u8; 8]; 6 + 1000] = {
    let mut heads = [*b"0.\0\0\0\0\0\x02"; 6 + 1000];
    heads[2] = *b"0.0\0\0\0\0\x03";
    heads[3] = *b"0.1\0\0\0\0\x03";
    heads[4] = *b"0.00\0\0\0\x04";
    heads[5] = *b"0.01\0\0\0\x04";
    let mut number = 0;
    while number < 1000 {
        let head = &mut heads[6 + number];
        let mut length = 0;
        if number >= 100 {
            head[length] = b'0' + (number / 100) as u8;
            length += 1;
        }
        if number >= 10 {
            head[length] = b'0' + (number / 10 % 10) as u8;
            length += 1;
        }
        head[length] = b'0' + (number % 10) as u8;
        head[length + 1] = b'.';
        head[7] = length as u8 + 2;
        number += 1;
    }
    heads
};

impl Available {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("lzcnt")).then_some(Self(()))
    }

    pub(super) fn fill(
        self,
        values: &[f32],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
        at: usize,
    ) -> (usize, usize) {
        // SAFETY: the CPU has the features, for `self` exists.
        unsafe { fill(values, rows, block, at) }
    }
}

#[target_feature(enable = "avx2,lzcnt")]
fn fill(values: &[f32], rows: &mut Rows, block: &mut [u8; BLOCK], mut at: usize) -> (usize, usize) {
    let (chunks, rest) = values.as_chunks::<16>();
    // In registers while the loop runs.
    let mut local = rows.clone();
    let mut taken = 0;
    for chunk in chunks {
        if at > BLOCK - ROOM {
            *rows = local;
            return (taken, at);
        }
        let starts = local.next_starts();
        if let Some(bytes) = whole::bytes(chunk) {
            at = whole::write_bytes(bytes, starts, block, at);
        } else {
            for (half, starts) in chunk.as_chunks().0.iter().zip([starts, starts.second_half()]) {
                at = match parts(half) {
                    Some(parts) => lay_down(half, &parts, starts, block, at),
                    None => whole::each(half, starts, block, at),
                };
            }
        }
        taken += 16;
    }
    *rows = local;
    let (more, at) = whole::fill(rest, rows, block, at);
    (taken + more, at)
}

/// Eight numbers: the indexes of their heads, and their last eight digits, one a byte (0 to 9).
struct Parts {
    heads: [u64; 8],
    digits: [u64; 8],
}

/// Writes eight numbers, each with what stands before it.
#[inline]
#[target_feature(enable = "avx2,lzcnt")]
fn lay_down(
    values: &[f32; 8],
    parts: &Parts,
    mut starts: Starts,
    block: &mut [u8; BLOCK],
    mut at: usize,
) -> usize {
    for ((value, head), digits) in values.iter().zip(parts.heads).zip(parts.digits) {
        at = starts.separate(block, at);
        // Room for the minus, a head of at most four bytes and the digits, eight bytes at a time.
        let Some(slot) = block[at..].first_chunk_mut::<16>() else { break };
        slot[0] = b'-';
        let minus = (value.to_bits() >> 31) as usize;
        let head = &HEADS[head as usize];
        slot[minus..minus + 8].copy_from_slice(head);
        // The mask tells the compiler what the table holds, so that it checks nothing.
        let end = minus + usize::from(head[7] & 7);
        slot[end..end + 8].copy_from_slice(&(digits | 0x3030_3030_3030_3030).to_le_bytes());
        // One digit stays.
        at += end + (8 - digits.leading_zeros() as usize / 8).max(1);
    }
    at
}

/// The parts of eight numbers, unless one of them has no head.
#[inline]
#[target_feature(enable = "avx2")]
fn parts(values: &[f32; 8]) -> Option<Parts> {
    // SAFETY: eight floats, as many as are loaded; loads need no alignment.
    let floats = unsafe { _mm256_loadu_ps(values.as_ptr()) };
    let floats = _mm256_and_ps(floats, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fff_ffff)));
    let bits = _mm256_castps_si256(floats);
    let from = |least: i32| _mm256_cmpgt_epi32(bits, _mm256_set1_epi32(least - 1));
    let zero = _mm256_cmpeq_epi32(bits, _mm256_setzero_si256());
    let in_table = _mm256_andnot_si256(from(LIMIT), from(LEAST));
    if _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_or_si256(in_table, zero))) != 0xff {
        return None;
    }
    // Which decimals a number has: 10 from 2⁻¹⁰, 9 from 2⁻⁶, 8 from 2⁻³ (and zero), 7 from 1, 6 from 16, 5 from 128.
    let eight = _mm256_or_si256(from(0x3e00_0000), zero);
    let nine = _mm256_or_si256(from(0x3c80_0000), zero);
    let (one, sixteen, large) = (from(0x3f80_0000), from(0x4180_0000), from(0x4300_0000));
    let choose = |powers: [f32; 6]| {
        let [ten, at_nine, at_eight, at_one, at_sixteen, at_large] =
            powers.map(|power| _mm256_set1_ps(power));
        let chosen = blend(ten, at_nine, nine);
        let chosen = blend(chosen, at_eight, eight);
        let chosen = blend(chosen, at_one, one);
        blend(blend(chosen, at_sixteen, sixteen), at_large, large)
    };
    let power = choose([1e10, 1e9, 1e8, 1e7, 1e6, 1e5]);
    // Makes the decimals eight.
    let fill = choose([1.0, 1.0, 1.0, 1e1, 1e2, 1e3]);
    let whole = _mm256_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(floats);
    let decimals = _mm256_sub_ps(floats, whole);
    let (lower, lower_one) = last_digits(low(decimals), low(power), low(fill));
    let (upper, upper_one) = last_digits(high(decimals), high(power), high(fill));
    // 0, 2 and 4 for numbers below 1, as each mask is −1; less −1 where the digit before the last eight is 1.
    let below = _mm256_add_epi32(_mm256_set1_epi32(2), _mm256_add_epi32(eight, nine));
    let below = _mm256_slli_epi32::<1>(below);
    let above = _mm256_add_epi32(_mm256_cvttps_epi32(whole), _mm256_set1_epi32(6));
    let heads = _mm256_blendv_epi8(below, above, one);
    let wide = |half: __m128i, one: __m256i| _mm256_sub_epi64(_mm256_cvtepi32_epi64(half), one);
    Some(Parts {
        heads: store(
            wide(_mm256_castsi256_si128(heads), lower_one),
            wide(_mm256_extracti128_si256::<1>(heads), upper_one),
        ),
        digits: store(digits(lower), digits(upper)),
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn blend(a: __m256, b: __m256, mask: __m256i) -> __m256 {
    _mm256_blendv_ps(a, b, _mm256_castsi256_ps(mask))
}

#[inline]
#[target_feature(enable = "avx2")]
fn low(floats: __m256) -> __m128 {
    _mm256_castps256_ps128(floats)
}

#[inline]
#[target_feature(enable = "avx2")]
fn high(floats: __m256) -> __m128 {
    _mm256_extractf128_ps::<1>(floats)
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lower: __m256i, upper: __m256i) -> [u64; 8] {
    let mut numbers = [0_u64; 8];
    // SAFETY: eight numbers of eight bytes, as much as the two stores write; stores need no alignment.
    unsafe {
        _mm256_storeu_si256(numbers.as_mut_ptr().cast(), lower);
        _mm256_storeu_si256(numbers.as_mut_ptr().add(4).cast(), upper);
    }
    numbers
}

/// The decimals as integers below 10⁸, and −1 where there is a 1 before these digits.
#[inline]
#[target_feature(enable = "avx2")]
fn last_digits(decimals: __m128, power: __m128, fill: __m128) -> (__m256i, __m256i) {
    let magic = _mm256_set1_pd(MAGIC);
    let product = _mm256_mul_pd(_mm256_cvtps_pd(decimals), _mm256_cvtps_pd(power));
    let rounded = _mm256_sub_pd(_mm256_add_pd(product, magic), magic);
    let filled = _mm256_add_pd(_mm256_mul_pd(rounded, _mm256_cvtps_pd(fill)), magic);
    let numbers = _mm256_and_si256(_mm256_castpd_si256(filled), _mm256_set1_epi64x(0xffff_ffff));
    let one = _mm256_cmpgt_epi64(numbers, _mm256_set1_epi64x(99_999_999));
    let eight = _mm256_and_si256(one, _mm256_set1_epi64x(100_000_000));
    (_mm256_sub_epi64(numbers, eight), one)
}

/// The eight decimal digits of numbers below 10⁸, one a byte (0 to 9), as [`super::scalar`] reckons them.
#[inline]
#[target_feature(enable = "avx2")]
fn digits(numbers: __m256i) -> __m256i {
    // 10⁴ · 3518437209 is 2⁴⁵ to nine digits.
    let fours =
        _mm256_srli_epi64::<45>(_mm256_mul_epu32(numbers, _mm256_set1_epi64x(3_518_437_209)));
    let rest = _mm256_sub_epi64(numbers, _mm256_mul_epu32(fours, _mm256_set1_epi64x(10_000)));
    let fours = _mm256_or_si256(fours, _mm256_slli_epi64::<32>(rest));
    // 5243 / 2¹⁹ and 6554 / 2¹⁶ are near enough to 1/100 and 1/10 for numbers below 10⁴ and 100.
    let hundreds = _mm256_srli_epi16::<3>(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5243)));
    let rest = _mm256_sub_epi16(fours, _mm256_mullo_epi16(hundreds, _mm256_set1_epi16(100)));
    let twos = _mm256_or_si256(hundreds, _mm256_slli_epi32::<16>(rest));
    let tens = _mm256_mulhi_epu16(twos, _mm256_set1_epi16(6554));
    let rest = _mm256_sub_epi16(twos, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    _mm256_or_si256(tens, _mm256_slli_epi16::<8>(rest))
}
