//! Baseline and extended sequential images: each block is complete where it stands.

use std::ops::Range;

use crate::{
    Result,
    bits::Bits,
    frame::{Component, Frame, Scan},
    huffman::Table,
    idct,
    planes::{self, Plane},
    reader::Reader,
    scan::each_interval,
    zigzag::ZIGZAG,
};

/// The levels of every component; `scan` is the first one.
pub(crate) fn decode(reader: &mut Reader<'_>, frame: &Frame, scan: Scan) -> Result<Vec<Plane>> {
    let mut planes = planes::of(frame);
    let mut read = vec![false; planes.len()];
    let mut next = Some(scan);
    while let Some(scan) = next {
        for part in &scan.parts {
            if std::mem::replace(&mut read[part.component], true) {
                return Err(reader.damaged("a second scan of a component"));
            }
        }
        one_scan(reader, (frame, &scan), &mut planes)?;
        next = reader.next_scan()?;
    }
    if read.contains(&false) {
        return Err(reader.truncated("a scan of each component"));
    }
    Ok(planes)
}

/// Everything that decoding the blocks of one component needs.
struct Part<'a> {
    component: &'a Component,
    dc: Table,
    ac: Table,
    factors: [i16; 64],
}

fn one_scan(
    reader: &mut Reader<'_>,
    (frame, scan): (&Frame, &Scan),
    planes: &mut [Plane],
) -> Result<()> {
    let part = |part: &crate::frame::Part| {
        let component = &frame.components[part.component];
        Ok(Part {
            component,
            dc: reader.dc(part.dc)?.clone(),
            ac: reader.ac(part.ac)?.clone(),
            factors: *reader.factors(component.quantiser)?,
        })
    };
    let parts = scan.parts.iter().map(part).collect::<Result<Vec<_>>>()?;
    // In the order of the scan, which need not be that of the frame.
    let mut unused: Vec<Option<&mut Plane>> = planes.iter_mut().map(Some).collect();
    let in_order: Vec<&mut Plane> =
        scan.parts.iter().filter_map(|part| unused[part.component].take()).collect();
    let mut parts: Vec<_> = parts.iter().zip(in_order).collect();
    let (across, _) = scan.mcus(frame);
    each_interval(reader, (frame, scan), |bits, mcus| {
        interval(bits, mcus, (scan, across), &mut parts)
    })
}

fn interval(
    bits: &mut Bits<'_>,
    mcus: Range<usize>,
    (scan, across): (&Scan, usize),
    parts: &mut [(&Part<'_>, &mut Plane)],
) -> Option<()> {
    let mut previous = [0_i16; 4];
    let mut block = [0; 64];
    let (mut row, mut column) = (mcus.start / across, mcus.start % across);
    for _ in mcus {
        for ((part, plane), previous) in parts.iter_mut().zip(&mut previous) {
            let (wide, high) = scan.in_mcu(part.component);
            for down in 0..high {
                for right in 0..wide {
                    *previous = previous.wrapping_add(bits.dc(&part.dc)?);
                    let start =
                        (row * high + down) * 8 * plane.stride + (column * wide + right) * 8;
                    let out = &mut plane.levels[start..];
                    if bits.ac(&part.ac, &ZIGZAG, &mut block)? {
                        block[0] = *previous;
                        idct::inverse(&block, &part.factors, out, plane.stride);
                        block = [0; 64];
                    } else {
                        idct::flat(*previous, &part.factors, out, plane.stride);
                    }
                }
            }
        }
        column += 1;
        if column == across {
            (row, column) = (row + 1, 0);
        }
    }
    Some(())
}
