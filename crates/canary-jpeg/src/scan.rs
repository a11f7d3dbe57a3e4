//! The iteration over the data of a scan: restart intervals and their markers.

use std::ops::Range;

use crate::{
    Error, Result,
    bits::Bits,
    frame::{Frame, Scan},
    reader::Reader,
};

/// Calls `read` for each restart interval with its bits and its MCUs, then leaves the reader behind the scan.
///
/// `read` gives `None` for a code that no table has.
pub(crate) fn each_interval(
    reader: &mut Reader<'_>,
    (frame, scan): (&Frame, &Scan),
    mut read: impl FnMut(&mut Bits<'_>, Range<usize>) -> Option<()>,
) -> Result<()> {
    let (across, down) = scan.mcus(frame);
    let mcus = across * down;
    let interval = if reader.restart == 0 { mcus } else { reader.restart };
    let mut at = scan.data;
    let mut number = 0;
    for first in (0..mcus).step_by(interval.max(1)) {
        let last = mcus.min(first + interval);
        let mut bits = Bits::new(reader.bytes, at);
        let valid = read(&mut bits, first..last).is_some();
        if valid && !bits.overran() && last == mcus {
            reader.resume(bits.position());
            break;
        }
        let Some((marker, behind)) = bits.marker() else {
            return Err(reader.truncated("the end of its pixels"));
        };
        let what = if bits.overran() {
            "a scan that ends before its pixels do"
        } else if !valid {
            "a code that is not in its Huffman table"
        } else if marker != 0xD0 + number {
            "another marker in place of a restart marker"
        } else {
            at = behind;
            number = (number + 1) % 8;
            continue;
        };
        return Err(Error::Damaged { what, at: bits.position() });
    }
    Ok(())
}
