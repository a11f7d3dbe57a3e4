//! Reads the weights of a network from a safetensors file.

use std::{fs, path::Path};

use canary_core::serving::{Error, Result};
use safetensors::{Dtype, SafeTensors};

/// The largest file that is read.
const MAX_BYTES: u64 = 512 << 20;

/// The tensors of a file, by name.
#[derive(Debug)]
pub(crate) struct Weights<'a> {
    file: &'a str,
    tensors: SafeTensors<'a>,
}

/// The bytes of a file.
pub(crate) fn load(path: &Path) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::manifest(path.display().to_string(), reason);
    let read = |error: std::io::Error| failed(format!("cannot read the weights: {error}"));
    let size = fs::metadata(path).map_err(read)?.len();
    if size > MAX_BYTES {
        return Err(failed(format!("{size} bytes are more than the {MAX_BYTES} of the limit")));
    }
    fs::read(path).map_err(read)
}

impl<'a> Weights<'a> {
    /// Reads the bytes of a file; `file` names it in errors.
    pub(crate) fn read(file: &'a str, bytes: &'a [u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| Error::manifest(file, format!("not a safetensors file: {error}")))?;
        Ok(Self { file, tensors })
    }

    /// The numbers of the tensor of this name, which must be floats of this shape; the last dimension is the fastest.
    pub(crate) fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wrong = |reason: String| Error::manifest(self.file, reason);
        let found = self
            .tensors
            .tensor(name)
            .map_err(|_| wrong(format!("the tensor {name} is missing")))?;
        if (found.dtype(), found.shape()) != (Dtype::F32, shape) {
            let (dtype, found) = (found.dtype(), found.shape());
            return Err(wrong(format!(
                "the tensor {name} is {dtype:?}{found:?}, not F32{shape:?}"
            )));
        }
        Ok(found.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one tensor `w` of 2×2 floats.
    fn small() -> Vec<u8> {
        let header = br#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        bytes.extend([1f32, 2.0, 3.0, 4.0].iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    #[test]
    fn tensors_have_their_numbers_in_order() {
        let bytes = small();
        let weights = Weights::read("small", &bytes).unwrap();
        assert_eq!(weights.get("w", &[2, 2]).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        let refused =
            |name: &str, shape: &[usize]| weights.get(name, shape).unwrap_err().to_string();
        assert!(refused("v", &[2, 2]).contains("the tensor v is missing"));
        assert!(refused("w", &[4]).contains("the tensor w is F32[2, 2], not F32[4]"));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_an_error_or_a_read_never_a_panic() {
        let whole = small();
        for length in 0..whole.len() {
            assert!(Weights::read("cut", &whole[..length]).is_err(), "cut at {length}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, b'"', b'[', b'9', 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                if let Ok(weights) = Weights::read("changed", &bytes) {
                    let _ = weights.get("w", &[2, 2]);
                }
            }
        }
    }
}
