//! Reads the weights of a legacy `PyTorch` checkpoint without running anything that it asks for.
//!
//! The file is four pickles (magic number, protocol, system information, the tensors), a pickle of the storage keys,
//! then for each key an 8-byte count and the raw little-endian elements. Of all that a pickle can name, only
//! `OrderedDict`, `FloatStorage`, `LongStorage` and `_rebuild_tensor_v2` are understood; anything else is an error.
//! Format: `torch/serialization.py` (`_legacy_save`) and `pickletools` in Python's standard library.

use std::{collections::HashMap, fs, path::Path};

use canary_core::serving::{Error, Result};

use super::unpickle::{Heap, Storage, Tensor as Described, Value, unpickle};

/// The largest file that is read.
const MAX_BYTES: u64 = 512 << 20;
/// The most numbers that all tensors together may hold.
const MAX_NUMBERS: usize = 64 << 20;
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// A tensor of weights, row-major.
#[derive(Debug)]
pub(crate) struct Weights {
    /// The size of each dimension.
    pub(crate) shape: Vec<usize>,
    /// The numbers, last dimension fastest.
    pub(crate) data: Vec<f32>,
}

/// The float tensors of a checkpoint, by name.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    file: String,
    tensors: HashMap<String, Weights>,
}

impl Checkpoint {
    /// Reads a file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let failed = |error: std::io::Error| {
            Error::manifest(file.clone(), format!("cannot read the weights: {error}"))
        };
        let size = fs::metadata(path).map_err(failed)?.len();
        if size > MAX_BYTES {
            return Err(Error::manifest(
                file,
                format!("{size} bytes are more than the {MAX_BYTES} that weights may have"),
            ));
        }
        Self::read(&file, &fs::read(path).map_err(failed)?)
    }

    /// Reads the bytes of a file; `file` names it in errors.
    pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Self> {
        let tensors = read(bytes).map_err(|reason| {
            Error::manifest(file.to_owned(), format!("not a usable PyTorch checkpoint: {reason}"))
        })?;
        Ok(Self { file: file.to_owned(), tensors })
    }

    /// Takes the tensor of this name, which must have this shape.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wrong = |reason: String| Error::manifest(self.file.clone(), reason);
        let found = self
            .tensors
            .remove(name)
            .ok_or_else(|| wrong(format!("the tensor {name} is missing")))?;
        if found.shape != shape {
            return Err(wrong(format!(
                "the tensor {name} has the shape {:?}, not {shape:?}",
                found.shape
            )));
        }
        Ok(found.data)
    }
}

fn read(bytes: &[u8]) -> Result<HashMap<String, Weights>, String> {
    let mut heap = Heap::default();
    let mut rest = bytes;
    let mut next = |heap: &mut Heap| unpickle(&mut rest, heap);
    match next(&mut heap)? {
        Value::Long(id) if heap.long(id) == MAGIC => {}
        _ => return Err("the magic number is missing; only the legacy format is read".to_owned()),
    }
    if !matches!(next(&mut heap)?, Value::Int(1001)) {
        return Err("the protocol version is not 1001".to_owned());
    }
    next(&mut heap)?;
    let Value::Dict(state) = next(&mut heap)? else {
        return Err("the tensors are not in a dictionary".to_owned());
    };
    let Value::List(keys) = next(&mut heap)? else {
        return Err("the storage keys are not in a list".to_owned());
    };
    let storages = read_storages(rest, &heap, keys)?;
    let mut tensors = HashMap::new();
    let mut total = 0;
    for &(name, value) in heap.dict(state) {
        let (Value::Text(name), Value::Tensor(tensor)) = (name, value) else {
            return Err("an entry is not a named tensor".to_owned());
        };
        let (name, tensor) = (heap.text(name), heap.tensor(tensor));
        let storage = heap.storage(tensor.storage);
        if !storage.float {
            continue;
        }
        let data = storages.get(heap.text(storage.key)).ok_or("a tensor without its numbers")?;
        let count = tensor
            .shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
            .filter(|&count| count <= storage.count)
            .ok_or_else(|| format!("the tensor {name} is larger than its storage"))?;
        total += count;
        if total > MAX_NUMBERS {
            return Err(format!("more than {MAX_NUMBERS} numbers"));
        }
        tensors.insert(name.to_owned(), gather(name, tensor, count, data)?);
    }
    Ok(tensors)
}

