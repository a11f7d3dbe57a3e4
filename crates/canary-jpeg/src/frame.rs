//! Size and components of an image, and the blocks that its scans are made of: ITU-T T.81, annexes A.1, A.2 and B.2.2.

use crate::{Error, Result};

/// A colour component.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Sampling factors: blocks of an MCU, across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
    /// The number of its quantisation table.
    pub(crate) quantiser: usize,
    /// Samples that belong to the image.
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Blocks that hold such samples.
    pub(crate) wide: usize,
    pub(crate) high: usize,
    /// Blocks in a row, and rows of blocks, that whole MCUs fill.
    pub(crate) stride: usize,
    pub(crate) rows: usize,
}

impl Component {
    /// The blocks that whole MCUs fill.
    pub(crate) fn blocks(&self) -> usize {
        self.stride * self.rows
    }
}

/// The content of the frame header.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) height: u16,
    pub(crate) width: u16,
    pub(crate) progressive: bool,
    pub(crate) components: Vec<Component>,
    /// The largest sampling factors.
    pub(crate) most_across: usize,
    pub(crate) most_down: usize,
}

impl Frame {
    /// Reads a frame header with its marker; `at` is its position in the file.
    pub(crate) fn read(marker: u8, segment: &[u8], at: usize) -> Result<Self> {
        let damaged = |what| Error::Damaged { what, at };
        let kind = match marker {
            0xC0..=0xC2 => None,
            0xC3 => Some("lossless JPEG"),
            0xC5..=0xC7 | 0xCD..=0xCF => Some("hierarchical JPEG"),
            0xF7 => Some("JPEG-LS"),
            _ => Some("arithmetic coding"),
        };
        if let Some(kind) = kind {
            return Err(Error::Unsupported { kind: kind.to_owned() });
        }
        let &[precision, high, low, wide_high, wide_low, count, ref stored @ ..] = segment else {
            return Err(damaged("an incomplete frame header"));
        };
        if precision != 8 {
            return Err(Error::Unsupported { kind: format!("a precision of {precision} bits") });
        }
        let (height, width) =
            (u16::from_be_bytes([high, low]), u16::from_be_bytes([wide_high, wide_low]));
        if height == 0 || width == 0 {
            return Err(damaged("an image without pixels"));
        }
        if stored.len() != usize::from(count) * 3 {
            return Err(damaged("a frame header of the wrong length"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::Unsupported { kind: format!("an image of {count} components") });
        }
        let factors = stored.chunks_exact(3).map(|stored| (stored[1] >> 4, stored[1] & 15));
        if !factors
            .clone()
            .all(|(across, down)| (1..=4).contains(&across) && (1..=4).contains(&down))
        {
            return Err(damaged("a sampling factor outside 1 to 4"));
        }
        let most_across = usize::from(factors.clone().map(|(across, _)| across).max().unwrap_or(1));
        let most_down = usize::from(factors.map(|(_, down)| down).max().unwrap_or(1));
        let (rows, columns) = (usize::from(height), usize::from(width));
        let mcus_across = columns.div_ceil(8 * most_across);
        let mcus_down = rows.div_ceil(8 * most_down);
        let component = |stored: &[u8]| {
            let (across, down) = (usize::from(stored[1] >> 4), usize::from(stored[1] & 15));
            if most_across % across != 0 || most_down % down != 0 {
                return Err(Error::Unsupported {
                    kind: format!("sampling {across}x{down} beside {most_across}x{most_down}"),
                });
            }
            let width = (columns * across).div_ceil(most_across);
            let height = (rows * down).div_ceil(most_down);
            Ok(Component {
                id: stored[0],
                across,
                down,
                quantiser: usize::from(stored[2]),
                width,
                height,
                wide: width.div_ceil(8),
                high: height.div_ceil(8),
                stride: mcus_across * across,
                rows: mcus_down * down,
            })
        };
        let components = stored.chunks_exact(3).map(component).collect::<Result<Vec<_>>>()?;
        let progressive = marker == 0xC2;
        Ok(Self { height, width, progressive, components, most_across, most_down })
    }

    /// The fewest bytes that encode the image: a bit for a block of a progressive one (its DC coefficient), two for one
    /// of another (its DC coefficient and the end of the block).
    pub(crate) fn least_bytes(&self) -> u64 {
        let blocks: usize = self.components.iter().map(|part| part.wide * part.high).sum();
        (blocks as u64 * if self.progressive { 1 } else { 2 }).div_ceil(8)
    }
}

/// One component of a scan, and the numbers of its Huffman tables.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) component: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// The content of a scan header.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) parts: Vec<Part>,
    /// The first and last coefficient in zigzag order.
    pub(crate) first: u8,
    pub(crate) last: u8,
    /// The bits that scans before left out, and that this one leaves out.
    pub(crate) before: u8,
    pub(crate) low: u8,
    /// The position of its data.
    pub(crate) data: usize,
}

impl Scan {
    /// Reads a scan header; `data` is the position behind it.
    pub(crate) fn read(segment: &[u8], frame: &Frame, data: usize) -> Result<Self> {
        let damaged = |what| Error::Damaged { what, at: data };
        let [count, rest @ ..] = segment else { return Err(damaged("an empty scan header")) };
        let count = usize::from(*count);
        let &[ref choices @ .., first, last, bits] = rest else {
            return Err(damaged("an incomplete scan header"));
        };
        if choices.len() != count * 2 || !(1..=4).contains(&count) {
            return Err(damaged("a scan header of the wrong length"));
        }
        let mut parts: Vec<Part> = Vec::with_capacity(count);
        for choice in choices.chunks_exact(2) {
            let new = |at: &usize| parts.iter().all(|part| part.component != *at);
            let named = |at: &usize| frame.components[*at].id == choice[0];
            let component = (0..frame.components.len())
                .filter(named)
                .find(new)
                .ok_or_else(|| damaged("a scan of a component that the frame does not have"))?;
            let (dc, ac) = (usize::from(choice[1] >> 4), usize::from(choice[1] & 15));
            parts.push(Part { component, dc, ac });
        }
        let blocks = parts.iter().map(|part| &frame.components[part.component]);
        if count > 1 && blocks.map(|part| part.across * part.down).sum::<usize>() > 10 {
            return Err(damaged("more than 10 blocks in an MCU"));
        }
        Ok(Self { parts, first, last, before: bits >> 4, low: bits & 15, data })
    }

    /// MCUs across and down. Where a component stands alone, each of its blocks is an MCU.
    pub(crate) fn mcus(&self, frame: &Frame) -> (usize, usize) {
        let component = |part: &Part| &frame.components[part.component];
        match &self.parts[..] {
            [alone] => (component(alone).wide, component(alone).high),
            parts => parts.first().map_or((0, 0), |part| {
                let one = component(part);
                (one.stride / one.across, one.rows / one.down)
            }),
        }
    }

    /// Blocks of a component in an MCU of this scan, across and down.
    pub(crate) fn in_mcu(&self, component: &Component) -> (usize, usize) {
        if self.parts.len() == 1 { (1, 1) } else { (component.across, component.down) }
    }
}
