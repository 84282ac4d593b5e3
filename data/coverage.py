"""How many stations are in a figure, of how many that the place has registered: 32 of 35 is not 35 of 35."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.answers import Coverage
from data.columns import Array
from data.contribution import Contribution, by_division
from data.inputs import Inputs

# Kinds of formula whose rows are named by their station, and the property without which a station cannot count.
STATIONS: dict[str, str] = {"obs": "", "obs_mean": "", "margin": "limit", "aqi": "", "water": "target_class"}


def layers_of(inputs: Inputs) -> tuple[str, ...]:
    """The registers of the stations that a metric reads: the formula's own `layers`, else those of its feeds.

    None where a feed of it has no register: its stations could be anything.
    """
    if inputs.metric.formula["kind"] not in STATIONS:
        return ()
    own = inputs.option("layers", ())
    stations = [feed.stations for name in inputs.metric.feeds if (feed := inputs.feeds[name]).kind == "observation"]
    return tuple(own) or (tuple(dict.fromkeys(stations)) if all(stations) else ())


def coverage(inputs: Inputs, found: Contribution, index: int) -> Coverage | None:
    """The stations in a division's figure; None for a metric that is not one of registered stations.

    `index` is the division's. A station that the register places elsewhere than its reading counts where the register
    says, so that no figure can hold more stations than there are.
    """
    layers = layers_of(inputs)
    if not layers:
        return None
    if "stations" not in found.held:
        found.held["stations"] = _counted(inputs, found, layers)
    told, known = (int(counts[index]) for counts in found.held["stations"])
    return Coverage(told, known, 100 * told >= inputs.metric.enough_pct * known)


def _counted(inputs: Inputs, found: Contribution, layers: Sequence[str]) -> tuple[Array, Array]:
    """(stations in the figure, stations registered) of every division and below it."""
    kind = inputs.metric.formula["kind"]
    wanted = str(inputs.option(STATIONS[kind])) if kind == "margin" else STATIONS[kind]
    needed = bool(wanted) and inputs.option("above") is None
    sites = [asset for layer in layers for asset in inputs.tables.assets.devices(layer)]
    rows = [asset for asset in sites if not needed or asset["properties"].get(wanted) is not None]
    heard = set(found.label.tolist())
    place = np.array([asset["index"] for asset in rows], np.int64)
    among = np.array([asset["id"] in heard for asset in rows], bool)
    return _by_division(inputs, place[among]), _by_division(inputs, place)


def _by_division(inputs: Inputs, place: Array) -> Array:
    counted = Contribution(place, np.ones((len(place), 1)))
    return by_division(counted, inputs.tables.divisions)[1]