/// The bytes of each storage of floats, by its key.
fn read_storages<'a>(
    mut rest: &'a [u8],
    heap: &Heap,
    keys: usize,
) -> Result<HashMap<String, &'a [u8]>, String> {
    let described: HashMap<&str, &Storage> =
        heap.storages().map(|storage| (heap.text(storage.key), storage)).collect();
    let mut storages = HashMap::new();
    for &key in heap.list(keys) {
        let Value::Text(key) = key else { return Err("a storage key is not a text".to_owned()) };
        let key = heap.text(key);
        let storage = described.get(key).ok_or("a storage that no tensor uses")?;
        let (size, tail) = rest.split_first_chunk::<8>().ok_or("the numbers are cut off")?;
        if usize::try_from(i64::from_le_bytes(*size)).ok() != Some(storage.count) {
            return Err("a storage has another size than its tensors say".to_owned());
        }
        let width = if storage.float { 4 } else { 8 };
        let length = storage.count.checked_mul(width).ok_or("a storage is too large")?;
        if tail.len() < length {
            return Err("the numbers are cut off".to_owned());
        }
        let (data, tail) = tail.split_at(length);
        storages.insert(key.to_owned(), data);
        rest = tail;
    }
    Ok(storages)
}

/// Brings a strided tensor into row-major order.
fn gather(name: &str, tensor: &Described, count: usize, bytes: &[u8]) -> Result<Weights, String> {
    let outside = || format!("the tensor {name} reaches outside its storage");
    let mut last = Some(tensor.offset);
    for (&size, &stride) in tensor.shape.iter().zip(&tensor.stride) {
        let reach = size.saturating_sub(1).checked_mul(stride);
        last = last.zip(reach).and_then(|(last, reach)| last.checked_add(reach));
    }
    if count > 0 && last.ok_or_else(outside)? >= bytes.len() / 4 {
        return Err(outside());
    }
    let mut data = Vec::with_capacity(count);
    let mut index = vec![0usize; tensor.shape.len()];
    let mut at = tensor.offset;
    for _ in 0..count {
        let chunk = bytes.get(4 * at..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(outside)?;
        data.push(f32::from_le_bytes(*chunk));
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            at += tensor.stride[axis];
            if index[axis] < tensor.shape[axis] {
                break;
            }
            at -= tensor.stride[axis] * tensor.shape[axis];
            index[axis] = 0;
        }
    }
    Ok(Weights { shape: tensor.shape.clone(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkpoint with one 2×2 tensor `w`, written column-major, and one counter.
    pub(crate) fn small() -> Vec<u8> {
        let mut bytes = b"\x80\x02\x8a\x0a".to_vec();
        bytes.extend(MAGIC);
        bytes.extend(b".\x80\x02M\xe9\x03.\x80\x02}.");
        bytes.extend(b"\x80\x02ccollections\nOrderedDict\n)R(");
        bytes.extend(b"X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aX\x03\0\0\0cpuK\x04NtQ");
        bytes.extend(b"K\0K\x02K\x02\x86K\x01K\x02\x86\x89ccollections\nOrderedDict\n)RtR");
        bytes.extend(b"X\x01\0\0\0nctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(b"X\x07\0\0\0storagectorch\nLongStorage\nX\x01\0\0\0bX\x03\0\0\0cpuK\x01NtQ");
        bytes.extend(b"K\0))\x89ccollections\nOrderedDict\n)RtRu.");
        bytes.extend(b"\x80\x02](X\x01\0\0\0aX\x01\0\0\0be.");
        bytes.extend(4i64.to_le_bytes());
        for number in [1f32, 2.0, 3.0, 4.0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(1i64.to_le_bytes());
        bytes.extend(7i64.to_le_bytes());
        bytes
    }

    #[test]
    fn a_strided_tensor_is_read_row_major() {
        let mut read = Checkpoint::read("small", &small()).unwrap();
        assert_eq!(read.take("w", &[2, 2]).unwrap(), [1.0, 3.0, 2.0, 4.0]);
        let error = read.take("w", &[2, 2]).unwrap_err().to_string();
        assert!(error.contains("the tensor w is missing"), "{error}");
    }

    #[test]
    fn code_is_refused_by_name() {
        let hostile = b"\x80\x02cos\nsystem\n(X\x02\0\0\0idtR.";
        let mut bytes = small()[..15].to_vec();
        bytes.extend(hostile);
        let error = Checkpoint::read("evil", &bytes).unwrap_err().to_string();
        assert!(error.contains("os.system"), "{error}");
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_an_error_or_a_read_never_a_panic() {
        let whole = small();
        for length in 0..whole.len() {
            assert!(Checkpoint::read("cut", &whole[..length]).is_err(), "cut at {length}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 0x28, 0x52, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let _ = Checkpoint::read("flipped", &bytes);
            }
        }
    }

    #[test]
    fn a_tensor_larger_than_its_storage_is_refused() {
        let whole = small();
        let shape = whole.windows(7).position(|w| w == b"K\x02K\x02\x86K\x01").unwrap();
        let mut bytes = whole;
        bytes[shape + 1] = 200;
        let error = Checkpoint::read("large", &bytes).unwrap_err().to_string();
        assert!(error.contains("larger than its storage"), "{error}");
    }
}
