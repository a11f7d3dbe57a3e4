//go:build tools

// Package tools names the programs that scripts/real/build-kubernetes.sh builds, so that go.mod pins them.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
