//! Damaged, cut off and lying files: an error that says what is wrong, never a panic, within bounded work.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use canary_jpeg::{Error, Header, Limits, decode};
use fastrand::Rng;

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read(folder.join(format!("{name}.jpg"))).unwrap()
}

/// Files of each way to be decoded.
const KINDS: [&str; 8] = [
    "baseline_420",
    "progressive_420",
    "progressive_mixed",
    "restarts",
    "restarts_progressive",
    "scan_each",
    "ycck_small_progressive",
    "quality_1",
];

fn position(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|pair| pair == [0xFF, marker]).unwrap()
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for name in KINDS {
        let bytes = file(name);
        for end in (0..bytes.len()).step_by(5).chain(bytes.len() - 4..bytes.len()) {
            match decode(&bytes[..end], &Limits::default()).unwrap_err() {
                Error::NotJpeg => assert!(end < 2),
                Error::Truncated { length, .. } => assert_eq!(length, end),
                Error::TooShort { .. } => {}
                other => panic!("{name} cut at {end}: {other}"),
            }
            // With the end mark of a whole image.
            let mended = [&bytes[..end], &[0xFF, 0xD9]].concat();
            assert!(
                end + 2 >= bytes.len() || decode(&mended, &Limits::default()).is_err(),
                "{name} at {end}"
            );
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut random = Rng::with_seed(0x9E37_79B9_7F4A_7C15);
    let limits = Limits::default().max_pixels(20_000);
    let (mut decoded, mut refused) = (0, 0);
    for name in KINDS {
        let bytes = file(name);
        for _ in 0..150 {
            let mut changed = bytes.clone();
            for _ in 0..=random.usize(..4) {
                // Segments are where the lies are: half of the changes go there.
                let reach = if random.bool() { 700.min(changed.len()) } else { changed.len() };
                let at = random.usize(..reach);
                changed[at] = random.u8(..);
            }
            match decode(&changed, &limits) {
                Ok(image) => {
                    decoded += 1;
                    let pixels = usize::from(image.height()) * usize::from(image.width());
                    assert_eq!(image.rgb().len(), pixels * 3);
                }
                Err(error) => {
                    refused += 1;
                    let text = error.to_string();
                    assert!(!text.contains('\n') && text.len() < 200, "{text}");
                }
            }
        }
    }
    assert!(decoded > 100 && refused > 100, "{decoded} decoded, {refused} refused");
}

#[test]
fn pixels_that_the_file_cannot_fill_are_refused() {
    for (name, frame) in [("baseline_420", 0xC0), ("progressive_420", 0xC2)] {
        let mut bytes = file(name);
        let at = position(&bytes, frame) + 5;
        bytes[at..at + 4].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        let error = decode(&bytes, &Limits::default()).unwrap_err();
        let Error::TooShort { height: 10_000, width: 10_000, found, least } = error else {
            panic!("{error}")
        };
        assert!(found < 2000 && least > 290_000 / 2, "{error}");
        let header = Header::read(&bytes).unwrap();
        assert_eq!((header.height(), header.width()), (10_000, 10_000));
        let limits = Limits::default().max_pixels(99_999_999);
        let error = decode(&bytes, &limits).unwrap_err();
        let wanted = Error::TooLarge { height: 10_000, width: 10_000, max_pixels: 99_999_999 };
        assert_eq!(error, wanted);
    }
}

/// A grey progressive image of 65 536 flat blocks, each a bit of its first scan, with as many scans that change nothing.
fn with_scans(count: usize) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], content].concat()
    };
    let one_code =
        |name: u8, symbol: u8| segment(0xC4, &[&[name, 1][..], &[0; 15], &[symbol]].concat());
    let mut bytes = vec![0xFF, 0xD8];
    bytes.extend(segment(0xDB, &[&[0][..], &[1; 64]].concat()));
    bytes.extend(segment(0xC2, &[8, 8, 0, 8, 0, 1, 1, 0x11, 0]));
    // A difference of 0, and a run of blocks whose length is in 14 bits.
    bytes.extend([one_code(0x00, 0), one_code(0x10, 0xE0)].concat());
    bytes.extend(segment(0xDA, &[1, 1, 0, 0, 0, 0]));
    bytes.extend([0; 65_536 / 8]);
    for scan in 0..count {
        let bits = if scan == 0 { 0x00 } else { 0x10 };
        bytes.extend(segment(0xDA, &[1, 1, 0, 1, 63, bits]));
        // Three runs: of 32 767 blocks, of as many, and of more than are left.
        bytes.extend([0x7F, 0xFE, 0xFF, 0, 0xFC, 0, 0]);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

#[test]
fn scans_without_end_are_refused() {
    let image = decode(&with_scans(60), &Limits::default()).unwrap();
    assert!(image.rgb().iter().all(|&level| level == 128));
    let bytes = with_scans(1000);
    let error = decode(&bytes, &Limits::default()).unwrap_err();
    // 64 visits a block, and some for the bytes.
    let Error::TooManyScans { scans } = error else { panic!("{error}") };
    assert!((64..130).contains(&scans), "{error}");
}

#[test]
fn kinds_that_are_not_decoded_are_named() {
    let bytes = file("baseline_444");
    let frame = position(&bytes, 0xC0);
    for (marker, named) in [
        (0xC3, "lossless"),
        (0xC5, "hierarchical"),
        (0xC9, "arithmetic"),
        (0xCA, "arithmetic"),
        (0xCB, "arithmetic"),
        (0xCF, "hierarchical"),
        (0xF7, "JPEG-LS"),
    ] {
        let mut changed = bytes.clone();
        changed[frame + 1] = marker;
        let error = decode(&changed, &Limits::default()).unwrap_err();
        assert!(matches!(&error, Error::Unsupported { kind } if kind.contains(named)), "{error}");
    }
    let changed = |changes: &[(usize, u8)]| {
        let mut changed = bytes.clone();
        for &(at, to) in changes {
            changed[frame + at] = to;
        }
        decode(&changed, &Limits::default()).unwrap_err().to_string()
    };
    assert_eq!(changed(&[(4, 12)]), "a precision of 12 bits is not supported");
    // The sampling factors of the first and the second component.
    let wanted = "sampling 2x1 beside 3x1 is not supported";
    assert_eq!(changed(&[(11, 0x31), (14, 0x21)]), wanted);
}

#[test]
fn a_progressive_image_without_its_last_scans_is_not_guessed() {
    let bytes = file("progressive_420");
    let last = bytes.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    // Tables of the last scan may precede it; without the scan they mean nothing.
    let without = [&bytes[..last], &[0xFF, 0xD9]].concat();
    let error = decode(&without, &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Truncated { what: "its last scans", .. }), "{error}");
}

#[test]
fn tables_and_markers_that_libjpeg_refuses_are_refused() {
    let bytes = file("baseline_444");
    let changed = |at: usize, to: u8| {
        let mut changed = bytes.clone();
        changed[at] = to;
        match decode(&changed, &Limits::default()).unwrap_err() {
            Error::Damaged { what, .. } => what,
            other => panic!("{other}"),
        }
    };
    // The first symbol of the first table, of DC coefficients, follows its name and 16 counts.
    let table = position(&bytes, 0xC4) + 4;
    assert_eq!(bytes[table], 0);
    assert_eq!(changed(table + 17, 0x10), "a Huffman table that is not one");
    // Three codes of one bit.
    assert_eq!(changed(table + 1, 3), "a Huffman table that is not one");
    assert_eq!(changed(position(&bytes, 0xDB) + 1, 0x02), "an unknown marker");
    assert_eq!(changed(position(&bytes, 0xDA) + 4, 9), "a scan header of the wrong length");
}
