//! Sixteen floats at a time with AVX-512: their texts are laid out in slots of fixed size, in which the bytes that
//! are not needed are left out by one instruction (VBMI2's `vpcompressb`).
//!
//! A slot has the row's end and beginning `],[`, the minus, and the digits. Numbers that do not fit into their slots
//! (at 1000 and above, below 2⁻¹⁰, NaN, the infinities) go to the scalar code, together with their neighbours.
//!
//! Invariants, which each `unsafe` here names. *Detected*: a value of [`Available`] exists only on a CPU with the features
//! that `fill` is compiled for. *Bounds*: each pointer comes from memory of exactly the 64 bytes that are read or written;
//! loads and stores need no alignment.
#![allow(unsafe_code)]
// `self` is not read; its existence proves the features.
#![allow(clippy::unused_self)]
// Constants of bytes are given as the vector instructions take them, and masks are cut to their half.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

use std::arch::x86_64::{
    __m256i, __m512d, __m512i, _CMP_EQ_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_ZERO,
    _mm256_castsi256_ps, _mm256_cmpeq_epi32_mask, _mm256_cmpge_epu32_mask, _mm256_cmplt_epu32_mask,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sub_epi32, _mm512_add_pd, _mm512_and_si512,
    _mm512_castpd_si512, _mm512_castps_si512, _mm512_castsi512_si256, _mm512_cmp_ps_mask,
    _mm512_cmpge_epi32_mask, _mm512_cmpge_epu64_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepi32_ps,
    _mm512_cvtps_pd, _mm512_cvttps_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_lzcnt_epi64, _mm512_mask_add_epi64, _mm512_mask_blend_epi64,
    _mm512_mask_mov_pd, _mm512_mask_or_epi32, _mm512_mask_or_epi64, _mm512_mask_sub_epi64,
    _mm512_maskz_compress_epi8, _mm512_maskz_roundscale_pd, _mm512_movepi8_mask,
    _mm512_movepi32_mask, _mm512_mul_epu32, _mm512_mul_pd, _mm512_mulhi_epu16, _mm512_mullo_epi16,
    _mm512_or_si512, _mm512_permutex2var_epi32, _mm512_permutex2var_epi64, _mm512_set1_epi16,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_slli_epi64, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi64,
    _mm512_storeu_si512, _mm512_sub_epi16, _mm512_sub_epi32, _mm512_sub_epi64, _mm512_sub_pd,
};

use super::{BLOCK, Rows, Starts, whole};

/// Proof that the CPU has the features of `fill`: only [`Available::detect`] constructs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::predict::request) struct Available(());

/// The free bytes of the block that sixteen numbers need: each has at most 16 bytes in a slot, 21 when the scalar
/// code writes it, and every store is 64 bytes wide.
const ROOM: usize = 16 * 21 + 64;

/// Adding it leaves the nearest integer of a double below 2⁵² in its low bits.
const MAGIC: f64 = 4_503_599_627_370_496.0;

/// The bits of the least number in a slot, 2⁻¹⁰; with ten decimals it needs one zero in front of its nine digits.
const LEAST: u32 = 0x3a80_0000;
/// The bits of the first number too large for a slot, 1000.
const LIMIT: u32 = 0x447a_0000;

impl Available {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Self(()))
    }

    pub(super) fn fill(
        self,
        values: &[f32],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
        at: usize,
    ) -> (usize, usize) {
        // SAFETY: *detected*.
        unsafe { fill(values, rows, block, at) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi2,popcnt")]
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
        // SAFETY: *bounds*: the chunk has sixteen floats.
        let floats = unsafe { _mm512_loadu_ps(chunk.as_ptr()) };
        let bits = _mm512_castps_si512(floats);
        let integers = _mm512_cvttps_epi32(floats);
        let same = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(_mm512_cvtepi32_ps(integers), floats);
        let small = _mm512_cmplt_epu32_mask(bits, _mm512_set1_epi32(LIMIT as i32));
        let starts = local.next_starts();
        if same & small == 0xffff {
            at = write_whole(integers, starts, block, at);
        } else {
            let magnitudes = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fff_ffff));
            let negative = _mm512_movepi32_mask(bits);
            let halves = [
                (_mm512_castsi512_si256(magnitudes), starts, negative),
                (_mm512_extracti64x4_epi64::<1>(magnitudes), starts.second_half(), negative >> 8),
            ];
            for (half, (magnitudes, starts, negative)) in chunk.as_chunks().0.iter().zip(halves) {
                at = write_half(half, magnitudes, negative as u8, starts, block, at);
            }
        }
        taken += 16;
    }
    *rows = local;
    let (more, at) = whole::fill(rest, rows, block, at);
    (taken + more, at)
}

