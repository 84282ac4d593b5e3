"""Coordinates in a feed's own system → those of the place (EPSG:4490), before anything is told from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from data.written import number
from geo.crs import PLAIN, to_place

DIGITS = 7
_NESTED, _SHAPES = "coordinates", ("geometry", "polygon")


class Shift:
    """The conversion of one feed; `plain`: there is nothing to convert.

    The result is rounded to 7 decimals (1 cm), so that a record that comes again is equal to its first version.
    """

    def __init__(self, crs: str) -> None:
        self._crs = crs
        self.plain = crs in PLAIN

    def rows(self, raws: Sequence[Any]) -> Sequence[Any]:
        """Raw canonical records with `lon`, `lat`, `geometry`, `polygon` converted; what is no place stays as it was.

        An asset keeps what came under `came` of its properties: {crs, lon, lat}.
        """
        if self.plain:
            return raws
        made = [dict(raw) if isinstance(raw, Mapping) else raw for raw in raws]
        found = [(row, place) for row in made if isinstance(row, dict) and (place := _place(row)) is not None]
        if found:
            lons, lats = to_place([place[0] for _, place in found], [place[1] for _, place in found], self._crs)
            for (row, place), lon, lat in zip(found, lons.tolist(), lats.tolist(), strict=True):
                if isinstance(row.get("properties"), dict):
                    row["properties"] = {**row["properties"], "came": {"crs": self._crs, "lon": place[0],
                                                                       "lat": place[1]}}
                row["lon"], row["lat"] = round(lon, DIGITS), round(lat, DIGITS)
        for row in made:
            for name in _SHAPES:
                if isinstance(row, dict) and isinstance(row.get(name), dict):
                    row[name] = self.geometry(row[name])
        return made

    def geometry(self, given: dict[str, Any]) -> dict[str, Any]:
        """A GeoJSON geometry converted; one whose coordinates are none is left for the checks to name."""
        if self.plain:
            return given
        try:
            if "geometries" in given:
                return {**given, "geometries": [self.geometry(one) for one in given["geometries"]]}
            return {**given, _NESTED: self._nested(given[_NESTED])}
        except (KeyError, TypeError, ValueError, IndexError, RecursionError):
            return given

    def _nested(self, given: Any) -> Any:
        if given and not isinstance(given[0], (list, tuple)):
            lon, lat = to_place(float(given[0]), float(given[1]), self._crs)
            return [round(float(lon), DIGITS), round(float(lat), DIGITS), *given[2:]]
        if given and not isinstance(given[0][0], (list, tuple)):
            lons, lats = to_place([point[0] for point in given], [point[1] for point in given], self._crs)
            return [[round(lon, DIGITS), round(lat, DIGITS), *point[2:]]
                    for point, lon, lat in zip(given, lons.tolist(), lats.tolist(), strict=True)]
        return [self._nested(one) for one in given]


def _place(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Lon and lat where both are numbers."""
    try:
        return number(row["lon"])[0], number(row["lat"])[0]
    except (KeyError, ValueError):
        return None


def shifted(table: pa.Table, shift: Shift) -> pa.Table:
    """Canonical columns with their coordinates converted, exactly as `Shift.rows` does it (JSON columns are text)."""
    texts = [name for name in (*_SHAPES, "properties") if name in table.column_names]
    names = [name for name in ("lon", "lat") if name in table.column_names] + texts
    if shift.plain or not names:
        return table
    rows = table.select(names).to_pylist()
    for row in rows:
        for name in texts:
            row[name] = None if row[name] is None else orjson.loads(row[name])
    made = shift.rows(rows)
    for name in names:
        values = [row[name] for row in made]
        if name in texts:
            values = [None if value is None else orjson.dumps(value).decode() for value in values]
        kind = table.schema.field(name)
        table = table.set_column(table.schema.get_field_index(name), kind, pa.array(values, kind.type))
    return table
