"""Every component id of the page, made here and nowhere else."""

from __future__ import annotations

PAGE = "page"
MAP, MAP_STATE = "map", "map-state"
VIEW, CONTROL, LIVE, ANSWER = "view", "control", "live", "answer"
DIALOG, NOTICE, BRAND = "dialog", "notice", "brand"

FIRST_REGIONS = ("lead", "figures")
PANEL_REGIONS = tuple(f"{column}{row}" for column in "ps" for row in range(1, 7))
LATER_REGIONS = ("nav", "situation", "filters", "crumb", "maphead", "layers", "legends", "claim", "sides",
                 "tools", "tool", "ticker", "feeds",
                 *PANEL_REGIONS)
REGIONS = FIRST_REGIONS + LATER_REGIONS


def region(name: str) -> str:
    """Id of a region's component."""
    return f"r-{name}"
