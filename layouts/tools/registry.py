"""Which tools the map has, in the order of their buttons: one module each, listed here once."""

from __future__ import annotations

from layouts.tools import Tool, compare, layers, measure, profile

TOOLS: tuple[Tool, ...] = (layers.TOOL, profile.TOOL, compare.TOOL, measure.TOOL)