/// The bytes of a store that are kept: the first number has no predecessor.
#[inline]
fn kept_of_first(starts: Starts) -> u64 {
    if starts.first { !0b111 } else { !0 }
}

/// Stores the bytes of a vector that are kept, and gives the new end of the text.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn store(block: &mut [u8; BLOCK], at: usize, text: __m512i, kept: u64) -> usize {
    let target = &mut block[at..at + 64];
    let packed = _mm512_maskz_compress_epi8(kept, text);
    // SAFETY: *bounds*: `target` has 64 bytes.
    unsafe { _mm512_storeu_si512(target.as_mut_ptr().cast(), packed) };
    at + kept.count_ones() as usize
}

#[inline]
#[target_feature(enable = "avx512f")]
fn indexes<T, const N: usize>(table: &[T; N]) -> __m512i {
    const { assert!(size_of::<T>() * N == 64) };
    // SAFETY: *bounds*: the table has 64 bytes.
    unsafe { _mm512_loadu_si512(table.as_ptr().cast()) }
}

/// Sixteen whole numbers from 0 to 999, in slots of eight bytes: `],[210.0`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn write_whole(numbers: __m512i, starts: Starts, block: &mut [u8; BLOCK], at: usize) -> usize {
    const LOWER: [u32; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
    const UPPER: [u32; 16] = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];
    let splat = |bytes: [u8; 4]| _mm512_set1_epi32(i32::from_le_bytes(bytes));
    // 41 / 4096 and 103 / 1024 are near enough to 1/100 and 1/10 for numbers below 1000 and 100.
    let hundreds = _mm512_srli_epi32::<12>(_mm512_mullo_epi16(numbers, _mm512_set1_epi32(41)));
    let rest = _mm512_sub_epi32(numbers, _mm512_mullo_epi16(hundreds, _mm512_set1_epi32(100)));
    let tens = _mm512_srli_epi32::<10>(_mm512_mullo_epi16(rest, _mm512_set1_epi32(103)));
    let ones = _mm512_sub_epi32(rest, _mm512_mullo_epi16(tens, _mm512_set1_epi32(10)));
    let front = _mm512_or_si512(splat(*b"],[0"), _mm512_slli_epi32::<24>(hundreds));
    let back = _mm512_or_si512(tens, _mm512_slli_epi32::<8>(ones));
    let back = _mm512_or_si512(splat(*b"00.0"), back);
    let ten = _mm512_cmpge_epi32_mask(numbers, _mm512_set1_epi32(10));
    let hundred = _mm512_cmpge_epi32_mask(numbers, _mm512_set1_epi32(100));
    let kept = splat([0, 0xff, 0, 0]);
    let kept = _mm512_mask_or_epi32(kept, starts.bits, kept, splat([0xff, 0, 0xff, 0]));
    let front_kept = _mm512_mask_or_epi32(kept, hundred, kept, splat([0, 0, 0, 0xff]));
    let kept = splat([0, 0xff, 0xff, 0xff]);
    let back_kept = _mm512_mask_or_epi32(kept, ten, kept, splat([0xff, 0, 0, 0]));
    let (lower, upper) = (indexes(&LOWER), indexes(&UPPER));
    let kept = _mm512_movepi8_mask(_mm512_permutex2var_epi32(front_kept, lower, back_kept));
    let text = _mm512_permutex2var_epi32(front, lower, back);
    let at = store(block, at, text, kept & kept_of_first(starts));
    let kept = _mm512_movepi8_mask(_mm512_permutex2var_epi32(front_kept, upper, back_kept));
    let text = _mm512_permutex2var_epi32(front, upper, back);
    store(block, at, text, kept)
}

/// Eight numbers, by the scalar code when one of them has no slot.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn write_half(
    values: &[f32; 8],
    magnitudes: __m256i,
    negative: u8,
    starts: Starts,
    block: &mut [u8; BLOCK],
    at: usize,
) -> usize {
    let above_least = _mm256_sub_epi32(magnitudes, _mm256_set1_epi32(LEAST as i32));
    let in_slot = _mm256_cmplt_epu32_mask(above_least, _mm256_set1_epi32((LIMIT - LEAST) as i32));
    let zero = _mm256_cmpeq_epi32_mask(magnitudes, _mm256_setzero_si256());
    if in_slot | zero != 0xff {
        return whole::each(values, starts, block, at);
    }
    let above = _mm256_cmpge_epu32_mask(magnitudes, _mm256_set1_epi32(0x3f80_0000));
    let parts = if above == 0 { below_one(magnitudes) } else { below_thousand(magnitudes, above) };
    write_slots(&parts, negative, starts, block, at)
}

