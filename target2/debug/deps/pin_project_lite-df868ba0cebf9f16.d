/work/w/oracles/target2/debug/deps/pin_project_lite-df868ba0cebf9f16.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pin-project-lite-0.2.18/src/lib.rs

/work/w/oracles/target2/debug/deps/libpin_project_lite-df868ba0cebf9f16.rlib: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pin-project-lite-0.2.18/src/lib.rs

/work/w/oracles/target2/debug/deps/libpin_project_lite-df868ba0cebf9f16.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pin-project-lite-0.2.18/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pin-project-lite-0.2.18/src/lib.rs:
