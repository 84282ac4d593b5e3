"""The assets of a place by id: where a station stands and in which division."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """Assets by id, as accepted so far."""

    def __init__(self, divisions: Divisions, places: Places) -> None:
        self._divisions, self._places = divisions, places
        self._by_id: dict[str, Station] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, asset: str) -> Station | None:
        """The asset, None if it was never accepted."""
        return self._by_id.get(asset)

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
        """Takes over accepted assets; their `code` is already known."""
        for row in rows:
            self._by_id[row["id"]] = Station(row["layer"], row["lon"], row["lat"], row["code"])
