"""Which program this is."""

from __future__ import annotations

import tomllib
from functools import cache

from data.settings import ROOT


@cache
def program() -> str:
    """The version of this program."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
