//! TFRecord, the file format of TensorFlow for a sequence of records, each with checksums.
//!
//! Source: <https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>.

use crate::{Error, Result};

/// Adds a record to the end of a file.
pub(super) fn append(file: &mut Vec<u8>, record: &[u8]) {
    let length = (record.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked(&length).to_le_bytes());
    file.extend(record);
    file.extend(masked(record).to_le_bytes());
}

/// The records of a file.
pub(super) fn records<'f>(what: &str, file: &'f [u8]) -> Result<Vec<&'f [u8]>> {
    let mut records = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        let number = records.len();
        let wrong = |reason: &str| {
            Error::manifest(
                what,
                format!(
                    "record {number}, at byte {at}: {reason}; write the file again, or copy all of it"
                ),
            )
        };
        let cut = || wrong("found the end of the file within the record");
        let (length, behind) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let (checksum, behind) = behind.split_first_chunk::<4>().ok_or_else(cut)?;
        if masked(length) != u32::from_le_bytes(*checksum) {
            return Err(wrong("found another length than its checksum says"));
        }
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let (record, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        let (checksum, behind) = behind.split_first_chunk::<4>().ok_or_else(cut)?;
        if masked(record) != u32::from_le_bytes(*checksum) {
            return Err(wrong("found other bytes than its checksum says"));
        }
        records.push(record);
        rest = behind;
    }
    Ok(records)
}

/// The CRC-32C of bytes, rotated and shifted, so that a checksum of data with checksums in it stays a good one.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that `tf.io.TFRecordWriter` writes for the record `canary`.
    const CANARY: &[u8] = b"\x06\x00\x00\x00\x00\x00\x00\x00si\xd57canary\x8d+\x84\x87";

    #[test]
    fn a_file_is_the_one_of_tensorflow() {
        let mut file = Vec::new();
        append(&mut file, b"canary");
        assert_eq!(file, CANARY);
        append(&mut file, b"");
        assert_eq!(records("file", &file).unwrap(), [b"canary".as_slice(), b""]);
        assert!(records("file", b"").unwrap().is_empty());
    }

    #[test]
    fn damage_is_found_at_its_record() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        append(&mut file, b"two");
        let second = file.len() / 2;
        for (at, said) in [(second, "another length"), (second + 13, "other bytes")] {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            let error = records("warm-up file", &damaged).unwrap_err().to_string();
            assert!(error.contains("record 1, at byte 19") && error.contains(said), "{error}");
        }
        for end in second + 1..file.len() {
            let error = records("file", &file[..end]).unwrap_err().to_string();
            assert!(error.contains("the end of the file"), "{error}");
        }
    }
}
