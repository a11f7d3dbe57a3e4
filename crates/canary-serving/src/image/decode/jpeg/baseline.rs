//! The common kind of JPEG, decoded fast and with TensorFlow's very numbers: baseline, 8 bits, one interleaved
//! scan, grey or YCbCr with full, half-width or quarter chroma. Everything else, and every file with an
//! anomaly, is left to the general decoder.

use std::cell::Cell;

use super::{
    colour::Rows,
    huffman::{Bits, Table},
    idct,
};

/// A colour component.
struct Component {
    id: u8,
    /// Blocks of an MCU, across and down.
    across: usize,
    down: usize,
    factors: usize,
    dc: usize,
    ac: usize,
}

/// What stands before the scan.
struct Header<'a> {
    height: usize,
    width: usize,
    components: Vec<Component>,
    factors: [Option<[i16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
    scan: &'a [u8],
}

/// The position in row order of each coefficient in zigzag order (T.81, figure A.6), with room for runs past the end.
const ZIGZAG: [u8; 80] = {
    let mut order = [63; 80];
    let (mut x, mut y, mut up, mut at) = (0_i8, 0_i8, true, 0);
    while at < 64 {
        order[at] = (y * 8 + x).cast_unsigned();
        if up {
            if x == 7 {
                y += 1;
                up = false;
            } else if y == 0 {
                x += 1;
                up = false;
            } else {
                x += 1;
                y -= 1;
            }
        } else if y == 7 {
            x += 1;
            up = true;
        } else if x == 0 {
            y += 1;
            up = true;
        } else {
            x -= 1;
            y += 1;
        }
        at += 1;
    }
    order
};

/// RGB samples, or `None` when the file is not of the common kind. `size` has been checked against the limit.
pub(super) fn decode(bytes: &[u8], size: (usize, usize)) -> Option<Vec<u8>> {
    let header = Header::read(bytes)?;
    if (header.height, header.width) != size {
        return None;
    }
    let planes = header.planes()?;
    let (height, width) = size;
    let mut rgb = vec![0; height * width * 3];
    match &planes[..] {
        [grey] => {
            for (row, levels) in rgb.chunks_exact_mut(width * 3).zip(grey.rows.chunks(grey.stride))
            {
                for (pixel, &level) in row.chunks_exact_mut(3).zip(levels) {
                    pixel.fill(level);
                }
            }
        }
        [luma, blue, red] => {
            let (luma, blue, red) = (luma.rows(), blue.rows(), red.rows());
            super::colour::write(width, luma, blue, red, &mut rgb);
        }
        _ => return None,
    }
    keep(planes);
    Some(rgb)
}

thread_local! {
    /// The memory of the last image's planes, for the next one on this thread. With it given back as well, the C library
    /// returns all memory of an image to the system, and asks for it anew, page by page, for every image.
    static KEPT: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// Planes of more bytes are not kept.
const MOST_KEPT: usize = 4 << 20;

fn keep(planes: Vec<Plane>) {
    if planes.iter().map(|plane| plane.rows.capacity()).sum::<usize>() <= MOST_KEPT {
        KEPT.set(planes.into_iter().map(|plane| plane.rows).collect());
    }
}

/// The levels of one component.
struct Plane {
    rows: Vec<u8>,
    stride: usize,
    /// What of it belongs to the image.
    height: usize,
    width: usize,
}

impl Plane {
    fn rows(&self) -> Rows<'_> {
        Rows { levels: &self.rows, stride: self.stride, height: self.height, width: self.width }
    }
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut header = Self {
            height: 0,
            width: 0,
            components: Vec::new(),
            factors: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart: 0,
            scan: &[],
        };
        let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
        loop {
            let [0xFF, marker, high, low, ..] = *rest else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let segment = rest.get(4..2 + length)?;
            rest = &rest[2 + length..];
            match marker {
                0xC0 => header.frame(segment)?,
                0xC4 => header.tables(segment)?,
                0xDB => header.quantisers(segment)?,
                0xDD => header.restart = usize::from(u16::from_be_bytes(*segment.first_chunk()?)),
                0xDA => {
                    header.start(segment)?;
                    header.scan = rest;
                    return Some(header);
                }
                // Adobe's segment may say that the components are not YCbCr.
                0xEE if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => {
                    return None;
                }
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }

    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let &[8, high, low, wide_high, wide_low, count, ref components @ ..] = segment else {
            return None;
        };
        self.height = usize::from(u16::from_be_bytes([high, low]));
        self.width = usize::from(u16::from_be_bytes([wide_high, wide_low]));
        let sized = components.len() == usize::from(count) * 3 && self.components.is_empty();
        if !sized || self.height == 0 || self.width == 0 {
            return None;
        }
        for component in components.chunks_exact(3) {
            self.components.push(Component {
                id: component[0],
                across: usize::from(component[1] >> 4),
                down: usize::from(component[1] & 15),
                factors: usize::from(component[2]),
                dc: 0,
                ac: 0,
            });
        }
        let sampling: Vec<_> = self.components.iter().map(|c| (c.across, c.down)).collect();
        let ids: Vec<_> = self.components.iter().map(|component| component.id).collect();
        match (&sampling[..], &ids[..]) {
            ([(1, 1)], _) | ([(1, 1), (1, 1), (1, 1)], [1, 2, 3]) => Some(()),
            // Other names mean RGB. Very small chroma is not smoothed.
            ([(2, 1 | 2), (1, 1), (1, 1)], [1, 2, 3]) => {
                (self.width > 4 && self.height > 1).then_some(())
            }
            _ => None,
        }
    }

    fn tables(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&name, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(total)?;
            let table = Table::new(counts, symbols)?;
            let set = if name >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *set.get_mut(usize::from(name & 15)).filter(|_| name < 0x20)? = Some(table);
            segment = rest;
        }
        Some(())
    }

    fn quantisers(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&name, rest)) = segment.split_first() {
            let (values, rest) = rest.split_first_chunk::<64>()?;
            let mut quantisers = [0; 64];
            for (&value, &place) in values.iter().zip(&ZIGZAG) {
                quantisers[usize::from(place)] = u16::from(value);
            }
            *self.factors.get_mut(usize::from(name))? = Some(idct::factors(&quantisers));
            segment = rest;
        }
        Some(())
    }

    fn start(&mut self, segment: &[u8]) -> Option<()> {
        let (&count, rest) = segment.split_first()?;
        if usize::from(count) != self.components.len() || rest.len() != usize::from(count) * 2 + 3 {
            return None;
        }
        let (choices, spectrum) = rest.split_at(usize::from(count) * 2);
        for (component, choice) in self.components.iter_mut().zip(choices.chunks_exact(2)) {
            if component.id != choice[0] {
                return None;
            }
            (component.dc, component.ac) =
                (usize::from(choice[1] >> 4), usize::from(choice[1] & 15));
        }
        (spectrum == [0, 63, 0]).then_some(())
    }

    /// The levels of every component.
    fn planes(&self) -> Option<Vec<Plane>> {
        let (most_across, most_down) =
            self.components.first().map(|component| (component.across, component.down))?;
        let across = self.width.div_ceil(8 * most_across);
        let down = self.height.div_ceil(8 * most_down);
        let mut kept = KEPT.take().into_iter();
        let mut planes: Vec<Plane> = self
            .components
            .iter()
            .map(|component| {
                let stride = across * component.across * 8;
                let mut rows = kept.next().unwrap_or_default();
                rows.clear();
                rows.resize(stride * down * component.down * 8, 0);
                Plane {
                    rows,
                    stride,
                    height: (self.height * component.down).div_ceil(most_down),
                    width: (self.width * component.across).div_ceil(most_across),
                }
            })
            .collect();
        let mcus = across * down;
        let interval = if self.restart == 0 { mcus } else { self.restart };
        let mut scan = self.scan;
        for (number, first) in (0..mcus).step_by(interval).enumerate() {
            let last = mcus.min(first + interval);
            let (segment, marker) = take_interval(&mut scan)?;
            let wanted = if last == mcus { 0xD9 } else { 0xD0 + (number % 8) };
            if usize::from(marker) != wanted {
                return None;
            }
            self.interval(&segment, first..last, across, &mut planes)?;
        }
        Some(planes)
    }

    fn interval(
        &self,
        segment: &[u8],
        mcus: std::ops::Range<usize>,
        across: usize,
        planes: &mut [Plane],
    ) -> Option<()> {
        let mut bits = Bits::new(segment);
        let mut parts = Vec::with_capacity(3);
        for (component, plane) in self.components.iter().zip(planes) {
            let dc = self.dc.get(component.dc)?.as_ref()?;
            let ac = self.ac.get(component.ac)?.as_ref()?;
            let factors = self.factors.get(component.factors)?.as_ref()?;
            parts.push((component, plane, dc, ac, factors, 0_i16));
        }
        let mut block = [0; 64];
        for mcu in mcus {
            let (row, column) = (mcu / across, mcu % across);
            for (component, plane, dc, ac, factors, previous) in &mut parts {
                for down in 0..component.down {
                    for right in 0..component.across {
                        *previous = previous.wrapping_add(bits.dc(dc)?);
                        let start = (row * component.down + down) * 8 * plane.stride
                            + (column * component.across + right) * 8;
                        let out = &mut plane.rows[start..];
                        if bits.ac(ac, &ZIGZAG, &mut block)? {
                            block[0] = *previous;
                            idct::inverse(&block, factors, out, plane.stride);
                            block = [0; 64];
                        } else {
                            idct::flat(*previous, factors, out, plane.stride);
                        }
                    }
                }
            }
        }
        (!bits.overran(segment.len() - PADDING)).then_some(())
    }
}

/// Zeros after an interval, so that bits may be read a word at a time.
const PADDING: usize = 16;

/// The bytes up to the next marker without stuffed zeros, padded, and that marker, which is passed over.
fn take_interval(scan: &mut &[u8]) -> Option<(Vec<u8>, u8)> {
    let mut bytes = Vec::with_capacity(scan.len() + PADDING);
    loop {
        let at = scan.iter().position(|&byte| byte == 0xFF)?;
        let marker = *scan.get(at + 1)?;
        bytes.extend_from_slice(&scan[..at]);
        *scan = &scan[at + 2..];
        if marker != 0 {
            bytes.extend([0; PADDING]);
            return Some((bytes, marker));
        }
        bytes.push(0xFF);
    }
}
