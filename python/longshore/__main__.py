"""The command ``longshore``, which is ``python -m longshore`` too. All of it is in the native module."""

from __future__ import annotations

import signal
import sys

from longshore import _native


def main() -> int:
    """Runs the command line of this process. Returns its exit code, which ``longshore --help`` explains."""
    # The native side listens for Ctrl-C itself. With Python's own handler in place as well, an interrupted command would
    # end with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.cli(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