/// The two halves of eight slots: what is left of the last eight digits, and those as a number.
struct Parts {
    front: __m512i,
    /// 0xff where a byte of `front` is kept, as far as the digits decide it.
    front_kept: __m512i,
    /// Eight numbers below 10⁸.
    last: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f")]
fn bytes(bytes: [u8; 8]) -> __m512i {
    _mm512_set1_epi64(i64::from_le_bytes(bytes))
}

/// The integer that is nearest to each double, from 0 up to 2³².
#[inline]
#[target_feature(enable = "avx512f")]
fn nearest(numbers: __m512d) -> __m512i {
    let numbers = _mm512_castpd_si512(_mm512_add_pd(numbers, _mm512_set1_pd(MAGIC)));
    _mm512_and_si512(numbers, _mm512_set1_epi64(0xffff_ffff))
}

/// Zeros and numbers from 2⁻¹⁰ up to 1: `],[-0.` and 8, 9 or 10 decimals.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn below_one(magnitudes: __m256i) -> Parts {
    let (power, nine, ten) = decimals_below_one(magnitudes);
    let numbers = _mm512_cvtps_pd(_mm256_castsi256_ps(magnitudes));
    front_below_one(nearest(_mm512_mul_pd(numbers, power)), nine, ten)
}

/// The power of ten that makes the decimals an integer, and which numbers have at least nine and ten of them.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn decimals_below_one(magnitudes: __m256i) -> (__m512d, u8, u8) {
    // Zero wraps around and has eight.
    let less_one = _mm256_sub_epi32(magnitudes, _mm256_set1_epi32(1));
    let nine = _mm256_cmplt_epu32_mask(less_one, _mm256_set1_epi32(0x3e00_0000 - 1));
    let ten = _mm256_cmplt_epu32_mask(less_one, _mm256_set1_epi32(0x3c80_0000 - 1));
    let power = _mm512_mask_mov_pd(_mm512_set1_pd(1e8), nine, _mm512_set1_pd(1e9));
    (_mm512_mask_mov_pd(power, ten, _mm512_set1_pd(1e10)), nine, ten)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn front_below_one(numbers: __m512i, nine: u8, ten: u8) -> Parts {
    // With nine and ten decimals the digit before the last eight is 0 or 1.
    let eight = _mm512_set1_epi64(100_000_000);
    let one = _mm512_cmpge_epu64_mask(numbers, eight);
    let last = _mm512_mask_sub_epi64(numbers, one, numbers, eight);
    let front = bytes(*b"],[-0.00");
    let front = _mm512_mask_add_epi64(front, one, front, bytes([0, 0, 0, 0, 0, 0, 0, 1]));
    let kept = bytes([0, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    let kept = _mm512_mask_or_epi64(kept, nine, kept, bytes([0, 0, 0, 0, 0, 0, 0, 0xff]));
    let front_kept = _mm512_mask_or_epi64(kept, ten, kept, bytes([0, 0, 0, 0, 0, 0, 0xff, 0]));
    Parts { front, front_kept, last }
}

/// Zeros and numbers from 2⁻¹⁰ up to 1000, of which those in `above` are at least 1: `],[-210.` and 7, 6 or 5
/// decimals.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn below_thousand(magnitudes: __m256i, above: u8) -> Parts {
    let (power, nine, ten) = decimals_below_one(magnitudes);
    let six = _mm256_cmpge_epu32_mask(magnitudes, _mm256_set1_epi32(0x4180_0000));
    let five = _mm256_cmpge_epu32_mask(magnitudes, _mm256_set1_epi32(0x4300_0000));
    let choose = |below, seven: f64, at_six: f64, at_five: f64| {
        let chosen = _mm512_mask_mov_pd(below, above, _mm512_set1_pd(seven));
        let chosen = _mm512_mask_mov_pd(chosen, six, _mm512_set1_pd(at_six));
        _mm512_mask_mov_pd(chosen, five, _mm512_set1_pd(at_five))
    };
    let power = choose(power, 1e7, 1e6, 1e5);
    // Makes the decimals eight.
    let fill = choose(_mm512_set1_pd(1.0), 1e1, 1e2, 1e3);
    let numbers = _mm512_cvtps_pd(_mm256_castsi256_ps(magnitudes));
    let whole =
        _mm512_maskz_roundscale_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(above, numbers);
    let decimals = _mm512_mul_pd(_mm512_sub_pd(numbers, whole), power);
    let magic = _mm512_set1_pd(MAGIC);
    let decimals = _mm512_sub_pd(_mm512_add_pd(decimals, magic), magic);
    let below = front_below_one(nearest(_mm512_mul_pd(decimals, fill)), nine, ten);

    let whole = nearest(whole);
    let hundreds = _mm512_srli_epi64::<12>(_mm512_mullo_epi16(whole, _mm512_set1_epi64(41)));
    let rest = _mm512_sub_epi64(whole, _mm512_mullo_epi16(hundreds, _mm512_set1_epi64(100)));
    let tens = _mm512_srli_epi64::<10>(_mm512_mullo_epi16(rest, _mm512_set1_epi64(103)));
    let ones = _mm512_sub_epi64(rest, _mm512_mullo_epi16(tens, _mm512_set1_epi64(10)));
    let digits = _mm512_or_si512(
        _mm512_slli_epi64::<32>(hundreds),
        _mm512_or_si512(_mm512_slli_epi64::<40>(tens), _mm512_slli_epi64::<48>(ones)),
    );
    let front = _mm512_or_si512(bytes(*b"],[-000."), digits);
    let two = _mm512_cmpge_epu64_mask(whole, _mm512_set1_epi64(10));
    let three = _mm512_cmpge_epu64_mask(whole, _mm512_set1_epi64(100));
    let kept = bytes([0, 0xff, 0, 0, 0, 0, 0xff, 0xff]);
    let kept = _mm512_mask_or_epi64(kept, two, kept, bytes([0, 0, 0, 0, 0, 0xff, 0, 0]));
    let kept = _mm512_mask_or_epi64(kept, three, kept, bytes([0, 0, 0, 0, 0xff, 0, 0, 0]));
    Parts {
        front: _mm512_mask_blend_epi64(above, below.front, front),
        front_kept: _mm512_mask_blend_epi64(above, below.front_kept, kept),
        last: below.last,
    }
}

/// The eight decimal digits of numbers below 10⁸, one a byte (0 to 9), as [`super::scalar`] reckons them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn digits(numbers: __m512i) -> __m512i {
    // 10⁴ · 3518437209 is 2⁴⁵ to nine digits.
    let fours =
        _mm512_srli_epi64::<45>(_mm512_mul_epu32(numbers, _mm512_set1_epi64(3_518_437_209)));
    let rest = _mm512_sub_epi64(numbers, _mm512_mul_epu32(fours, _mm512_set1_epi64(10_000)));
    let fours = _mm512_or_si512(fours, _mm512_slli_epi64::<32>(rest));
    // 5243 / 2¹⁹ and 6554 / 2¹⁶ are near enough to 1/100 and 1/10 for numbers below 10⁴ and 100.
    let hundreds = _mm512_srli_epi16::<3>(_mm512_mulhi_epu16(fours, _mm512_set1_epi16(5243)));
    let rest = _mm512_sub_epi16(fours, _mm512_mullo_epi16(hundreds, _mm512_set1_epi16(100)));
    let twos = _mm512_or_si512(hundreds, _mm512_slli_epi32::<16>(rest));
    let tens = _mm512_mulhi_epu16(twos, _mm512_set1_epi16(6554));
    let rest = _mm512_sub_epi16(twos, _mm512_mullo_epi16(tens, _mm512_set1_epi16(10)));
    _mm512_or_si512(tens, _mm512_slli_epi16::<8>(rest))
}

