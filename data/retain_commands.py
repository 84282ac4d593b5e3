"""The commands of retain."""

from __future__ import annotations

from typing import Any


def commands(add: Any) -> None:
    """Adds them."""
