//! Progressive images: coefficients gathered over many scans, ITU-T T.81, annex G.

use std::ops::Range;

use crate::{
    Error, Result,
    bits::Bits,
    frame::{Component, Frame, Scan},
    huffman::Table,
    idct,
    planes::{self, Plane},
    reader::Reader,
    scan::each_interval,
    zigzag::ZIGZAG,
};

/// The coefficients of one component.
struct Coefficients {
    /// In row order, without quantisation.
    blocks: Vec<[i16; 64]>,
    /// For each block a bit for each AC coefficient, in zigzag order, that is not zero: the others need no visit.
    set: Vec<u64>,
    /// Its quantisation table as it was at its first scan.
    factors: Option<[i16; 64]>,
    /// The bits that are still missing of the first coefficients in zigzag order; `None` before the first scan of one.
    missing: [Option<u8>; ESTIMATED],
}

/// The coefficients that libjpeg estimates from the neighbours of a block where scans left bits out.
const ESTIMATED: usize = 10;

/// Blocks that scans may visit for each block that there is, and for each byte of the file. An encoder makes some ten
/// scans of an image, whose first takes a bit a block at least.
const VISITS_A_BLOCK: u64 = 64;
const VISITS_A_BYTE: u64 = 128;

/// The levels of every component; `scan` is the first one.
pub(crate) fn decode(reader: &mut Reader<'_>, frame: &Frame, scan: Scan) -> Result<Vec<Plane>> {
    let new = |component: &Component| Coefficients {
        blocks: vec![[0; 64]; component.blocks()],
        set: vec![0; component.blocks()],
        factors: None,
        missing: [None; ESTIMATED],
    };
    let mut all: Vec<_> = frame.components.iter().map(new).collect();
    let blocks: usize = frame.components.iter().map(Component::blocks).sum();
    let mut visits_left =
        blocks as u64 * VISITS_A_BLOCK + reader.bytes.len() as u64 * VISITS_A_BYTE;
    let mut next = Some(scan);
    let mut scans = 0;
    while let Some(scan) = next {
        scans += 1;
        let (across, down) = scan.mcus(frame);
        for part in &scan.parts {
            let component = &frame.components[part.component];
            let (wide, high) = scan.in_mcu(component);
            let visits = (across * wide * down * high) as u64;
            visits_left = visits_left.checked_sub(visits).ok_or(Error::TooManyScans { scans })?;
            let coefficients = &mut all[part.component];
            let band = usize::from(scan.first)..=usize::from(scan.last);
            for (at, missing) in coefficients.missing.iter_mut().enumerate() {
                if band.contains(&at) {
                    *missing = Some(scan.low);
                }
            }
            if coefficients.factors.is_none() {
                coefficients.factors = Some(*reader.factors(component.quantiser)?);
            }
        }
        one_scan(reader, (frame, &scan), &mut all)?;
        next = reader.next_scan()?;
    }
    if all.iter().any(|coefficients| coefficients.missing[0].is_none()) {
        return Err(reader.truncated("a scan of each component"));
    }
    // Such an image would be a guess.
    if all.iter().any(|coefficients| coefficients.missing[1..].iter().any(|&bits| bits != Some(0)))
    {
        return Err(reader.truncated("its last scans"));
    }
    let mut planes = planes::of(frame);
    for (coefficients, (component, plane)) in
        all.into_iter().zip(frame.components.iter().zip(&mut planes))
    {
        let factors = coefficients.factors.unwrap_or([0; 64]);
        for (at, (block, &set)) in coefficients.blocks.iter().zip(&coefficients.set).enumerate() {
            let (row, column) = (at / component.stride, at % component.stride);
            let out = &mut plane.levels[row * 8 * plane.stride + column * 8..];
            if set == 0 {
                idct::flat(block[0], &factors, out, plane.stride);
            } else {
                idct::inverse(block, &factors, out, plane.stride);
            }
        }
    }
    Ok(planes)
}

fn one_scan(
    reader: &mut Reader<'_>,
    (frame, scan): (&Frame, &Scan),
    all: &mut [Coefficients],
) -> Result<()> {
    let &Scan { first, last, before, low, .. } = scan;
    let band = if first == 0 { last == 0 } else { first <= last && last < 64 };
    if !band || low > 13 || (before != 0 && low + 1 != before) {
        return Err(reader.damaged("impossible parameters of a progressive scan"));
    }
    let mcus = scan.mcus(frame);
    if first == 0 {
        return dc_scan(reader, (frame, scan), all);
    }
    let [part] = &scan.parts[..] else {
        return Err(reader.damaged("AC coefficients of several components in one scan"));
    };
    let component = &frame.components[part.component];
    let coefficients = &mut all[part.component];
    let table = reader.ac(part.ac)?.clone();
    each_interval(reader, (frame, scan), |bits, range| {
        let mut band = Band { first, last, low, table: &table, run: 0 };
        let step = |at: usize| at / mcus.0 * component.stride + at % mcus.0;
        if before == 0 {
            band.first_scan(bits, range, step, coefficients)
        } else {
            band.later_scan(bits, range, step, coefficients)
        }
    })
}

