//! A block on the stack, in which the texts of elements and their separators are gathered before they go to the body.

/// The size of a block: large against the texts, small against the CPU's first cache.
pub(super) const BLOCK: usize = 8192;

/// Writes the digits of a number below 1000 to the beginning of a text, and returns the number of digits.
pub(super) const fn write_digits(number: usize, text: &mut [u8]) -> usize {
    let mut length = 0;
    let mut place = 100;
    while place > 0 {
        if number >= place || place == 1 {
            // One digit, below 10.
            #[allow(clippy::cast_possible_truncation)]
            let digit = (number / place % 10) as u8;
            text[length] = b'0' + digit;
            length += 1;
        }
        place /= 10;
    }
    length
}

/// The positions among the following elements at which rows begin.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The number of elements in a row; not zero.
    length: usize,
    /// The number of elements before the next row begins.
    left: usize,
    /// True before the first element is written.
    first: bool,
    /// The bits whose number is a multiple of `length`.
    multiples: u16,
}

impl Rows {
    pub(super) fn new(length: usize) -> Self {
        let length = length.max(1);
        let multiples = (0..16).step_by(length).fold(0, |bits, bit| bits | 1 << bit);
        Self { length, left: length, first: true, multiples }
    }

    /// The separators of the next sixteen elements. The last chunk may have fewer.
    #[inline]
    pub(super) fn next_starts(&mut self) -> Starts {
        let first = std::mem::replace(&mut self.first, false);
        let bits = if self.left < 16 { self.multiples << self.left } else { 0 };
        self.left += bits.count_ones() as usize * self.length;
        self.left -= 16;
        Starts { first, bits }
    }
}

/// The separators before sixteen elements: none before the first, `],[` where a row begins, else a comma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Starts {
    /// True when the next element is the first of all.
    pub(super) first: bool,
    /// The elements that begin a row, the next in the lowest bit.
    pub(super) bits: u16,
}

impl Starts {
    /// The same for the last eight of the sixteen.
    #[inline]
    pub(super) fn second_half(self) -> Self {
        Self { first: false, bits: self.bits >> 8 }
    }

    /// Writes the separator before the next element, and returns the end of the text.
    #[inline]
    pub(super) fn separate(&mut self, block: &mut [u8; BLOCK], at: usize) -> usize {
        // Four bytes in either case, of which one or three stay.
        const SEPARATORS: [[u8; 4]; 2] = [*b",   ", *b"],[ "];
        if self.first {
            self.first = false;
            self.bits >>= 1;
            return at;
        }
        let start = usize::from(self.bits & 1);
        self.bits >>= 1;
        block[at..at + 4].copy_from_slice(&SEPARATORS[start]);
        at + 1 + 2 * start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_where_they_should() {
        for length in [1, 2, 3, 7, 8, 15, 16, 17, 1000] {
            let mut rows = Rows::new(length);
            let mut block = [0; BLOCK];
            for chunk in 0..400 {
                let mut starts = rows.next_starts();
                for index in chunk * 16..chunk * 16 + 16_usize {
                    let wanted: &[u8] = match index {
                        0 => b"",
                        index if index.is_multiple_of(length) => b"],[",
                        _ => b",",
                    };
                    if index % 16 == 8 {
                        let mut half = Rows::new(length);
                        (0..chunk).for_each(|_| _ = half.next_starts());
                        assert_eq!(half.next_starts().second_half(), starts);
                    }
                    let end = starts.separate(&mut block, 0);
                    assert_eq!(&block[..end], wanted, "{index} in rows of {length}");
                }
            }
        }
    }
}
