#!/usr/bin/env bash
# Runs every test of the project; scripts/setup.sh test has prepared the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

export CANARY_SITE_PACKAGES=${CANARY_SITE_PACKAGES:-$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')}
say "Rust: unit tests, integration tests, examples and documentation"
cargo test
say "Python: behaviour, stubs and documentation"
.venv/bin/python -m pytest python
say "All tests passed"
if [ ! -x .cache/bin/kube-apiserver ]; then
    echo "left out: the tests against a real Kubernetes API server; scripts/real/build-kubernetes.sh builds one (Go, ten minutes)"
fi
