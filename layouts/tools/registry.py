"""Which tools the map has, in the order of their buttons: one module each, listed here once."""

from __future__ import annotations

from layouts.tools import Tool, area, compare, find, layers, measure, profile, replay

TOOLS: tuple[Tool, ...] = (find.TOOL, layers.TOOL, profile.TOOL, area.TOOL, measure.TOOL, compare.TOOL, replay.TOOL)
