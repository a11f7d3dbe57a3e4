//! The command `canary`.

use std::process::ExitCode;

fn main() -> ExitCode {
    canary_cli::run(std::env::args_os()).into()
}
