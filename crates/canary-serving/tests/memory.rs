//! Texts and files of 1 MB made to hurt: an error or a value, in memory and time that grow with their length.
//!
//! Memory is counted by the allocator, so all of it is one test. A reader that is quadratic in anything takes minutes
//! here.
#![cfg(feature = "predict")]
#![allow(clippy::unwrap_used)]
// An allocator is unsafe by its nature; this one counts and hands on.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use canary_core::{
    image::{DecodeOptions, decode},
    predict::read_predict,
};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above; the memory came from the system's allocator.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MEGABYTE: usize = 1 << 20;

/// The most bytes that were allocated at once during the call, beyond what was before it.
fn most_memory(call: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    call();
    MOST.load(Ordering::Relaxed) - before
}

/// About 1 MB of `part` with its number in place of `#`, between `head` and `tail`.
fn repeated(head: &str, part: &str, tail: &str) -> Vec<u8> {
    let mut text = head.to_owned();
    let mut number = 0;
    while text.len() < MEGABYTE {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&part.replace('#', &number.to_string()));
        number += 1;
    }
    text.push_str(tail);
    text.into_bytes()
}

fn answers() -> Vec<(&'static str, Vec<u8>)> {
    let list = |part| repeated("{\"predictions\": [", part, "]}");
    let digits = |head: &str, tail: &str| {
        format!("{{\"predictions\": [{head}{}{tail}]}}", "7".repeat(MEGABYTE)).into_bytes()
    };
    let escapes = format!("{{\"predictions\": [\"{}\"]}}", "\\ud83d\\ude00".repeat(MEGABYTE / 12));
    vec![
        ("many outputs by row", repeated("{\"predictions\": [{", "\"n#\": 1", "}]}")),
        ("many outputs by column", repeated("{\"outputs\": {", "\"n#\": [1.5]", "}}")),
        ("many other members", repeated("{", "\"n#\": {\"a\": []}", "}")),
        ("rows of one output", list("{\"a\": 0.5}")),
        ("empty lists", list("[]")),
        ("lists of one", list("[[1.25]]")),
        ("empty texts", list("\"\"")),
        ("empty files", list("{\"b64\": \"\"}")),
        ("small integers", list("1")),
        ("integers, then a fraction", repeated("{\"predictions\": [", "1", ", 2.5]}")),
        (
            "integers, then one above 2^63",
            repeated("{\"predictions\": [", "1", ", 18446744073709551615]}"),
        ),
        ("fractions, then a large one", repeated("{\"predictions\": [", "1.5", ", 1e300]}")),
        ("booleans", list("true")),
        ("not numbers", list("NaN")),
        ("a long integer", digits("", "")),
        ("a long fraction", digits("0.", "")),
        ("a long exponent", digits("1e", "")),
        ("a long negative exponent", digits("1e-", ".5")),
        ("escapes", escapes.into_bytes()),
        ("open lists", format!("{{\"predictions\": {}", "[".repeat(MEGABYTE)).into_bytes()),
        ("open objects", format!("{{\"a\": {}", "{\"a\":".repeat(MEGABYTE / 5)).into_bytes()),
    ]
}

fn image(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/image");
    fs::read(folder.join(name)).unwrap()
}

