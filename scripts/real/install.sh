#!/usr/bin/env bash
# Installs every real program that tests run against: what continuous integration does, and anybody may on Debian or
# Ubuntu as root. Without them `make test` leaves those tests out, and says so.
set -euo pipefail
cd "$(dirname "$0")"
packages=()
command -v prometheus >/dev/null || packages+=(prometheus)
# The pictures of the tests are drawn with these fonts.
command -v chromium >/dev/null || packages+=(chromium)
[ -f /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || packages+=(fonts-dejavu-core)
if ! command -v go >/dev/null && [ ! -x /usr/local/go/bin/go ]; then packages+=(golang-go); fi
# Triton's Python backend loads Python's shared library.
command -v python3.11 >/dev/null || packages+=(python3.11 python3.11-venv)
ldconfig -p | grep -q libpython3.11 || packages+=(libpython3.11)
if [ ${#packages[@]} -gt 0 ]; then
    echo "==> Installing ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
./build-kubernetes.sh
./fetch-gateway-api.sh
./build-istio.sh
./build-model-servers.sh
