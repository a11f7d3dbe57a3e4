//! Lists of 32-bit floats as text: that of [`scalar`] for each of them, written many at a time where the CPU can.
//!
//! Every kernel gives the same bytes as the scalar code; the tests compare them, and the example `prove_floats` does
//! so for all 2³² floats.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
mod whole;

pub(super) use super::block::{BLOCK, Rows, Starts, write_digits};
pub(super) use scalar::{SLOT, write};

/// The instructions that write the texts. Every choice gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// The reference code.
    Scalar,
    /// AVX-512 with VBMI2: sixteen numbers become text at once. Exists only where [`Kernel::all`] found it.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Available),
}

impl Kernel {
    /// All that this CPU has, the fastest last.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let all = [Some(Self::Scalar)].into_iter();
        #[cfg(target_arch = "x86_64")]
        let all = all.chain([avx512::Available::detect().map(Self::Avx512)]);
        all.flatten()
    }

    /// The fastest that this CPU has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(available) = avx512::Available::detect() {
            return Self::Avx512(available);
        }
        Self::Scalar
    }

    /// Writes elements with their separators to the block from `at` on until it is full, and returns the number of
    /// elements written, at least one of any, and the end of the text.
    pub(super) fn fill(
        self,
        values: &[f32],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
        at: usize,
    ) -> (usize, usize) {
        match self {
            Self::Scalar => whole::fill(values, rows, block, at),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(available) => available.fill(values, rows, block, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::predict::float_rows_by_kernel;

    /// Compares the kernels of this CPU with the texts of the floats one by one.
    #[track_caller]
    fn all_agree(values: &[f32], length: usize) {
        let mut wanted = Vec::new();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                let separator: &[u8] = if index % length == 0 { b"],[" } else { b"," };
                wanted.extend_from_slice(separator);
            }
            let mut slot = [0; super::SLOT];
            let end = super::write(*value, &mut slot);
            wanted.extend_from_slice(&slot[..end]);
        }
        for (kernel, found) in float_rows_by_kernel(values, length) {
            assert!(
                found == wanted,
                "{kernel} in rows of {length}:\n{}\n{}",
                String::from_utf8_lossy(&found),
                String::from_utf8_lossy(&wanted)
            );
        }
    }

    /// Unrelated numbers.
    fn numbers() -> impl FnMut() -> u32 {
        let mut state = 1_u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 32) as u32
        }
    }

    // The conversions are what makes the samples.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)]
    #[test]
    fn every_kernel_gives_the_bytes_of_the_reference() {
        let mut next = numbers();
        for round in 0..6000 {
            let length = next() as usize % 40 + 1;
            let count = next() as usize % 200;
            let values: Vec<f32> = (0..count)
                .map(|_| {
                    let number = next();
                    let unit = number as f32 / 4_294_967_296.0;
                    // Alone in some rounds, mixed in others.
                    match if round % 2 == 0 { round / 2 } else { next() } % 9 {
                        0 => f32::from_bits(number),
                        1 => (number % 1001) as f32,
                        2 => unit,
                        3 => number as i32 as f32 / 2_147_483_648.0 * 1000.0,
                        4 => -((number % 300) as f32),
                        5 => unit * 0.1,
                        6 => unit * 255.0 - 103.939,
                        7 => (number % 8) as f32 * 0.25 - 1.0,
                        _ => (number % 256) as f32,
                    }
                })
                .collect();
            all_agree(&values, length);
        }
    }

    #[test]
    fn every_kernel_agrees_at_the_edges_of_its_slots() {
        let edges =
            [0.0, 1e-45, 2_f32.powi(-13), 2_f32.powi(-10), 2_f32.powi(-6), 0.125, 1.0, 10.0];
        let more = [16.0, 100.0, 128.0, 255.0, 256.0, 512.0, 999.0, 1000.0, 16_777_216.0, f32::MAX];
        let mut values = Vec::new();
        for edge in edges.into_iter().chain(more) {
            for step in -3_i32..=3 {
                let float = f32::from_bits(edge.to_bits().wrapping_add_signed(step));
                values.extend([float, -float]);
            }
        }
        values.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        // Each of them in each lane, among numbers that all have slots.
        for value in values {
            for neighbour in [0.5, 7.0, 700.25, -0.0] {
                for lane in 0..16 {
                    let mut chunk = [neighbour; 33];
                    chunk[lane] = value;
                    all_agree(&chunk, 3);
                }
            }
        }
    }

    #[test]
    fn long_lists_pass_from_block_to_block() {
        let mut next = numbers();
        #[allow(clippy::cast_precision_loss)]
        let values: Vec<f32> = (0..20_011).map(|_| next() as f32 / 1e9).collect();
        for length in [1, 3, 1001, 20_011] {
            all_agree(&values, length);
        }
        let whole: Vec<f32> = values.iter().map(|value| value.round()).collect();
        all_agree(&whole, 3);
    }
}
