"""Starts one part so that it cannot outlive who started it: `child.py PARENT SIGNAL LOCK COMMAND…`, run by path.

LOCK ('-' for none) is a file whose exclusive lock the command inherits: of several starters of the same Redis one
runs and the others wait, each ready to take over when the first ends. Doing this in a program of its own keeps Python
out of the moment between fork and exec, where threads make it unsafe.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Binds the process's life to PARENT, takes LOCK, and becomes COMMAND."""
    parent, signal, lock, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(0)
    if lock != "-":
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
