"""The `signoff` command's way in: makes sure that the packages are ours before any of them is imported."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

from bot.packages import strangers

TERMINATED, INTERRUPTED = 128 + signal.SIGTERM, 128 + signal.SIGINT


def main() -> None:
    """Run the command line and exit with its code."""
    if found := strangers():
        for name, path in found.items():
            print(f"signoff: Python finds {path} under the name {name}, which is Signoff's.", file=sys.stderr)  # noqa: T201
        print("Rename yours, or run signoff where it is not on Python's path.", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from bot.cli import run  # only now: it imports the packages that were looked for

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it imports; a command that runs says so itself
        print("Stopped.", file=sys.stderr)  # noqa: T201
        code = INTERRUPTED
    sys.exit(code)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as any command ends, so that every `finally` runs. `serve` listens for the signal itself."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    main()
