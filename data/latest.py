"""Which row of a feed is the newest of its station, indicator or id: late and old rows never hide newer ones."""

from __future__ import annotations

from typing import Any

import orjson

from data.batches import Batch
from data.records import Row
from data.times import parse_period

# An event in one of these stages leaves the latest rows: they hold what is open, history holds the rest.
ENDED = frozenset({"closed", "rated"})


def field_of(kind: str, row: Row) -> str:
    """The name under which the newest row is kept: station␟metric, indicator␟division␟basis, or id."""
    if kind == "observation":
        return f"{row['station']}\x1f{row['metric']}"
    if kind == "indicator":
        return f"{row['indicator']}\x1f{row['division']}\x1f{row['basis']}"
    return str(row["id"])


def time_of(kind: str, row: Row) -> int:
    """The row's own time in µs UTC: observation time, stage time, end of the period, sending; assets: acceptance."""
    if kind == "observation":
        return int(row["time"])
    if kind == "event":
        return int(row["stage_time"])
    if kind == "indicator":
        return round(parse_period(row["period"])[1].timestamp() * 1e6)
    return int(row["sent"] if kind == "warning" else row["received"])


class Newest:
    """Remembers (time, seq) of the newest row by feed and field, so that the store is asked once a field."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[int, int]]] = {}

    def clear(self) -> None:
        """Forgets everything: the store may have changed."""
        self._seen.clear()

    def unknown(self, batch: Batch) -> list[str]:
        """Fields of the batch of which nothing is remembered."""
        seen = self._seen.setdefault(batch.feed, {})
        return list({name for row in batch.rows if (name := field_of(batch.kind, row)) not in seen})

    def learn(self, batch: Batch, fields: list[str], stored: list[Any]) -> None:
        """Takes over what the store holds of the fields (JSON or None)."""
        seen = self._seen.setdefault(batch.feed, {})
        for name, raw in zip(fields, stored, strict=True):
            row = orjson.loads(raw) if raw else None
            seen[name] = (time_of(batch.kind, row), row["seq"]) if row else (-(1 << 62), 0)

    def choose(self, batch: Batch) -> tuple[dict[Any, Any], list[str]]:
        """Fields to write with their rows as JSON, and fields to remove (events that ended)."""
        seen = self._seen.setdefault(batch.feed, {})
        chosen: dict[str, Row] = {}
        for row in batch.rows:
            name, mark = field_of(batch.kind, row), (time_of(batch.kind, row), row["seq"])
            if mark >= seen.get(name, mark):
                seen[name], chosen[name] = mark, row
        ended = [name for name, row in chosen.items() if row.get("stage") in ENDED]
        return {name: orjson.dumps(row) for name, row in chosen.items() if name not in set(ended)}, ended