/// A grey progressive JPEG of 2048 × 2048 pixels, all in its first scan, with 1 MB of scans that pass over them again.
fn many_scans() -> Vec<u8> {
    let mut bytes = [&b"\xff\xd8\xff\xdb\0\x43\0"[..], &[1; 64]].concat();
    bytes.extend(b"\xff\xc2\0\x0b\x08\x08\0\x08\0\x01\x01\x11\0");
    // A code of one bit each: no difference of DC, and a run of blocks whose length is in 14 bits.
    for (table, symbol) in [(0, 0), (0x10, 0xe0)] {
        bytes.extend([&[0xff, 0xc4, 0, 20, table, 1][..], &[0; 15], &[symbol]].concat());
    }
    bytes.extend(b"\xff\xda\0\x08\x01\x01\0\0\0\0");
    bytes.extend([0; 65_536 / 8]);
    bytes.extend(b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0\x7f\xfe\xff\0\xfc\0\0");
    let again = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10\x7f\xfe\xff\0\xfc\0\0";
    bytes.extend(again.repeat(MEGABYTE / again.len()));
    bytes.extend(b"\xff\xd9");
    bytes
}

/// Whole files of a few kB, whose headers promise 10 000 × 10 000 pixels.
fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let patched = |name: &str, at: usize, with: &[u8]| {
        let mut bytes = image(name);
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let big = [0x27, 0x10, 0x27, 0x10];
    let frame = |name: &str, marker: u8| {
        let at = image(name).windows(2).position(|pair| pair == [0xff, marker]).unwrap();
        patched(name, at + 5, &big)
    };
    // The directory of a TIFF file: width and height are its first two entries, each 12 bytes with the value at 8.
    let mut tiff = image("rgb.tif");
    let directory = usize::try_from(u32::from_le_bytes(*tiff[4..].first_chunk().unwrap())).unwrap();
    for entry in [directory + 2, directory + 14] {
        tiff[entry + 8..entry + 10].copy_from_slice(&[0x10, 0x27]);
    }
    vec![
        ("baseline JPEG", frame("s420.jpg", 0xc0)),
        ("progressive JPEG", frame("progressive.jpg", 0xc2)),
        ("GIF", patched("plain.gif", 6, &[0x10, 0x27, 0x10, 0x27])),
        ("BMP", patched("rgb.bmp", 18, &[0x10, 0x27, 0, 0, 0x10, 0x27, 0, 0])),
        ("TIFF", tiff),
    ]
}

/// Files that promise 4 million pixels and bring 1 MB of something else, and a file of many scans.
fn images() -> Vec<(&'static str, Vec<u8>)> {
    let noise = || (0..MEGABYTE).map(|at| at.wrapping_mul(0x9e37_79b1).to_le_bytes()[3] & 0x7f);
    let jpeg = |name: &str, frame: u8| {
        let mut bytes = image(name);
        let at = bytes.windows(2).position(|pair| pair == [0xff, frame]).unwrap();
        bytes[at + 5..at + 9].copy_from_slice(&[0x07, 0xd0, 0x07, 0xd0]);
        let end = bytes.len() - 2;
        bytes.splice(end..end, noise());
        bytes
    };
    let patched = |name: &str, at: usize, with: &[u8]| {
        let mut bytes = image(name);
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes.extend(noise());
        bytes
    };
    // Run-length coded, 8 bits a pixel, with runs that continue beyond the end of the first row.
    let mut runs = image("palette.bmp");
    runs[18..26].copy_from_slice(&[0xd0, 0x07, 0, 0, 0xd0, 0x07, 0, 0]);
    runs[28..34].copy_from_slice(&[8, 0, 1, 0, 0, 0]);
    runs.extend([255, 7].repeat(MEGABYTE / 2));
    vec![
        ("BMP of runs", runs),
        ("baseline JPEG", jpeg("s420.jpg", 0xc0)),
        ("progressive JPEG", jpeg("progressive.jpg", 0xc2)),
        ("JPEG of many scans", many_scans()),
        ("GIF", patched("plain.gif", 6, &[0xd0, 0x07, 0xd0, 0x07])),
        ("BMP", patched("rgb.bmp", 18, &[0xd0, 0x07, 0, 0, 0xd0, 0x07, 0, 0])),
        ("WebP", patched("lossless.webp", 21, &[0xcf, 0xc7, 0xf3, 0x01])),
    ]
}

#[test]
fn a_megabyte_made_to_hurt_costs_little() {
    for (name, text) in answers() {
        let most = most_memory(|| drop(read_predict(&text, false)));
        assert!(most < 200 * MEGABYTE, "{name}: {} MB", most / MEGABYTE);
        assert!(read_predict(&text[..text.len() / 5], false).is_err(), "{name} cut off");
    }
    for (name, file) in images() {
        for file in [&file[..], &file[..file.len() / 2]] {
            let options = DecodeOptions::default().max_pixels(4_000_000);
            let most = most_memory(|| drop(decode(file, &options)));
            assert!(most < 64 * MEGABYTE, "{name}: {} MB", most / MEGABYTE);
        }
    }
    for (name, file) in headers() {
        let most = most_memory(|| {
            let error = decode(&file, &DecodeOptions::default()).unwrap_err().to_string();
            assert!(error.contains("damaged or cut off"), "{name}: {error}");
        });
        assert!(most < MEGABYTE, "{name}: {most} bytes");
    }
    let message = decode(&many_scans(), &DecodeOptions::default()).unwrap_err().to_string();
    assert!(message.contains("too many scans"), "{message}");
}
