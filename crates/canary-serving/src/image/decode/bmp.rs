//! Windows bitmaps: palettes, 16 to 32 bits with any masks, run-length coding.
//!
//! After Microsoft's description of `BITMAPINFOHEADER` and its successors, and of OS/2's `BITMAPCOREHEADER`.

use super::{Decoded, Failure, check_size, one_line};

/// What the headers say.
struct Header {
    height: usize,
    width: usize,
    /// Rows stand from top to bottom.
    top_down: bool,
    bits: u16,
    compression: u32,
    /// The bits of red, green and blue in a pixel of 16 or 32 bits.
    masks: [u32; 3],
    palette: Vec<[u8; 3]>,
    /// Where the pixels begin.
    offset: usize,
}

const PLAIN: u32 = 0;
const RUNS_OF_8: u32 = 1;
const RUNS_OF_4: u32 = 2;
const MASKS: u32 = 3;
const MASKS_WITH_ALPHA: u32 = 6;

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    let header = Header::read(bytes, max_pixels)?;
    let stored =
        bytes.get(header.offset..).ok_or_else(|| one_line("no pixels after the header"))?;
    let rgb = match (header.compression, header.bits) {
        (RUNS_OF_8, 8) | (RUNS_OF_4, 4) => header.coloured(&runs(stored, &header)?),
        (PLAIN, 1 | 4 | 8) => header.coloured(&header.indexes(stored)?),
        (PLAIN, 24) => header.levels(stored)?,
        (PLAIN | MASKS | MASKS_WITH_ALPHA, 16 | 32) => header.masked(stored)?,
        (compression, bits) => {
            return Err(Failure::Broken(format!(
                "compression {compression} with {bits} bits a pixel is not read"
            )));
        }
    };
    Ok(Decoded { height: header.height, width: header.width, rgb, orientation: None })
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Failure> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.map(|field| u16::from_le_bytes(*field)).ok_or_else(|| one_line("an incomplete header"))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Failure> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.map(|field| u32::from_le_bytes(*field)).ok_or_else(|| one_line("an incomplete header"))
}

impl Header {
    fn read(bytes: &[u8], max_pixels: u64) -> Result<Self, Failure> {
        let offset = u32_at(bytes, 10)? as usize;
        let size = u32_at(bytes, 14)? as usize;
        let core = size == 12;
        if !core && !(40..=256).contains(&size) {
            return Err(Failure::Broken(format!("a header of {size} bytes is not known")));
        }
        let (width, height) = if core {
            (i32::from(u16_at(bytes, 18)?), i32::from(u16_at(bytes, 20)?))
        } else {
            (u32_at(bytes, 18)?.cast_signed(), u32_at(bytes, 22)?.cast_signed())
        };
        let top_down = height < 0;
        let width = u64::try_from(width).map_err(|_| one_line("a negative width"))?;
        let height = u64::from(height.unsigned_abs());
        check_size(height, width, max_pixels)?;
        let bits = u16_at(bytes, if core { 24 } else { 28 })?;
        let compression = if core { PLAIN } else { u32_at(bytes, 30)? };
        let masks = match (compression, bits) {
            (MASKS | MASKS_WITH_ALPHA, _) => {
                [u32_at(bytes, 54)?, u32_at(bytes, 58)?, u32_at(bytes, 62)?]
            }
            (_, 16) => [0x7C00, 0x03E0, 0x001F],
            _ => [0x00FF_0000, 0x0000_FF00, 0x0000_00FF],
        };
        let palette = if bits <= 8 {
            let used = if core { 0 } else { u32_at(bytes, 46)? as usize };
            let all = 1 << bits;
            let count = if used == 0 { all } else { used.min(all) };
            let entries = bytes.get(14 + size..).unwrap_or_default();
            let entries = &entries[..entries.len().min(offset.saturating_sub(14 + size))];
            let colours = entries.chunks_exact(if core { 3 } else { 4 });
            colours.take(count).map(|entry| [entry[2], entry[1], entry[0]]).collect()
        } else {
            Vec::new()
        };
        if bits <= 8 && palette.is_empty() {
            return Err(one_line("no palette"));
        }
        // `check_size` computed three times their product in a `usize`.
        let fitting = |length: u64| usize::try_from(length).map_err(|_| one_line("too large"));
        let (height, width) = (fitting(height)?, fitting(width)?);
        Ok(Self { height, width, top_down, bits, compression, masks, palette, offset })
    }

    /// The stored rows from top to bottom, each padded to four bytes.
    fn rows<'a>(
        &self,
        stored: &'a [u8],
    ) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>, Failure> {
        let stride = (self.width * usize::from(self.bits)).div_ceil(32) * 4;
        // The padding of the last row may be missing.
        let least = stride * (self.height - 1) + (self.width * usize::from(self.bits)).div_ceil(8);
        if stored.len() < least {
            return Err(Failure::Broken(format!(
                "{} bytes of pixels where {least} belong",
                stored.len()
            )));
        }
        let (height, top_down) = (self.height, self.top_down);
        Ok((0..height).map(move |y| {
            let start = stride * if top_down { y } else { height - 1 - y };
            &stored[start..stored.len().min(start + stride)]
        }))
    }

    fn levels(&self, stored: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut rgb = Vec::with_capacity(self.height * self.width * 3);
        for row in self.rows(stored)? {
            let pixels = row.chunks_exact(3).take(self.width);
            rgb.extend(pixels.flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
        }
        Ok(rgb)
    }

    fn indexes(&self, stored: &[u8]) -> Result<Vec<u8>, Failure> {
        let bits = self.bits;
        let each = 8 / bits;
        let mut indexes = Vec::with_capacity(self.height * self.width);
        for row in self.rows(stored)? {
            // The leftmost pixel is in the highest bits.
            let pixels = row.iter().flat_map(|&byte| {
                (1..=each).map(move |at| (byte >> (8 - bits * at)) & (u8::MAX >> (8 - bits)))
            });
            indexes.extend(pixels.take(self.width));
        }
        Ok(indexes)
    }

    fn masked(&self, stored: &[u8]) -> Result<Vec<u8>, Failure> {
        let channels = self.masks.map(|mask| (mask, mask.trailing_zeros() % 32));
        let level = |pixel: u32| {
            channels.map(|(mask, shift)| {
                let most = u64::from(mask >> shift).max(1);
                let value = u64::from((pixel & mask) >> shift);
                // At most 255, being a part of `most`.
                u8::try_from((value * 255 + most / 2) / most).unwrap_or(u8::MAX)
            })
        };
        let mut rgb = Vec::with_capacity(self.height * self.width * 3);
        for row in self.rows(stored)? {
            let pixels = row.chunks_exact(usize::from(self.bits / 8)).take(self.width);
            rgb.extend(pixels.flat_map(|pixel| match *pixel {
                [low, high] => level(u32::from(u16::from_le_bytes([low, high]))),
                _ => level(pixel.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))),
            }));
        }
        Ok(rgb)
    }

    /// The colours of indexes; black beyond the palette's end.
    fn coloured(&self, indexes: &[u8]) -> Vec<u8> {
        let colour =
            |&index: &u8| self.palette.get(usize::from(index)).copied().unwrap_or_default();
        indexes.iter().flat_map(colour).collect()
    }
}

/// Run-length coded indexes, from top to bottom. Pixels that the code skips have index 0.
fn runs(stored: &[u8], header: &Header) -> Result<Vec<u8>, Failure> {
    let Header { height, width, bits, .. } = *header;
    let mut indexes = vec![0; height * width];
    let mut code = stored.iter().copied();
    let mut next = || code.next().ok_or_else(|| one_line("the runs end before the bitmap does"));
    // The row from the bottom, and the column.
    let (mut row, mut column) = (0, 0);
    loop {
        let (count, value) = (next()?, next()?);
        match (count, value) {
            (0, 0) => (row, column) = (row + 1, 0),
            (0, 1) => return Ok(indexes),
            (0, 2) => {
                column += usize::from(next()?);
                row += usize::from(next()?);
            }
            (count, value) => {
                let absolute = count == 0;
                let pixels = usize::from(if absolute { value } else { count });
                let mut pair = [value >> 4, value & 15];
                for at in 0..pixels {
                    if absolute && (bits == 8 || at % 2 == 0) {
                        let byte = next()?;
                        pair = [byte >> 4, byte & 15];
                    }
                    let index = if bits == 8 { pair[0] << 4 | pair[1] } else { pair[at % 2] };
                    if row < height && column < width {
                        indexes[(height - 1 - row) * width + column] = index;
                    }
                    column += 1;
                }
                // Absolute runs take whole pairs of bytes.
                if absolute && (pixels * usize::from(bits)).div_ceil(8) % 2 == 1 {
                    next()?;
                }
            }
        }
        // Nothing can be drawn any more: a lack of the end mark is then forgiven.
        if row >= height {
            return Ok(indexes);
        }
    }
}
