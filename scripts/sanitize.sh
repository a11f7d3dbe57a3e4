#!/usr/bin/env bash
# Runs the tests that read and lend memory of arrays with the extension under AddressSanitizer, which ends the process
# at the first byte read outside of an array. Needs a nightly compiler (rustup toolchain install nightly) and gcc's
# libasan; scripts/setup.sh test has prepared the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'canary: %s\n' "$*" >&2; exit 1; }

cargo +nightly --version >/dev/null 2>&1 ||
    fail "a nightly compiler is missing: rustup toolchain install nightly --profile minimal"
# gcc prints the name alone when it has no such file.
runtime=$(gcc -print-file-name=libasan.so)
[ "$runtime" != libasan.so ] || fail "gcc's libasan is missing; on Debian and Ubuntu: apt-get install gcc"
target=$(rustc -vV | sed -n 's/^host: //p')

say "Building the extension with AddressSanitizer (some minutes)"
# The runtime is preloaded: Python itself is built without it.
RUSTFLAGS="-Zsanitizer=address -Zexternal-clangrt" PYO3_PYTHON=$PWD/.venv/bin/python \
    cargo +nightly build --quiet --package canary-python --target "$target" --target-dir target/sanitized

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/canary"
cp python/canary/*.py python/canary/py.typed "$folder/canary"
cp "target/sanitized/$target/debug/lib_canary.so" "$folder/canary/_canary.abi3.so"
say "Running the tests of arrays"
# Python's own allocator hides the bounds of what it hands out, and what it keeps to the end is no leak.
sanitized() {
    PYTHONPATH=$folder PYTHONMALLOC=malloc LD_PRELOAD=$runtime ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
        .venv/bin/python "$@"
}
# The extension that is tested is the one with the sanitizer.
sanitized -c 'import sys, canary._canary as found; sys.exit(not found.__file__.startswith(sys.argv[1]))' "$folder"
sanitized -m pytest --quiet -p no:cacheprovider python/tests/test_arrays.py python/tests/test_inputs.py
