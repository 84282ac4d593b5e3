"""The assets of a place by feed and id: where a station stands and in which division."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from data.records import Row
from geo.divisions import Divisions, IntArray


class Places(Protocol):
    """Finds divisions by place."""

    def locate(self, lon: Any, lat: Any) -> IntArray:
        """Position of the deepest division at each (lon, lat), -1 outside."""
        ...


class Station(NamedTuple):
    """An asset: its layer, place (None where only the division is known) and division ('' if unlocated)."""

    layer: str
    lon: float | None
    lat: float | None
    code: str


class Registry:
    """Assets by feed and id, as accepted so far.

    A reading names its station by the id alone: it means the asset of its feed's layer, and of several feeds' equal ids
    there the one that was accepted last.
    """

    def __init__(self, divisions: Divisions, places: Places) -> None:
        self._divisions, self._places = divisions, places
        self._by_id: dict[str, dict[str, Station]] = {}
        self._layers: defaultdict[str, dict[str, Station]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._by_id.values()))

    def stations(self, layer: str = "") -> Mapping[str, Station]:
        """What an id means to readings that look for their stations in a layer (in any without one); it stays true."""
        return self._layers[layer]

    def own(self, feed: str, asset: str) -> Station | None:
        """The asset of a feed, None if it was never accepted."""
        return self._by_id.get(asset, {}).get(feed)

    def codes(self, lons: Sequence[float | None], lats: Sequence[float | None]) -> list[str]:
        """Code of the deepest division at each place; '' outside the county and where a coordinate is missing."""
        known = [i for i, (lon, lat) in enumerate(zip(lons, lats, strict=True)) if lon is not None and lat is not None]
        found = [""] * len(lons)
        if known:
            where = self._places.locate([lons[i] for i in known], [lats[i] for i in known])
            for i, position in zip(known, where, strict=True):
                found[i] = self._divisions.items[position].code if position >= 0 else ""
        return found

    def add(self, rows: Iterable[Row]) -> None:
        """Takes over accepted assets in the order of their seq; their `code` is already known."""
        for row in rows:
            asset = row["id"]
            feeds = self._by_id.setdefault(asset, {})
            if (before := feeds.pop(row["feed"], None)) is not None:
                self._layers[before.layer].pop(asset, None)
            feeds[row["feed"]] = Station(row["layer"], row["lon"], row["lat"], row["code"])
            for station in feeds.values():
                self._layers[station.layer][asset] = self._layers[""][asset] = station