fn dc_scan(
    reader: &mut Reader<'_>,
    (frame, scan): (&Frame, &Scan),
    all: &mut [Coefficients],
) -> Result<()> {
    let tables = scan.parts.iter().map(|part| match scan.before {
        0 => reader.dc(part.dc).cloned().map(Some),
        _ => Ok(None),
    });
    let tables = tables.collect::<Result<Vec<_>>>()?;
    let (across, _) = scan.mcus(frame);
    each_interval(reader, (frame, scan), |bits, mcus| {
        let mut previous = [0_i16; 4];
        for mcu in mcus {
            let (row, column) = (mcu / across, mcu % across);
            for ((part, table), previous) in scan.parts.iter().zip(&tables).zip(&mut previous) {
                let component = &frame.components[part.component];
                let (wide, high) = scan.in_mcu(component);
                for at in 0..wide * high {
                    let (down, right) = (at / wide, at % wide);
                    let at = (row * high + down) * component.stride + column * wide + right;
                    let level = &mut all[part.component].blocks[at][0];
                    if let Some(table) = table {
                        *previous = previous.wrapping_add(bits.dc(table)?);
                        *level = previous.wrapping_shl(scan.low.into());
                    } else if bits.bit() {
                        *level |= 1 << scan.low;
                    }
                }
            }
        }
        Some(())
    })
}

/// A scan of some AC coefficients of one component.
struct Band<'a> {
    first: u8,
    last: u8,
    low: u8,
    table: &'a Table,
    /// Blocks from here on without a new coefficient.
    run: usize,
}

impl Band<'_> {
    /// Coefficients that come for the first time (figure G.3).
    fn first_scan(
        &mut self,
        bits: &mut Bits<'_>,
        range: Range<usize>,
        block_at: impl Fn(usize) -> usize,
        all: &mut Coefficients,
    ) -> Option<()> {
        let mut number = range.start;
        while number < range.end {
            if self.run > 0 {
                let passed = self.run.min(range.end - number);
                self.run -= passed;
                number += passed;
                continue;
            }
            let at = block_at(number);
            let (block, set) = (&mut all.blocks[at], &mut all.set[at]);
            let mut k = self.first;
            while k <= self.last {
                let symbol = bits.code(self.table)?;
                let (zeros, size) = (symbol >> 4, symbol & 15);
                if size == 0 {
                    if zeros < 15 {
                        self.run = (1 << zeros) + bits.unsigned(zeros) as usize;
                        break;
                    }
                    k += 16;
                    continue;
                }
                k += zeros;
                // Past the end is a damaged block.
                if k > self.last {
                    return None;
                }
                let value = bits.signed(size).wrapping_shl(self.low.into());
                block[usize::from(ZIGZAG[usize::from(k)])] = value;
                *set = *set & !(1 << k) | u64::from(value != 0) << k;
                k += 1;
            }
            // The run counts this block too.
            if self.run > 0 {
                self.run -= 1;
            }
            number += 1;
        }
        Some(())
    }

    /// One more bit of coefficients that came before, and new ones among them (figures G.7 to G.9).
    fn later_scan(
        &mut self,
        bits: &mut Bits<'_>,
        range: Range<usize>,
        block_at: impl Fn(usize) -> usize,
        all: &mut Coefficients,
    ) -> Option<()> {
        for number in range {
            let at = block_at(number);
            let (block, set) = (&mut all.blocks[at], &mut all.set[at]);
            let mut k = self.first;
            if self.run == 0 {
                while k <= self.last {
                    let symbol = bits.code(self.table)?;
                    let (zeros, size) = (symbol >> 4, symbol & 15);
                    let new = match size {
                        0 if zeros < 15 => {
                            self.run = (1 << zeros) + bits.unsigned(zeros) as usize;
                            break;
                        }
                        0 => 0,
                        1 if bits.bit() => 1 << self.low,
                        1 => -1 << self.low,
                        _ => return None,
                    };
                    k = self.correct(bits, k, Some(zeros), block, *set);
                    if new != 0 {
                        if k > self.last {
                            return None;
                        }
                        block[usize::from(ZIGZAG[usize::from(k)])] = new;
                        *set |= 1 << k;
                    }
                    k += 1;
                }
            }
            if self.run > 0 {
                self.correct(bits, k, None, block, *set);
                self.run -= 1;
            }
        }
        Some(())
    }

    /// Reads a bit for each coefficient from `k` on that is not zero, past that many zeros or to the band's end; the
    /// position of the zero behind them, or that behind the band.
    fn correct(
        &self,
        bits: &mut Bits<'_>,
        mut k: u8,
        zeros: Option<u8>,
        block: &mut [i16; 64],
        set: u64,
    ) -> u8 {
        let mut zeros = zeros.map_or(u32::MAX, u32::from);
        while k <= self.last {
            // The next coefficient that is not zero, as far as the run of zeros reaches.
            let gap = (set >> k).trailing_zeros().min(u32::from(self.last - k) + 1);
            if gap > zeros {
                #[allow(clippy::cast_possible_truncation, reason = "below a gap of at most 64")]
                return k + zeros as u8;
            }
            zeros -= gap;
            #[allow(clippy::cast_possible_truncation, reason = "a gap of at most 64")]
            {
                k += gap as u8;
            }
            if k > self.last {
                break;
            }
            let value = &mut block[usize::from(ZIGZAG[usize::from(k)])];
            let one = 1_i16 << self.low;
            if bits.bit() && *value & one == 0 {
                *value = value.wrapping_add(if *value >= 0 { one } else { -one });
            }
            k += 1;
        }
        k
    }
}
