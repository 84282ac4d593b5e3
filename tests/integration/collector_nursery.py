"""Starts collectors quickly for crash tests: imports once, then forks a real collector process for every line read.

Each child runs the command `collect` and nothing else; its pid is printed. An empty line or the end of input ends it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pandas  # noqa: F401 - DuckDB loads it at the first query: once here instead of in every child

from data.collect_commands import run_collect
from data.settings import load_settings


def main() -> None:
    for line in sys.stdin:
        if not line.strip():
            return
        pid = os.fork()
        if pid == 0:
            os.close(0)
            os._exit(run_collect(load_settings(), argparse.Namespace()))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        os.waitpid(pid, 0)
        sys.stdout.write("gone\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
