#!/usr/bin/env bash
# Builds a real kube-apiserver and etcd from their Go modules into .cache/bin, once.
# Needs Go 1.26 or newer, about 5 GB of disk and ten minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."
kubernetes=v1.36.3
istio=v1.31.4
bin=$PWD/.cache/bin
stamp=$bin/.kubernetes-$kubernetes-$istio
[ -f "$stamp" ] && exit 0
command -v go >/dev/null || { echo "canary: Go is missing: install Go 1.26 or newer for the tests against a real Kubernetes API" >&2; exit 1; }
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

work=$PWD/.cache/kubernetes-build
mkdir -p "$bin" "$work"
cd "$work"
say "Fetching Kubernetes $kubernetes and Istio's API $istio as Go modules"
module=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
# The staging modules inside Kubernetes have versions of their own, v0.x for v1.x.
{
    echo "module canary.test/kubernetes"
    sed -n 's/^go /go /p' "$module"
    echo "require k8s.io/kubernetes $kubernetes"
    sed -n 's/^\t\(k8s.io\/[a-z-]*\) => .*/replace \1 => \1 '"${kubernetes/v1./v0.}"'/p' "$module"
} >go.mod
cat >tools.go <<'GO'
//go:build tools

package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
GO
go mod tidy -e >tidy.log 2>&1 || { tail -5 tidy.log >&2; exit 1; }
say "Building kube-apiserver and etcd (some minutes)"
go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" -o "$bin/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
go build -trimpath -ldflags "-s -w" -o "$bin/etcd" go.etcd.io/etcd/server/v3
say "Fetching Istio's CustomResourceDefinitions"
api=$(go mod download -json "istio.io/api@$istio" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
install -m 644 "$api/kubernetes/customresourcedefinitions.gen.yaml" "$bin/istio-crds.yaml"
touch "$stamp"
