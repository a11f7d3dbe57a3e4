//! The transform of [`crate::idct`] with SSE2, which every x86-64 processor has; byte-identical to the reference.
//!
//! Invariants, which each `unsafe` here names. *Baseline*: SSE2 belongs to the x86-64 baseline, so its instructions exist
//! wherever this file is compiled. *Bounds*: the only pointers come from arrays of exactly the bytes that are read or
//! written; loads and stores need no alignment.
#![allow(unsafe_code, clippy::inline_always)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_loadu_si128, _mm_mulhi_epi16, _mm_mullo_epi16, _mm_packs_epi16,
    _mm_set1_epi8, _mm_set1_epi16, _mm_slli_epi16, _mm_srai_epi16, _mm_storel_epi64, _mm_sub_epi16,
    _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi16,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm_xor_si128,
};

use crate::idct::Lane;

impl Lane for __m128i {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: *baseline*.
        unsafe { _mm_add_epi16(self, other) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: *baseline*.
        unsafe { _mm_sub_epi16(self, other) }
    }

    #[inline(always)]
    fn times(self, constant: i16) -> Self {
        // SAFETY: *baseline*.
        unsafe { _mm_mulhi_epi16(_mm_slli_epi16(self, 2), _mm_set1_epi16(constant)) }
    }

    #[inline(always)]
    fn product(a: &[i16; 8], b: &[i16; 8]) -> Self {
        // SAFETY: *baseline*; *bounds*: each array is the 16 bytes that are read.
        unsafe {
            let (a, b) = (_mm_loadu_si128(a.as_ptr().cast()), _mm_loadu_si128(b.as_ptr().cast()));
            _mm_mullo_epi16(a, b)
        }
    }

    #[inline(always)]
    fn transposed(x: [Self; 8]) -> [Self; 8] {
        // SAFETY: *baseline*.
        unsafe {
            let low = |a, b| _mm_unpacklo_epi16(a, b);
            let high = |a, b| _mm_unpackhi_epi16(a, b);
            let a = [low(x[0], x[1]), high(x[0], x[1]), low(x[2], x[3]), high(x[2], x[3])];
            let b = [low(x[4], x[5]), high(x[4], x[5]), low(x[6], x[7]), high(x[6], x[7])];
            let quarter = |rows: [Self; 4]| {
                [
                    _mm_unpacklo_epi32(rows[0], rows[2]),
                    _mm_unpackhi_epi32(rows[0], rows[2]),
                    _mm_unpacklo_epi32(rows[1], rows[3]),
                    _mm_unpackhi_epi32(rows[1], rows[3]),
                ]
            };
            let (a, b) = (quarter(a), quarter(b));
            [
                _mm_unpacklo_epi64(a[0], b[0]),
                _mm_unpackhi_epi64(a[0], b[0]),
                _mm_unpacklo_epi64(a[1], b[1]),
                _mm_unpackhi_epi64(a[1], b[1]),
                _mm_unpacklo_epi64(a[2], b[2]),
                _mm_unpackhi_epi64(a[2], b[2]),
                _mm_unpacklo_epi64(a[3], b[3]),
                _mm_unpackhi_epi64(a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    fn levels(self) -> [u8; 8] {
        // SAFETY: *baseline*; *bounds*: the store writes the 8 bytes of `low`.
        unsafe {
            let signed = _mm_packs_epi16(_mm_srai_epi16(self, 5), _mm_set1_epi16(0));
            let levels = _mm_xor_si128(signed, _mm_set1_epi8(-128));
            let mut low = [0_u8; 8];
            _mm_storel_epi64(low.as_mut_ptr().cast(), levels);
            low
        }
    }
}
