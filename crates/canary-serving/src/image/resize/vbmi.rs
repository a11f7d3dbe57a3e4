//! Pairs of rows and columns of 8-bit samples with AVX-512: the four neighbours of sixteen outputs are picked out of
//! two rows by one byte permutation each, already as floats. Byte-identical to [`super::scalar`]: the same operations
//! in the same order, no fused multiply-add.
#![allow(unsafe_code)]
// `self` is not read: that it exists is the proof.
#![allow(clippy::unused_self)]

use std::{
    arch::x86_64::{
        __m512, __m512i, _mm512_add_ps, _mm512_castsi512_ps, _mm512_loadu_ps, _mm512_loadu_si512,
        _mm512_mask_storeu_ps, _mm512_mul_ps, _mm512_permutex2var_epi8, _mm512_set1_epi32,
        _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
    },
    mem::MaybeUninit,
};

use super::{avx2, axis::Pairs};
use crate::image::preset::Affine;

/// Outputs that are made at once.
const LANES: usize = 16;
/// The bytes of a row among which their neighbours must lie.
const WINDOW: usize = 64;

/// Proof that the processor has what the loops are compiled for: made only by [`Available::detect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Available(avx2::Available);

/// Where the neighbours of sixteen outputs are. Aligned, so that no load crosses two of the cache's lines.
#[derive(Debug)]
#[repr(align(64))]
struct Group {
    /// For each output the four bytes of [`pick`]: the place of its lower neighbour within the window, and the rest.
    lower: [[u8; 4]; LANES],
    /// The same for the upper neighbours.
    upper: [[u8; 4]; LANES],
    t: [f32; LANES],
    /// The first byte of the window within a row. Invariant: the window ends before the row does.
    start: usize,
}

/// The columns of a resize, sixteen outputs at a time.
#[derive(Debug)]
pub(super) struct Columns {
    available: Available,
    groups: Vec<Group>,
    /// The bytes of a source row, at least a window's.
    row: usize,
    /// The number of outputs of a row, three a pixel.
    outputs: usize,
    /// The factors and summands of three groups, after which the channels repeat.
    affine: [Scaling; 3],
}

/// What sixteen outputs are multiplied by, and what is added to them.
#[derive(Debug)]
#[repr(align(64))]
struct Scaling {
    scale: [f32; LANES],
    offset: [f32; LANES],
}

impl Available {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi"))
        .then(avx2::Available::detect)?
        .map(Self)
    }

    /// What the processor has as well, for everything else.
    pub(super) fn avx2(self) -> avx2::Available {
        self.0
    }

    /// The columns in groups, unless the neighbours of one of them lie too far from each other: when an image becomes
    /// much smaller. Or when an image is narrower than a window.
    pub(super) fn columns(self, pairs: &Pairs, affine: &Affine) -> Option<Columns> {
        let (lower, upper, t) = pairs.parts();
        let row = pairs.source_length() * 3;
        let last = row.checked_sub(WINDOW)?;
        let outputs = lower.len() * 3;
        let mut groups = Vec::with_capacity(outputs.div_ceil(LANES));
        let (mut x, mut channel) = (0, 0);
        for first in (0..outputs).step_by(LANES) {
            // Positions grow from left to right, so that no other neighbour lies before.
            let start = last.min(lower[x] * 3);
            let mut group =
                Group { lower: [PLACE; LANES], upper: [PLACE; LANES], t: [0.0; LANES], start };
            for lane in 0..LANES.min(outputs - first) {
                let source = source_channel(channel, affine);
                let place = |position: usize| (position * 3 + source).wrapping_sub(start);
                let (low, up) = (place(lower[x]), place(upper[x]));
                if low >= WINDOW || up >= WINDOW {
                    return None;
                }
                (group.lower[lane][0], group.upper[lane][0]) =
                    (low.to_le_bytes()[0], up.to_le_bytes()[0]);
                group.t[lane] = t[x][0];
                channel += 1;
                if channel == 3 {
                    (x, channel) = (x + 1, 0);
                }
            }
            groups.push(group);
        }
        let affine = [0, 1, 2].map(|group| {
            let channel = |lane: usize| source_channel((group * LANES + lane) % 3, affine);
            Scaling {
                scale: std::array::from_fn(|lane| affine.scale[channel(lane)]),
                offset: std::array::from_fn(|lane| affine.offset[channel(lane)]),
            }
        });
        Some(Columns { available: self, groups, row, outputs, affine })
    }
}

/// Which channel of the source is written to a channel.
fn source_channel(channel: usize, affine: &Affine) -> usize {
    if affine.bgr { 2 - channel } else { channel }
}

impl Columns {
    /// Mixes two rows, resizes the result along its columns and normalises it: as many outputs as `out` is long, and
    /// no more than there are.
    pub(super) fn write(&self, rows: [&[u8]; 2], t: f32, out: &mut [MaybeUninit<f32>]) {
        let length = out.len().min(self.outputs);
        // SAFETY: the processor has the features, for `available` exists. `out` has this length.
        unsafe { mix(self, rows, t, out.as_mut_ptr().cast(), length) }
    }

