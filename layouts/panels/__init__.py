"""Kinds of panels: one module each, listed here once."""

from __future__ import annotations

from layouts.panels import (
    air,
    bars,
    correction,
    feeds,
    funnel,
    heat,
    overdue,
    profile,
    progress,
    quarantine,
    ranking,
    stations,
    table,
    trend,
    vitals,
    warnings,
)
from layouts.screen import Render

KINDS: dict[str, Render] = {
    "vitals": vitals.render, "overdue": overdue.render, "warnings": warnings.render, "progress": progress.render,
    "air": air.render, "trend": trend.render, "ranking": ranking.render, "bars": bars.render, "funnel": funnel.render,
    "table": table.render, "heat": heat.render, "stations": stations.render, "feeds": feeds.render,
    "profile": profile.render, "quarantine": quarantine.render, "correction": correction.render,
}
