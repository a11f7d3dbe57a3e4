//! Any bytes through the JPEG decoder: an error, or as many levels as the header says, the same when decoded again.
//!
//! `cargo +nightly fuzz run jpeg fuzz/corpus/jpeg crates/canary-jpeg/tests/data`
#![no_main]

use canary_jpeg::{Error, Header, Limits, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().max_pixels(1 << 18);
    let header = Header::read(bytes);
    match decode(bytes, &limits) {
        Ok(image) => {
            let header = header.expect("a file that decodes has a header");
            assert_eq!((image.height(), image.width()), (header.height(), header.width()));
            let pixels = usize::from(image.height()) * usize::from(image.width());
            assert_eq!(image.rgb().len(), pixels * 3);
            // Memory of the first is used again.
            assert_eq!(decode(bytes, &limits).as_ref(), Ok(&image));
        }
        Err(Error::TooLarge { .. } | Error::TooShort { .. }) => assert!(header.is_ok()),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});
