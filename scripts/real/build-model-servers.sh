#!/usr/bin/env bash
# Installs real model servers from PyPI into .cache/model-servers, once: MLServer, KServe's server and Triton. Their versions
# and hashes are in scripts/real/model_servers. Needs Python 3.11 with its shared library (libpython3.11, which Triton's Python
# backend loads), Linux on x86-64, about 1 GB of disk and a minute or two.
set -euo pipefail
cd "$(dirname "$0")/model_servers"
root=$(cd ../../.. && pwd)
servers=$root/.cache/model-servers
python=${PYTHON311:-python3.11}
sum=$(cat mlserver.txt kserve.txt | cksum)
[ -f "$servers/.installed" ] && [ "$(cat "$servers/.installed")" = "$sum" ] && exit 0

command -v "$python" >/dev/null || {
    echo "canary: the real model servers need Python 3.11; name it with PYTHON311=…, or go without these tests" >&2
    exit 1
}
for name in mlserver kserve; do
    printf '\033[1m==> %s\033[0m\n' "Installing $name into $servers"
    rm -rf "${servers:?}/$name"
    "$python" -m venv "$servers/$name"
    "$servers/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$name.txt"
done
echo "$sum" >"$servers/.installed"
