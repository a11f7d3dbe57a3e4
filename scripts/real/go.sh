# For the scripts that build real programs from their Go modules; they source it with `bin` set to the folder of the
# programs. Needs Go 1.26 or newer (1.21 or newer fetches it as a module).

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'canary: %s\n' "$*" >&2; exit 1; }
# again COMMAND…: three attempts, for what comes over a network.
again() { "$@" || { sleep 5; "$@"; } || { sleep 20; "$@"; }; }

# need_go TESTS: stops where Go is missing or too old, and names the tests that need it.
need_go() {
    # Go's own installer puts it where many shells do not look.
    command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin:$HOME/go/bin
    command -v go >/dev/null || fail "Go is missing: install Go 1.26 or newer (https://go.dev/dl) for $1"
    local version minor
    version=$(go env GOVERSION)
    minor=$(printf '%s' "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    [ "${minor:-99}" -ge 21 ] || fail "$version is too old: install Go 1.26 or newer (https://go.dev/dl)"
}

export GOFLAGS=-mod=readonly CGO_ENABLED=0

# build NAME PACKAGE FLAGS…: under another name first, so that an interrupted build leaves no half program.
build() {
    local name=$1 package=$2
    shift 2
    go build -trimpath "$@" -o "$bin/$name.new" "$package"
    mv "$bin/$name.new" "$bin/$name"
}
