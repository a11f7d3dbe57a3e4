//! Whatever is read as an object can be validated and analyzed, alone and beside others, without a panic or a hang.

#![no_main]

use canary_core::{
    Manifest,
    analyze::{Inventory, Subject, analyze},
    validate::{IstioVersion, Options, Validate},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (manifest, _) = Manifest::read_lenient(text);
    for options in [Options::default(), Options::default().istio_version(IstioVersion::new(1, 14))] {
        for finding in &manifest.validate_with(&options) {
            assert!(!finding.code.is_empty() && !finding.message.is_empty() && !finding.path.is_empty());
        }
    }
    let _ = analyze(manifest.iter().filter_map(Subject::of), &Inventory::default());
});
