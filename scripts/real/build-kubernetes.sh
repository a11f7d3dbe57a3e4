#!/usr/bin/env bash
# Builds a real kube-apiserver and etcd from their Go modules into .cache/bin, once, and fetches Istio's
# CustomResourceDefinitions. Versions and checksums are in scripts/real/kubernetes.
# Needs Go 1.26 or newer (1.21 or newer fetches it as a module), about 5 GB of disk and ten minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/kubernetes"
root=$(cd ../../.. && pwd)
bin=$root/.cache/bin
kubernetes=$(sed -n 's/^.*k8s\.io\/kubernetes \(v[0-9.]*\)$/\1/p' go.mod)
istio=v1.31.4
stamp=$bin/.kubernetes-$kubernetes-$istio
[ -f "$stamp" ] && exit 0

. ../go.sh
need_go "the tests against a real Kubernetes API"
mkdir -p "$bin"
say "Fetching Kubernetes $kubernetes as Go modules"
again go mod download
say "Building etcd and kube-apiserver (some minutes)"
build etcd go.etcd.io/etcd/server/v3 -ldflags "-s -w"
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes"
say "Fetching Istio's CustomResourceDefinitions ($istio)"
# Outside the module above: these definitions are all that is wanted of it.
api=$(cd "$bin" && GOFLAGS='' again go mod download -json "istio.io/api@$istio" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
install -m 644 "$api/kubernetes/customresourcedefinitions.gen.yaml" "$bin/istio-crds.yaml"
touch "$stamp"