    /// As [`Columns::write`], all outputs, to the end of `out`.
    pub(super) fn append(&self, rows: [&[u8]; 2], t: f32, out: &mut Vec<f32>) {
        out.reserve(self.outputs);
        let start = out.len();
        // SAFETY: the processor has the features, for `available` exists. There is room for the outputs behind the
        // vector's end, and `mix` writes every one of them, after which they are part of it.
        unsafe {
            mix(self, rows, t, out.as_mut_ptr().add(start), self.outputs);
            out.set_len(start + self.outputs);
        }
    }
}

/// Writes `length` outputs from `out` on.
///
/// # Safety
/// `out` must be valid for writes of `length` floats, and `length` be no more than there are outputs.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn mix(columns: &Columns, [a, b]: [&[u8]; 2], t: f32, out: *mut f32, length: usize) {
    _ = columns.available;
    assert!(a.len() >= columns.row && b.len() >= columns.row, "a row shorter than its axis");
    let down = _mm512_set1_ps(t);
    // The factors of three groups, after which the channels repeat, stay in registers.
    let [first, second, third] = &columns.affine;
    let scalings =
        [first, second, third].map(|scaling| (lanes(&scaling.scale), lanes(&scaling.offset)));
    let whole = length / LANES;
    let (groups, rest) = columns.groups.split_at(whole);
    let (threes, last) = groups.as_chunks::<3>();
    let mut done = 0;
    for three in threes {
        for (group, (scale, offset)) in three.iter().zip(scalings) {
            // SAFETY: both rows have `columns.row` bytes, before which every window ends. Sixteen outputs of a whole
            // group are within `length`; the store needs no alignment.
            unsafe {
                let made = mix_group(group, scale, offset, a, b, down);
                _mm512_storeu_ps(out.add(done), made);
            }
            done += LANES;
        }
    }
    let mut scalings = scalings.into_iter();
    for (group, (scale, offset)) in last.iter().zip(&mut scalings) {
        // SAFETY: as above.
        unsafe {
            let made = mix_group(group, scale, offset, a, b, down);
            _mm512_storeu_ps(out.add(done), made);
        }
        done += LANES;
    }
    if let (Some(group), Some((scale, offset))) = (rest.first(), scalings.next()) {
        let mask = (1 << (length - done)) - 1;
        // SAFETY: as above; the mask has one bit for each of the fewer than sixteen outputs that are left.
        unsafe {
            let made = mix_group(group, scale, offset, a, b, down);
            _mm512_mask_storeu_ps(out.add(done), mask, made);
        }
    }
}

/// Sixteen outputs.
///
/// # Safety
/// The group's window must lie within both rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn mix_group(
    group: &Group,
    scale: __m512,
    offset: __m512,
    a: &[u8],
    b: &[u8],
    down: __m512,
) -> __m512 {
    // SAFETY: as the caller promises, 64 bytes follow in each row; the loads need no alignment.
    let [a, b] =
        [a, b].map(|row| unsafe { _mm512_loadu_si512(row.as_ptr().add(group.start).cast()) });
    let (lower, upper) = (places(&group.lower), places(&group.upper));
    let left = lerp_levels(pick(a, lower), pick(b, lower), down);
    let right = lerp_levels(pick(a, upper), pick(b, upper), down);
    let across = _mm512_mul_ps(_mm512_sub_ps(right, left), lanes(&group.t));
    _mm512_add_ps(_mm512_mul_ps(_mm512_add_ps(left, across), scale), offset)
}

/// 2²³ as a float: its sum with a byte has the byte in its lowest bits.
const MAGIC: f32 = 8_388_608.0;

/// The places of four bytes: one of the window, then those of [`MAGIC`] behind it that are not its lowest.
const PLACE: [u8; 4] = [0, 65, 66, 67];

/// `a + (b - a) * t` for levels to which 2²³ was added; both differences are exact.
#[inline]
#[target_feature(enable = "avx512f")]
fn lerp_levels(a: __m512, b: __m512, t: __m512) -> __m512 {
    let product = _mm512_mul_ps(_mm512_sub_ps(b, a), t);
    _mm512_add_ps(_mm512_sub_ps(a, _mm512_set1_ps(MAGIC)), product)
}

/// The bytes at these places, each with 2²³ added, as floats.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn pick(window: __m512i, places: __m512i) -> __m512 {
    let magic = _mm512_set1_epi32(MAGIC.to_bits().cast_signed());
    _mm512_castsi512_ps(_mm512_permutex2var_epi8(window, places, magic))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn places(places: &[[u8; 4]; LANES]) -> __m512i {
    // SAFETY: 64 bytes, as many as are loaded; the load needs no alignment.
    unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn lanes(lanes: &[f32; LANES]) -> __m512 {
    // SAFETY: sixteen floats, as many as are loaded; the load needs no alignment.
    unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
}
