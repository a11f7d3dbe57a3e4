//! The inputs that are sent to both versions.

use anyhow::Result;
use canary_core::{evidence::Sample, stats::Random};

use crate::{commands::run::Run, input::Unusable};

/// Bytes of a generated input.
const BYTES: usize = 64;

/// The input of each number: the files in turn, or seeded random bytes.
pub(super) fn samples(options: &Run) -> Result<impl Fn(u64) -> Sample + Send + use<>> {
    let mut files: Vec<Sample> = Vec::new();
    for file in &options.images {
        let bytes = std::fs::read(file)
            .map_err(|error| Unusable::error(format!("cannot read {}: {error}", file.display())))?;
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        files.push(Sample::new(name, bytes));
    }
    let seed = options.lab.seed;
    Ok(move |number: u64| {
        let turn = usize::try_from(number).unwrap_or(0) % files.len().max(1);
        if let Some(sample) = files.get(turn) {
            return sample.clone();
        }
        let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bytes: Vec<u8> = (0..BYTES / 8).flat_map(|_| random.bits().to_le_bytes()).collect();
        Sample::new(format!("input {number}"), bytes)
    })
}
