"""The command `canary`, which is `python -m canary` too."""

import signal
import sys

from canary._canary import _command


def main() -> int:
    """Run the command with the arguments of the process, and give its exit status."""
    # Ctrl-C ends this process as it ends any program, at once; a release takes it over, to store its state.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    return _command(["canary", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
