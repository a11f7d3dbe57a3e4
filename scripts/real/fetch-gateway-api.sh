#!/usr/bin/env bash
# Fetches the CustomResourceDefinitions of the Gateway API, of both channels, from its Go module into .cache/bin, once.
# Needs Go 1.21 or newer.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
bin=$root/.cache/bin
gateway_api=v1.6.1
stamp=$bin/.gateway-api-$gateway_api
[ -f "$stamp" ] && exit 0

. ./go.sh
need_go "the tests against the definitions of the Gateway API"
mkdir -p "$bin"
say "Fetching the Gateway API's CustomResourceDefinitions ($gateway_api)"
module=$(cd "$bin" && GOFLAGS='' again go mod download -json "sigs.k8s.io/gateway-api@$gateway_api" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
for channel in standard experimental; do
    file=$bin/gateway-api-$channel.yaml
    for kind in gatewayclasses gateways httproutes grpcroutes referencegrants backendtlspolicies; do
        printf -- '---\n'
        cat "$module/config/crd/$channel/gateway.networking.k8s.io_$kind.yaml"
    done >"$file.new"
    mv "$file.new" "$file"
done
rm -f "$bin"/.gateway-api-*
touch "$stamp"