/// Eight slots of sixteen bytes: the digits behind the front, without zeros at the end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512vbmi2,popcnt")]
fn write_slots(
    parts: &Parts,
    negative: u8,
    starts: Starts,
    block: &mut [u8; BLOCK],
    at: usize,
) -> usize {
    const LOWER: [u64; 8] = [0, 8, 1, 9, 2, 10, 3, 11];
    const UPPER: [u64; 8] = [4, 12, 5, 13, 6, 14, 7, 15];
    let &Parts { front, front_kept: kept, last } = parts;
    let kept =
        _mm512_mask_or_epi64(kept, starts.bits as u8, kept, bytes([0xff, 0, 0xff, 0, 0, 0, 0, 0]));
    let front_kept = _mm512_mask_or_epi64(kept, negative, kept, bytes([0, 0, 0, 0xff, 0, 0, 0, 0]));
    let digits = digits(last);
    // The bits of whole bytes that are zero at the end, 64 when all are: the first digit stays.
    let zeros = _mm512_and_si512(_mm512_lzcnt_epi64(digits), _mm512_set1_epi64(0x78));
    let digits_kept =
        _mm512_or_si512(_mm512_srlv_epi64(_mm512_set1_epi64(-1), zeros), _mm512_set1_epi64(0xff));
    let back = _mm512_or_si512(digits, bytes(*b"00000000"));
    let (lower, upper) = (indexes(&LOWER), indexes(&UPPER));
    let kept = _mm512_movepi8_mask(_mm512_permutex2var_epi64(front_kept, lower, digits_kept));
    let text = _mm512_permutex2var_epi64(front, lower, back);
    let at = store(block, at, text, kept & kept_of_first(starts));
    let kept = _mm512_movepi8_mask(_mm512_permutex2var_epi64(front_kept, upper, digits_kept));
    let text = _mm512_permutex2var_epi64(front, upper, back);
    store(block, at, text, kept)
}
