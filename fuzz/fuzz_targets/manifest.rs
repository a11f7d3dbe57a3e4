//! Reading any text: it is refused or read, and what is read is written and read back the same.

#![no_main]

use canary_core::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (lenient, mut findings) = Manifest::read_lenient(text);
    for finding in &mut findings.0 {
        (finding.line, finding.column) = (None, None);
    }
    // Places are found for whatever was read.
    canary_core::manifest::locate(lenient.sources(), &mut findings);
    let Ok(manifest) = Manifest::read(text) else { return };
    let json = manifest.to_json_value().expect("what was read has finite numbers only");
    let yaml = manifest.to_yaml().expect("what was read can be written");
    let again = Manifest::read(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(again.to_json_value().ok(), Some(json), "{yaml}");
});
