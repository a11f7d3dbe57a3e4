#!/usr/bin/env bash
# Generates crates/canary-proto/src/generated from crates/canary-proto/proto; needs cargo alone, no protoc.
# With --check, writes nothing and fails if the checked-in code is not what would be generated.
set -euo pipefail
cd "$(dirname "$0")/.."
generated=crates/canary-proto/src/generated
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
CARGO_TARGET_DIR=target/protos cargo run --quiet --locked --manifest-path scripts/protos/Cargo.toml -- crates/canary-proto/proto "$fresh"
if [ "${1:-}" = --check ]; then
    diff -r "$fresh" "$generated" || {
        echo "canary: $generated is not what crates/canary-proto/proto makes; run scripts/protos.sh" >&2
        exit 1
    }
else
    rm -rf "$generated"
    cp -r "$fresh" "$generated"
fi
