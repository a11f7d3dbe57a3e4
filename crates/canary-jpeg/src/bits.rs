//! The bits of a scan: ITU-T T.81, annex F.2.2.

use crate::huffman::{LOOK, Table, extend};

/// The bits up to the next marker, without stuffed zeros; zeros follow after them.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first of them highest; `count` are valid. Below them stand zeros, or the bits that the next
    /// refill puts there too.
    next: u64,
    count: u32,
    /// The zero bits that were appended after the last byte.
    appended: u32,
}

impl<'a> Bits<'a> {
    /// The bits from a position of the file on.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, next: 0, count: 0, appended: 0 }
    }

    /// Makes at least 56 bits valid.
    #[inline]
    pub(crate) fn refill(&mut self) {
        if let Some(word) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let more = u64::from_be_bytes(*word);
            // Not zero exactly when one of the bytes is 0xFF.
            let full = (!more).wrapping_sub(0x0101_0101_0101_0101) & more & 0x8080_8080_8080_8080;
            if full == 0 {
                self.next |= more >> self.count;
                self.at += ((63 - self.count) >> 3) as usize;
                self.count |= 0b11_1000;
                return;
            }
        }
        self.refill_slowly();
    }

    /// The same byte by byte, past stuffed zeros and up to a marker.
    #[cold]
    fn refill_slowly(&mut self) {
        while self.count < 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some(&[byte, ..]) if byte != 0xFF => {
                    self.at += 1;
                    byte
                }
                _ => {
                    self.appended = self.appended.saturating_add(8);
                    0
                }
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// True if bits were read that the data does not have.
    pub(crate) fn overran(&self) -> bool {
        self.appended > self.count
    }

    /// The position in the file up to which bytes were read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The marker after the data, past any bytes before it, and the position behind it.
    pub(crate) fn marker(&self) -> Option<(u8, usize)> {
        next_marker(self.bytes, self.at)
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.next <<= bits;
        self.count -= bits;
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn look(&self, bits: u32) -> usize {
        (self.next >> (64 - bits)) as usize
    }

    /// A code of up to 16 bits.
    #[inline]
    fn symbol(&mut self, table: &Table) -> Option<u8> {
        let (symbol, length) = table.short[self.look(LOOK)];
        if length > 0 {
            self.skip(length.into());
            return Some(symbol);
        }
        let (symbol, length) = table.long(u32::try_from(self.look(16)).ok()?)?;
        self.skip(length);
        Some(symbol)
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn value(&mut self, size: u32) -> i16 {
        if size == 0 {
            return 0;
        }
        let bits = self.look(size) as u32;
        self.skip(size);
        extend(bits, size)
    }

    /// A code after a refill, which leaves bits for a value of up to 16 bits.
    #[inline]
    pub(crate) fn code(&mut self, table: &Table) -> Option<u8> {
        self.refill();
        self.symbol(table)
    }

    /// The signed value of `size` bits, up to 15, after a [code](Self::code).
    #[inline]
    pub(crate) fn signed(&mut self, size: u8) -> i16 {
        self.value(size.into())
    }

    /// The number that `size` bits are, up to 15, after a [code](Self::code).
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn unsigned(&mut self, size: u8) -> u32 {
        if size == 0 {
            return 0;
        }
        let bits = self.look(size.into()) as u32;
        self.skip(size.into());
        bits
    }

    /// One bit, after a refill when there is none.
    #[inline]
    pub(crate) fn bit(&mut self) -> bool {
        if self.count == 0 {
            self.refill();
        }
        let bit = self.next >> 63 == 1;
        self.skip(1);
        bit
    }

    /// The difference of a block's DC coefficient to that of the block before.
    #[inline]
    pub(crate) fn dc(&mut self, table: &Table) -> Option<i16> {
        let size = self.code(table)?;
        Some(self.signed(size))
    }

    /// Reads the 63 AC coefficients in zigzag order, each to the position that `place` gives, and returns true when one is
    /// not zero.
    #[inline]
    pub(crate) fn ac(
        &mut self,
        table: &Table,
        place: &[u8; 80],
        block: &mut [i16; 64],
    ) -> Option<bool> {
        let mut at = 1;
        while at < 64 {
            self.refill();
            // A refill is enough for two coefficients of at most 26 bits each.
            for _ in 0..2 {
                let (value, run, bits) = table.whole[self.look(LOOK)];
                if bits > 0 {
                    self.skip(bits.into());
                    at += usize::from(run);
                    block[usize::from(place[at] & 63)] = value;
                    at += 1;
                } else {
                    let symbol = self.symbol(table)?;
                    let (run, size) = (symbol >> 4, symbol & 15);
                    if size == 0 {
                        if run < 15 {
                            return Some(at > 1);
                        }
                        at += 16;
                    } else {
                        // No file of 8-bit samples needs more than 10 bits.
                        if size > 10 {
                            self.refill();
                        }
                        at += usize::from(run);
                        block[usize::from(place[at] & 63)] = self.value(size.into());
                        at += 1;
                        if size > 10 {
                            break;
                        }
                    }
                }
                if at >= 64 {
                    break;
                }
            }
        }
        // Past the end is a damaged block.
        (at == 64).then_some(true)
    }
}

/// The first marker from a position on, and the position behind it; bytes before it are passed over.
pub(crate) fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)? + 1;
        let fill = bytes.get(at..)?.iter().take_while(|&&byte| byte == 0xFF).count();
        at += fill + 1;
        match bytes.get(at - 1)? {
            0 => {}
            &marker => return Some((marker, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_zeros_and_what_follows_the_data() {
        let bytes = [0xA5, 0xFF, 0, 0xFF, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0, 9, 0xFF, 0xFF, 0xD9];
        let mut bits = Bits::new(&bytes, 0);
        let wanted = [0xA5, 0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 9];
        for byte in wanted {
            let found = (0..8).fold(0_u32, |byte, _| byte << 1 | u32::from(bits.bit()));
            assert_eq!(found, byte);
        }
        assert!(!bits.overran());
        assert!(!bits.bit() && bits.overran());
        assert_eq!(bits.marker(), Some((0xD9, bytes.len())));
    }

    #[test]
    fn markers_are_found_past_anything() {
        assert_eq!(next_marker(&[1, 0xFF, 0, 0xFF, 0xFF, 0xD8, 7], 0), Some((0xD8, 6)));
        assert_eq!(next_marker(&[1, 0xFF], 0), None);
        assert_eq!(next_marker(&[], 0), None);
        assert_eq!(next_marker(&[1], 5), None);
    }
}
