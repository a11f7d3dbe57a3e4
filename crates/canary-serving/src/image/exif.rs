//! The orientation that a camera wrote beside the pixels (EXIF tag 0x0112).

/// How the stored pixels must be turned to stand upright: EXIF's values 1 to 8.
///
/// As a sequence of at most two steps: a transposition, then mirrored columns or rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    pub(crate) transpose: bool,
    pub(crate) mirror_columns: bool,
    pub(crate) mirror_rows: bool,
}

impl Orientation {
    fn of(value: u16) -> Option<Self> {
        let (transpose, mirror_columns, mirror_rows) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => return None,
        };
        Some(Self { transpose, mirror_columns, mirror_rows })
    }

    /// The orientation that a block of EXIF data holds, if it holds a valid one.
    ///
    /// The block is a TIFF header with its first directory, with or without the `Exif\0\0` of JPEG before it.
    pub(crate) fn read(exif: &[u8]) -> Option<Self> {
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        let big = match tiff.get(..4)? {
            [b'M', b'M', 0, 42] => true,
            [b'I', b'I', 42, 0] => false,
            _ => return None,
        };
        let u16_at = |at: usize| {
            let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
            Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
        };
        let bytes: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
        let directory = if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let directory = usize::try_from(directory).ok()?;
        let entries = usize::from(u16_at(directory)?);
        (0..entries)
            .map_while(|entry| directory.checked_add(2 + 12 * entry))
            .map_while(|at| Some((at, u16_at(at)?)))
            .find(|&(_, tag)| tag == 0x0112)
            .and_then(|(at, _)| Self::of(u16_at(at.checked_add(8)?)?))
    }

    /// The pixels turned upright, with their new height and width.
    pub(crate) fn apply(
        self,
        height: usize,
        width: usize,
        rgb: Vec<u8>,
    ) -> (usize, usize, Vec<u8>) {
        if self == Self::default() {
            return (height, width, rgb);
        }
        let (new_height, new_width) =
            if self.transpose { (width, height) } else { (height, width) };
        let mut out = Vec::with_capacity(rgb.len());
        for y in 0..new_height {
            let y = if self.mirror_rows { new_height - 1 - y } else { y };
            for x in 0..new_width {
                let x = if self.mirror_columns { new_width - 1 - x } else { x };
                let at = 3 * if self.transpose { x * width + y } else { y * width + x };
                out.extend_from_slice(&rgb[at..at + 3]);
            }
        }
        (new_height, new_width, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(big: bool, value: u16) -> Vec<u8> {
        let two = |x: u16| if big { x.to_be_bytes() } else { x.to_le_bytes() };
        let four = |x: u32| if big { x.to_be_bytes() } else { x.to_le_bytes() };
        let mut bytes = if big { b"MM".to_vec() } else { b"II".to_vec() };
        bytes.extend(two(42));
        bytes.extend(four(8));
        bytes.extend(two(2));
        bytes.extend(two(0x010F).into_iter().chain(two(2)).chain(four(1)).chain(four(0)));
        bytes.extend(two(0x0112).into_iter().chain(two(3)).chain(four(1)).chain(two(value)));
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn reads_both_byte_orders_and_refuses_nonsense() {
        for big in [false, true] {
            assert_eq!(Orientation::read(&block(big, 6)), Orientation::of(6));
            assert_eq!(
                Orientation::read(&[b"Exif\0\0".to_vec(), block(big, 3)].concat()),
                Orientation::of(3)
            );
            assert_eq!(Orientation::read(&block(big, 9)), None);
            let whole = block(big, 6);
            for end in 0..whole.len() - 4 {
                assert_eq!(Orientation::read(&whole[..end]), None);
            }
        }
        assert_eq!(Orientation::read(b"II*\0\xff\xff\xff\xff"), None);
    }

    #[test]
    fn each_value_turns_as_its_definition_says() {
        // Two rows of three pixels, numbered along the rows.
        let rgb: Vec<u8> = (0..6).flat_map(|p| [p; 3]).collect();
        for (value, wanted) in [
            (1, [0, 1, 2, 3, 4, 5]),
            (2, [2, 1, 0, 5, 4, 3]),
            (3, [5, 4, 3, 2, 1, 0]),
            (4, [3, 4, 5, 0, 1, 2]),
            (5, [0, 3, 1, 4, 2, 5]),
            (6, [3, 0, 4, 1, 5, 2]),
            (7, [5, 2, 4, 1, 3, 0]),
            (8, [2, 5, 1, 4, 0, 3]),
        ] {
            let (height, width, out) = Orientation::of(value).unwrap().apply(2, 3, rgb.clone());
            assert_eq!((height, width), if value < 5 { (2, 3) } else { (3, 2) });
            assert_eq!(out.chunks(3).map(|p| p[0]).collect::<Vec<_>>(), wanted, "{value}");
        }
    }
}
