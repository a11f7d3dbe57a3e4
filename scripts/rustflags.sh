# Sourced, not run: the compiler's flags of a release build. What a program says of a panic names source files; they
# begin with /canary and /cargo, not with the folders of the machine that built it.
canary_cargo_home=${CARGO_HOME:-$HOME/.cargo}
printf -v CARGO_ENCODED_RUSTFLAGS '%s\x1f%s' \
    "--remap-path-prefix=$canary_cargo_home=/cargo" "--remap-path-prefix=$PWD=/canary"
export CARGO_ENCODED_RUSTFLAGS
# The same for the C and assembly of `ring`.
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$canary_cargo_home=/cargo -ffile-prefix-map=$PWD=/canary"
