//! Every kind of JPEG against the levels that TensorFlow gives, made by `scripts/jpeg_fixtures.py`.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use canary_jpeg::{Header, Limits, decode};

/// Names and bytes of the files of that kind.
fn files(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == kind))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_kind_has_the_levels_of_tensorflow() {
    let (files, expected) = (files("jpg"), files("ppm"));
    assert!(files.len() > 85, "only {} files", files.len());
    for ((name, file), (of, ppm)) in files.iter().zip(&expected) {
        assert_eq!(name, of);
        let image =
            decode(file, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let head = format!("P6 {} {} 255\n", image.width(), image.height());
        let levels =
            ppm.strip_prefix(head.as_bytes()).unwrap_or_else(|| panic!("{name} is not {head}"));
        assert_eq!(image.rgb().len(), levels.len(), "{name}");
        let differ =
            image.rgb().iter().zip(levels).filter(|(found, wanted)| found != wanted).count();
        assert_eq!(differ, 0, "{name}: {differ} of {} levels", levels.len());
        let header = Header::read(file).unwrap();
        assert_eq!((header.height(), header.width()), (image.height(), image.width()), "{name}");
    }
}

/// Memory is kept from one image to the next on a thread: what stood in it must not show.
#[test]
fn the_image_before_leaves_no_trace() {
    let mut files = files("jpg");
    files.sort_by_key(|(_, file)| file.len());
    let decoded = |(_, file): &(String, Vec<u8>)| decode(file, &Limits::default()).unwrap();
    let alone: Vec<_> = files
        .iter()
        .map(|file| std::thread::scope(|scope| scope.spawn(|| decoded(file)).join().unwrap()))
        .collect();
    assert!(files.iter().map(decoded).eq(alone.iter().cloned()));
    assert!(files.iter().rev().map(decoded).eq(alone.into_iter().rev()));
}

#[test]
fn headers_tell_what_stands_before_the_pixels() {
    let files = files("jpg");
    let file = |wanted: &str| &files.iter().find(|(name, _)| name == wanted).unwrap().1[..];
    let header = Header::read(file("progressive_420")).unwrap();
    assert_eq!((header.height(), header.width(), header.components()), (19, 35, 3));
    assert!(header.is_progressive() && header.exif().is_none());
    assert_eq!(Header::read(file("cmyk_full")).unwrap().components(), 4);
    let plain = file("baseline_444");
    let exif = b"\xff\xe1\0\x0eExif\0\0MM\0*ab";
    let with_exif = [&plain[..2], exif, &plain[2..]].concat();
    assert_eq!(Header::read(&with_exif).unwrap().exif(), Some(&b"MM\0*ab"[..]));
    let image = decode(&with_exif, &Limits::default()).unwrap();
    assert_eq!(image, decode(plain, &Limits::default()).unwrap());
    assert_eq!(format!("{image:?}"), "Image(19 × 35)");
}
