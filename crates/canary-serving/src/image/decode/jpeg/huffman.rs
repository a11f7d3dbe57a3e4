//! Huffman codes of a baseline scan: ITU-T T.81, annexes C and F.2.

/// The bits that one look into a table covers.
const LOOK: u32 = 10;

/// One Huffman table.
pub(super) struct Table {
    /// By the next `LOOK` bits: symbol and code length, or length 0 for longer codes.
    short: Box<[(u8, u8); 1 << LOOK]>,
    /// By the next `LOOK` bits, when a code and the value after it both lie within: value, run of zeros before it,
    /// and the bits of both; or 0 bits.
    whole: Box<[(i16, u8, u8); 1 << LOOK]>,
    /// For each length, one above its largest code, aligned to 16 bits; and what leads from a code to its symbol.
    limits: [u32; 18],
    deltas: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the number of codes of each length, and the symbols in the order of their codes.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            short: Box::new([(0, 0); 1 << LOOK]),
            whole: Box::new([(0, 0, 0); 1 << LOOK]),
            limits: [0; 18],
            deltas: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut at) = (0_u32, 0_usize);
        for length in 1..=16_u8 {
            let wide = u32::from(length);
            table.deltas[usize::from(length)] = i32::try_from(at).ok()? - code.cast_signed();
            for _ in 0..counts[usize::from(length) - 1] {
                let symbol = *symbols.get(at)?;
                if code >= 1 << wide {
                    return None;
                }
                if wide <= LOOK {
                    let first = (code << (LOOK - wide)) as usize;
                    table.short[first..first + (1 << (LOOK - wide))].fill((symbol, length));
                }
                code += 1;
                at += 1;
            }
            table.limits[usize::from(length)] = code << (16 - wide);
            code <<= 1;
        }
        table.limits[17] = u32::MAX;
        table.fill_whole();
        Some(table)
    }

    fn fill_whole(&mut self) {
        for look in 0..1_u32 << LOOK {
            let (symbol, length) = self.short[look as usize];
            let (run, size) = (symbol >> 4, symbol & 15);
            let total = length + size;
            if length == 0 || size == 0 || u32::from(total) > LOOK {
                continue;
            }
            let bits = (look >> (LOOK - u32::from(total))) & ((1 << size) - 1);
            self.whole[look as usize] = (extend(bits, size.into()), run, total);
        }
    }
}

/// The signed value of `size` bits: T.81, figure F.12.
#[allow(clippy::cast_possible_truncation)]
fn extend(bits: u32, size: u32) -> i16 {
    let bits = bits.cast_signed();
    let half = 1 << size >> 1;
    (if bits < half { bits - (1 << size) + 1 } else { bits }) as i16
}

/// Bits of one restart interval, without stuffed zeros, followed by at least eight bytes of padding.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first of them highest; `count` are valid.
    next: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, next: 0, count: 0 }
    }

    /// Makes at least 56 bits valid; `None` beyond the padding.
    #[inline]
    fn refill(&mut self) -> Option<()> {
        let more = u64::from_be_bytes(*self.bytes.get(self.at..)?.first_chunk()?);
        self.next |= more >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 0b11_1000;
        Some(())
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

    /// Whether more bits were taken than the interval of `length` bytes has.
    pub(super) fn overran(&self, length: usize) -> bool {
        self.at * 8 - self.count as usize > length * 8
    }

    /// A code of up to 16 bits.
    #[inline]
    fn symbol(&mut self, table: &Table) -> Option<u8> {
        let (symbol, length) = table.short[self.look(LOOK)];
        if length > 0 {
            self.skip(length.into());
            return Some(symbol);
        }
        let look = u32::try_from(self.look(16)).ok()?;
        let mut length = LOOK as usize + 1;
        while length <= 16 && look >= table.limits[length] {
            length += 1;
        }
        if length > 16 {
            return None;
        }
        let code = (look >> (16 - length)).cast_signed();
        let symbol = table.symbols.get(usize::try_from(code + table.deltas[length]).ok()?)?;
        self.skip(u32::try_from(length).ok()?);
        Some(*symbol)
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

    /// The difference of a block's DC coefficient to that of the block before.
    pub(super) fn dc(&mut self, table: &Table) -> Option<i16> {
        self.refill()?;
        let size = self.symbol(table)?;
        (size <= 11).then(|| self.value(size.into()))
    }

    /// The 63 AC coefficients in zigzag order, each put where `place` says; whether there was any.
    #[inline]
    pub(super) fn ac(
        &mut self,
        table: &Table,
        place: &[u8; 80],
        block: &mut [i16; 64],
    ) -> Option<bool> {
        let mut at = 1;
        while at < 64 {
            self.refill()?;
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
                        at += usize::from(run);
                        block[usize::from(place[at] & 63)] = self.value(size.into());
                        at += 1;
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
