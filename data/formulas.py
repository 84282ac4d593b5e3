"""The named formula kinds: a new kind is one function and one line here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from data import formulas_events, formulas_figures, formulas_quality, formulas_stations
from data.columns import Array
from data.inputs import Formula, Inputs
from data.pack import Pack

FORMULAS: dict[str, Formula] = {
    "event_stock": formulas_events.event_stock,
    "event_flow": formulas_events.event_flow,
    "event_ratio": formulas_events.event_ratio,
    "event_mean": formulas_events.event_mean,
    "obs": formulas_stations.observed,
    "obs_mean": formulas_stations.observed,
    "margin": formulas_stations.margin,
    "online": formulas_stations.online,
    "assets": formulas_stations.assets,
    "aqi": formulas_quality.aqi,
    "good_days": formulas_quality.good_days,
    "water": formulas_quality.water,
    "indicator": formulas_figures.indicator,
    "warnings": formulas_figures.warning_count,
    "per": formulas_figures.per,
}

# By what a kind's records can be told apart, besides divisions and time.
_EVENT_GROUPS = frozenset({"category", "channel", "department", "stage", "weekhour"})
GROUPS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("event_stock", "event_flow", "event_ratio", "event_mean"), _EVENT_GROUPS),
    **dict.fromkeys(("obs", "obs_mean", "margin", "aqi", "water"), frozenset({"station"})),
    **dict.fromkeys(("online", "assets"), frozenset({"layer"})),
}


# Kinds whose value stands at an instant: a series of them is their values at the end of every bucket. Some are
# counted in one pass (inputs, instants, divisions' mask → values and their n), the others anew at each instant.
STOCKS: dict[str, Callable[[Inputs, Array, npt.NDArray[np.bool_]], list[tuple[float, int]]]] = {
    "event_stock": formulas_events.stock_series,
    "good_days": formulas_quality.good_day_series,
}
RECOUNTED = frozenset({"warnings", "online", "assets", "per", "water"})
# Kinds whose series' buckets each depend on records before their end alone.
BY_BUCKET = frozenset({"obs", "obs_mean", "margin", "aqi"})


def unknown_kinds(pack: Pack) -> list[str]:
    """Metrics whose formula kind does not exist, one line each."""
    return [f"metrics.yaml: {key}: 公式 kind {metric.formula.get('kind')!r} 不认识，应为 {'、'.join(FORMULAS)}"
            for key, metric in pack.metrics.items() if metric.formula.get("kind") not in FORMULAS]
