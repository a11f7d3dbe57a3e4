#!/usr/bin/env bash
# Builds Istio's control plane, and the oracle of the tests, from its Go module into .cache/bin, once. Its version and
# checksums are in scripts/real/istio. Needs Go 1.26 or newer (1.21 or newer fetches it as a module), about 4 GB of
# disk, and a quarter of an hour of one core the first time.
set -euo pipefail
cd "$(dirname "$0")/istio"
root=$(cd ../../.. && pwd)
bin=$root/.cache/bin
istio=$(sed -n 's/^.*istio\.io\/istio \(v[^ ]*\)$/\1/p' go.mod)
# What is built depends on this folder and on this script.
sources=$(find . ../build-istio.sh -type f | LC_ALL=C sort | xargs cat | cksum | cut -d ' ' -f 1)
stamp=$bin/.istio-$istio-$sources
[ -f "$stamp" ] && exit 0

. ../go.sh
need_go "the tests against Istio's control plane"
mkdir -p "$bin"
say "Fetching Istio $istio as Go modules"
again go mod download
say "Building Istio's control plane (a quarter of an hour the first time)"
build pilot-discovery istio.io/istio/pilot/cmd/pilot-discovery -ldflags "-s -w"
# The oracle of the tests: Istio's admission and routes, asked without a cluster.
build istio-oracle ./oracle -ldflags "-s -w"
rm -f "$bin"/.istio-*
touch "$stamp"
