/work/w/oracles/target2/debug/deps/smallvec-9e07f24cffb06b11.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/smallvec-1.16.6/src/lib.rs

/work/w/oracles/target2/debug/deps/libsmallvec-9e07f24cffb06b11.rlib: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/smallvec-1.16.6/src/lib.rs

/work/w/oracles/target2/debug/deps/libsmallvec-9e07f24cffb06b11.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/smallvec-1.16.6/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/smallvec-1.16.6/src/lib.rs:
