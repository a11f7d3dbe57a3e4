//! Segments and tables before, between and after the scans: ITU-T T.81, annex B.

use crate::{
    Error, Result,
    bits::next_marker,
    frame::{Frame, Scan},
    huffman::Table,
    idct,
    zigzag::ZIGZAG,
};

/// A reader of segments, with the settings read so far.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    at: usize,
    pub(crate) frame: Option<Frame>,
    /// Quantisation tables in the form that the transform takes.
    factors: [Option<[i16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    /// MCUs between two restart markers; 0 for no such markers.
    pub(crate) restart: usize,
    /// True if a JFIF segment says that the components are grey or YCbCr.
    pub(crate) jfif: bool,
    /// The colour transform that Adobe's segment names.
    pub(crate) adobe: Option<u8>,
    /// The EXIF data: a TIFF header with its directories.
    pub(crate) exif: Option<&'a [u8]>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(Error::NotJpeg);
        }
        Ok(Self {
            bytes,
            at: 2,
            frame: None,
            factors: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart: 0,
            jfif: false,
            adobe: None,
            exif: None,
        })
    }

    /// Reads up to the data of the next scan, or `None` at the end of the image.
    pub(crate) fn next_scan(&mut self) -> Result<Option<Scan>> {
        loop {
            let (marker, behind) = next_marker(self.bytes, self.at)
                .ok_or_else(|| self.truncated("the end-of-image marker"))?;
            self.at = behind;
            match marker {
                0x01 | 0xD0..=0xD7 => continue,
                0xD8 => return Err(self.damaged("a second start of an image")),
                0xD9 => return Ok(None),
                _ => {}
            }
            let segment = self.segment()?;
            match marker {
                0xC4 => self.tables(segment)?,
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => {
                    if self.frame.is_some() {
                        return Err(self.damaged("a second frame header"));
                    }
                    self.frame = Some(Frame::read(marker, segment, behind)?);
                }
                0xDB => self.quantisers(segment)?,
                0xDD => match segment {
                    &[high, low] => self.restart = usize::from(u16::from_be_bytes([high, low])),
                    _ => return Err(self.damaged("a restart interval of the wrong length")),
                },
                0xDA => {
                    let frame = self.frame.as_ref();
                    let frame =
                        frame.ok_or_else(|| self.damaged("a scan before its frame header"))?;
                    return Scan::read(segment, frame, self.at).map(Some);
                }
                0xE0 if segment.len() >= 14 && segment.starts_with(b"JFIF\0") => self.jfif = true,
                0xE1 if self.exif.is_none() => self.exif = segment.strip_prefix(b"Exif\0\0"),
                0xEE if segment.len() >= 12 && segment.starts_with(b"Adobe") => {
                    self.adobe = Some(segment[11]);
                }
                // Segments of other applications, comments, line counts and conditioning are ignored.
                0xE0..=0xEF | 0xFE | 0xDC | 0xCC => {}
                _ => return Err(self.damaged("an unknown marker")),
            }
        }
    }

    /// Continues after the data of a scan.
    pub(crate) fn resume(&mut self, at: usize) {
        self.at = at;
    }

    /// The content of the segment whose length is at this position.
    fn segment(&mut self) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let [high, low, ..] = *rest else { return Err(self.truncated("a segment's end")) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err(self.damaged("a segment shorter than its length field"));
        }
        let segment = rest.get(2..length).ok_or_else(|| self.truncated("a segment's end"))?;
        self.at += length;
        Ok(segment)
    }

    fn tables(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&name, rest)) = segment.split_first() {
            let table = rest.split_first_chunk::<16>().and_then(|(counts, rest)| {
                let total = counts.iter().map(|&count| usize::from(count)).sum();
                let (symbols, rest) = rest.split_at_checked(total)?;
                segment = rest;
                // The symbols of a DC table are sizes of numbers.
                let sizes = name >> 4 != 0 || symbols.iter().all(|&size| size < 16);
                Table::new(counts, symbols).filter(|_| sizes)
            });
            let set = if name >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let place = set.get_mut(usize::from(name & 15)).filter(|_| name < 0x20);
            match (place, table) {
                (Some(place), Some(table)) => *place = Some(table),
                _ => return Err(self.damaged("a Huffman table that is not one")),
            }
        }
        Ok(())
    }

    fn quantisers(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&name, rest)) = segment.split_first() {
            let wide = name >> 4 == 1;
            let values = rest.split_at_checked(if wide { 128 } else { 64 });
            let place = self.factors.get_mut(usize::from(name & 15)).filter(|_| name < 0x20);
            let (Some((values, rest)), Some(place)) = (values, place) else {
                return Err(self.damaged("a quantisation table that is not one"));
            };
            let mut quantisers = [0; 64];
            for (at, &to) in ZIGZAG.iter().enumerate().take(64) {
                quantisers[usize::from(to)] = if wide {
                    u16::from_be_bytes([values[2 * at], values[2 * at + 1]])
                } else {
                    values[at].into()
                };
            }
            *place = Some(idct::factors(&quantisers));
            segment = rest;
        }
        Ok(())
    }

    /// The quantisation table of that number, in the form that the transform takes.
    pub(crate) fn factors(&self, number: usize) -> Result<&[i16; 64]> {
        let found = self.factors.get(number).and_then(Option::as_ref);
        found.ok_or_else(|| self.damaged("a quantisation table that is missing"))
    }

    /// Sets the typical tables where the file has none of the numbers 0 and 1.
    pub(crate) fn complete_tables(&mut self) {
        for number in 0..2 {
            if self.dc[number].is_none() {
                self.dc[number] = Table::typical(number, false);
            }
            if self.ac[number].is_none() {
                self.ac[number] = Table::typical(number, true);
            }
        }
    }

    /// The Huffman table of DC coefficients of that number.
    pub(crate) fn dc(&self, number: usize) -> Result<&Table> {
        let found = self.dc.get(number).and_then(Option::as_ref);
        found.ok_or_else(|| self.damaged("a Huffman table that is missing"))
    }

    /// The Huffman table of AC coefficients of that number.
    pub(crate) fn ac(&self, number: usize) -> Result<&Table> {
        let found = self.ac.get(number).and_then(Option::as_ref);
        found.ok_or_else(|| self.damaged("a Huffman table that is missing"))
    }

    pub(crate) fn truncated(&self, what: &'static str) -> Error {
        Error::Truncated { length: self.bytes.len(), what }
    }

    pub(crate) fn damaged(&self, what: &'static str) -> Error {
        Error::Damaged { what, at: self.at }
    }
}
