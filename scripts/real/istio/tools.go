//go:build tools

// Package tools names the programs that scripts/real/build-istio.sh builds, so that go.mod pins them.
package tools

import (
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
