"""Indicators, assets and warnings in memory: few rows, the current version of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
import orjson

from data.columns import Array
from data.records import Row
from data.times import parse_period
from geo.divisions import Divisions


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, (str, bytes)) and value else value


class IndicatorTable:
    """Indicator rows by (indicator, basis) → division → period start → row."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
        self.newest = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Takes rows in the order of their seq; a later one replaces an earlier of the same identity."""
        for row in rows:
            place = self._rows.setdefault((row["indicator"], row["basis"]), {}).setdefault(row["division"], {})
            place[row["period"]] = row
            self.newest = max(self.newest, row["received"])

    def copy(self) -> IndicatorTable:
        """The same rows, which can change by themselves."""
        found = IndicatorTable()
        found._rows = {key: {division: dict(rows) for division, rows in divisions.items()}
                       for key, divisions in self._rows.items()}
        found.newest = self.newest
        return found

    def current(self) -> list[Row]:
        """Every row."""
        return [row for divisions in self._rows.values() for rows in divisions.values() for row in rows.values()]

    def bases(self, indicator: str) -> list[str]:
        """Bases in which an indicator is delivered."""
        return [basis for name, basis in self._rows if name == indicator]

    def series(self, indicator: str, basis: str, division: str, until_us: int) -> list[Row]:
        """Rows of one division whose period has begun before the instant, by end of period."""
        rows = self._rows.get((indicator, basis), {}).get(division, {}).values()
        kept = [row for row in rows if parse_period(row["period"])[0].timestamp() * 1e6 < until_us]
        return sorted(kept, key=lambda row: (parse_period(row["period"])[1], parse_period(row["period"])[0]))

    def divisions(self, indicator: str, basis: str) -> list[str]:
        """Codes that delivered the indicator."""
        return list(self._rows.get((indicator, basis), {}))


Key = tuple[str, str]


class Placed(NamedTuple):
    """A layer's assets in columns: lon, lat (not-a-number without coordinates), division = index in `divisions`; ready:
    False for those that say they are not (a broken engine).
    """

    rows: list[Row]
    lon: Array
    lat: Array
    division: Array
    ready: Array


class AssetTable:
    """Assets by (feed, id) and by layer; `properties` and `geometry` are parsed once."""

    def __init__(self, divisions: Divisions) -> None:
        self._divisions = divisions
        self.rows: dict[Key, Row] = {}
        self.layers: dict[str, dict[Key, Row]] = {}
        self._by_id: dict[str, dict[str, Row]] = {}
        self._placed: dict[str, Placed] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Takes rows in the order of their seq."""
        for row in rows:
            asset = {**row, "properties": _json(row["properties"]) or {}, "geometry": _json(row["geometry"])}
            asset["index"] = self._divisions.index(row["code"]) if row["code"] in self._divisions else 0
            key, feeds = (row["feed"], row["id"]), self._by_id.setdefault(row["id"], {})
            old = feeds.pop(row["feed"], None)
            if old is not None:
                self.layers[old["layer"]].pop(key, None)
                self._placed.pop(old["layer"], None)
            self._placed.pop(row["layer"], None)
            self.rows[key] = feeds[row["feed"]] = asset
            self.layers.setdefault(row["layer"], {})[key] = asset

    def copy(self) -> AssetTable:
        """The same assets, which can change by themselves."""
        found = AssetTable(self._divisions)
        found.rows = dict(self.rows)
        found.layers = {name: dict(rows) for name, rows in self.layers.items()}
        found._by_id = {asset: dict(feeds) for asset, feeds in self._by_id.items()}
        return found

    def layer(self, name: str) -> list[Row]:
        """Assets of a layer."""
        return list(self.layers.get(name, {}).values())

    def placed(self, name: str) -> Placed:
        """Assets of a layer with their places in columns, kept until one of the layer comes."""
        if name not in self._placed:
            rows = self.layer(name)
            lon, lat = (np.array([np.nan if row[axis] is None else row[axis] for row in rows], np.float64)
                        for axis in ("lon", "lat"))
            self._placed[name] = Placed(rows, lon, lat, np.array([row["index"] for row in rows], np.int64),
                                        np.array([row["properties"].get("ready") is not False for row in rows], bool))
        return self._placed[name]

    def devices(self, name: str) -> list[Row]:
        """Assets of a layer that a reading can mean: of several feeds' equal ids the last accepted."""
        return list({row["id"]: row for row in self.layer(name)}.values())

    def find(self, asset_id: str, layers: Collection[str] = ()) -> Row | None:
        """The asset that a reading means (of `layers` where given): of several feeds' equal ids the last accepted."""
        feeds = self._by_id.get(asset_id, {})
        return next((row for row in reversed(feeds.values()) if not layers or row["layer"] in layers), None)

    def prop(self, asset_id: str, name: str, layers: Collection[str] = ()) -> Any:
        """A property of an asset, None when either is unknown."""
        row = self.find(asset_id, layers)
        return None if row is None else row["properties"].get(name)


class WarningTable:
    """Warnings by (feed, id)."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Takes rows in the order of their seq; one that references others of its feed ends them."""
        for row in rows:
            key = (row["feed"], row["id"])
            self.rows[key] = {**row, "divisions": _json(row["divisions"]) or [], "polygon": _json(row["polygon"])}
            for old in ((row["feed"], told) for told in _json(row["references"]) or []):
                if old in self.rows and old != key:
                    told = self.rows[old]
                    status = "cancelled" if told["status"] == "cancelled" else "ended"
                    self.rows[old] = {**told, "status": status, "expires": min(told["expires"], row["sent"])}

    def copy(self) -> WarningTable:
        """The same warnings, which can change by themselves."""
        found = WarningTable()
        found.rows = dict(self.rows)
        return found

    def active(self, instant_us: int) -> list[Row]:
        """Warnings sent, not expired and not cancelled at the instant, reddest and newest first; one that another ended
        was in force until then.
        """
        order = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}
        rows = [row for row in self.rows.values()
                if row["sent"] <= instant_us < row["expires"] and row["status"] != "cancelled"]
        return sorted(rows, key=lambda row: (order[row["level"]], -row["sent"]))
