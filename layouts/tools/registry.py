"""Which tools the map has, in the order of their buttons: one module each, listed here once."""

from __future__ import annotations

from layouts.tools import Tool, measure, profile

TOOLS: tuple[Tool, ...] = (profile.TOOL, measure.TOOL)
