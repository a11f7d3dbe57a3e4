#!/usr/bin/env bash
# Everything of a release but its publication: the wheel and the source distribution in dist/, the crates in
# target/package, and the checks of all of them. What cannot be checked here is listed at the end, never passed over.
# With --quick the compiled code is not optimised, so that the steps themselves can be tried.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'package: %s\n' "$*" >&2; exit 1; }
unchecked=()
not_checked() { unchecked+=("$*"); printf 'NOT CHECKED: %s\n' "$*"; }

quick=${1:-}
case $quick in
"") ;;
--quick) not_checked "the wheel's size and speed: --quick builds it without optimisation" ;;
*) fail "unknown argument $quick; usage: scripts/package.sh [--quick]" ;;
esac
# Whether a source distribution is whole is the question, not how fast it runs.
unoptimised() {
    env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="$PWD/target/unoptimised" "$@"
}
[ -z "$(git status --porcelain)" ] || not_checked "the tree differs from the commit: this is no release"
venv=.cache/package
tools=$PWD/.cache/tools
export PATH="$tools/bin:$PATH"
mkdir -p .cache
[ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
$venv/bin/python -m pip install --quiet --disable-pip-version-check "maturin>=1.16,<2" "twine>=6" "wheel>=0.45"
# install NAME: a cargo command of its own locked dependencies, once; less optimised, as it runs for seconds.
install() {
    [ -x "$tools/bin/$1" ] && return
    say "Installing $1 (some minutes)"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --root "$tools" "$1"
}

say "Licences, sources and advisories of the dependencies"
install cargo-deny
cargo deny check --hide-inclusion-graph licenses bans sources
# fetches the database of advisories; without it they are not checked.
if cargo deny fetch db; then
    cargo deny check --disable-fetch --hide-inclusion-graph advisories
else
    not_checked "security advisories: their database (github.com/RustSec/advisory-db) cannot be fetched from here"
fi
"$venv/bin/python" scripts/third_party_licenses.py
git diff --exit-code --stat -- python/THIRD_PARTY_LICENSES.txt ||
    fail "python/THIRD_PARTY_LICENSES.txt was out of date; it is written again: commit it"

say "The crates"
# They need each other at this very version: all together, each built from what would be uploaded.
crates=()
for folder in crates/*/; do crates+=(-p "$(basename "$folder")"); done
cargo package --locked --allow-dirty --all-features "${crates[@]}"
say "Their documentation, as docs.rs builds it"
RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS="--cfg docsrs -D warnings" CARGO_TARGET_DIR=target/docsrs \
    cargo doc --locked --no-deps --all-features "${crates[@]}"
version=$(cargo metadata --no-deps --format-version 1 |
    $venv/bin/python -c 'import json, sys; print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "canary-core"))')
if tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null); then
    say "The public interface since $tag"
    install cargo-semver-checks
    cargo semver-checks "${crates[@]}" --baseline-rev "$tag"
else
    not_checked "compatibility of the crates: no version is tagged before $version, so there is nothing to compare with"
fi

say "The wheel"
rm -rf dist
. scripts/rustflags.sh
${quick:+unoptimised} $venv/bin/maturin build --release --locked --quiet --manifest-path python/Cargo.toml --out dist
# maturin writes a bill of materials that names the folder it was built in.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$venv/bin/python -m wheel unpack --dest "$work" dist/*.whl >/dev/null
sed -i "s#file://$PWD#file:///canary#g" "$work"/istio_canary-*/istio_canary-*.dist-info/sboms/*.json
$venv/bin/python -m wheel pack --dest-dir dist "$work"/istio_canary-* >/dev/null
say "The source distribution"
$venv/bin/maturin sdist --manifest-path python/Cargo.toml --out dist
$venv/bin/python -m twine check --strict dist/*
$venv/bin/python scripts/check_package.py dist "$version" $quick

say "Used from the wheel, in an empty environment"
empty=$work
wheel=$(ls "$PWD"/dist/*.whl) sdist=$(ls "$PWD"/dist/*.tar.gz) root=$PWD
"${PYTHON:-python3}" -m venv "$empty/wheel"
(cd "$empty" && wheel/bin/python -m pip install --quiet --disable-pip-version-check "$wheel" &&
    wheel/bin/python "$root/scripts/use_package.py" "$version" "$root/README.md")
(cd "$empty" && wheel/bin/python -m pip install --quiet --disable-pip-version-check "$wheel[lab,plot]" &&
    wheel/bin/python "$root/scripts/use_package.py" "$version" "$root/README.md" lab)
say "Run by uvx and by pipx, without an installation"
$venv/bin/python -m pip install --quiet --disable-pip-version-check "pipx>=1.7" "uv>=0.9"
for runner in "uvx --no-config --from $wheel canary" "pipx run --no-cache --spec $wheel canary"; do
    (cd "$empty" && PATH="$root/$venv/bin:$PATH" && $runner --version && $runner validate "$root/examples/mesh.yaml" &&
        $runner route "$root/examples/mesh.yaml" --test "$root/examples/cases.yaml" &&
        $runner simulate "$root/examples/plan.yaml" --runs 50)
done
say "Built from the source distribution, in an empty environment"
"${PYTHON:-python3}" -m venv "$empty/sdist"
unoptimised "$empty/sdist/bin/python" -m pip install --quiet --disable-pip-version-check --no-binary istio-canary "$sdist"
(cd "$empty" && sdist/bin/python "$root/scripts/use_package.py" "$version" "$root/README.md")

say "Ready to publish: $version"
ls -l dist target/package/*.crate
for each in "${unchecked[@]}"; do printf 'NOT CHECKED: %s\n' "$each"; done
