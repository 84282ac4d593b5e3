"""Looking into the quarantine, from any process: groups of equal refusals, single rows, and what a reader may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from data.bodies import key_twice
from data.errors import NotFound
from data.masking import mask
from data.quarantine import FILE
from data.sqlite_file import reading

MOST_SHOWN = 4_000
CHUNK = 500
_ROWS = """SELECT id, feed, kind, reason, first, last, times, raw, whole, state, sent, who, seq, settled FROM items"""
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_PERSON = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_REPORTER = re.compile(r'("(?:reporter|name|姓名|联系人|电话)"\s*:\s*")([^"]*)"')


@dataclass(frozen=True)
class Chosen:
    """Which waiting rows are meant: ids, or all of a feed, narrowed by the kind of reason and the station."""

    ids: tuple[int, ...] = ()
    feed: str = ""
    kind: str = ""
    station: str = ""


class QuarantineView:
    """Reads `<folder>/quarantine.sqlite`; empty while there is none.

    Raises (in every method):
        Unavailable: the file cannot be read now.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def groups(self, feed: str = "") -> list[dict[str, Any]]:
        """Refusals of one feed (all without) by kind of reason: count, waiting, first and last in µs; waiting first."""
        with reading(self._path) as file:
            if file is None:
                return []
            found = file.execute("""SELECT feed, kind, count, waiting, unkept, first, last, reason,
                (SELECT max(id) FROM items WHERE state = 'waiting' AND items.feed = groups.feed
                 AND items.kind = groups.kind) AS sample
                FROM groups WHERE ? IN ('', feed) AND count + waiting > 0 ORDER BY waiting = 0, last DESC""", (feed,))
            return [dict(row) for row in found]

    def row(self, item: int) -> dict[str, Any]:
        """One row in full. Raises NotFound."""
        with reading(self._path) as file:
            found = file.execute(f"{_ROWS} WHERE id = ?", (item,)).fetchone() if file else None
        if found is None:
            raise NotFound(f"隔离区没有第 {item} 号记录；编号见数据汇聚页或 ./yiping quarantine list")
        return dict(found)

    def rows(self, chosen: Chosen, limit: int = 50) -> list[dict[str, Any]]:
        """The newest waiting rows that are meant."""
        where, values = _where(chosen)
        with reading(self._path) as file:
            if file is None:
                return []
            return [dict(row) for row in file.execute(f"{_ROWS} WHERE {where} ORDER BY id DESC LIMIT ?",
                                                      (*values, limit))]

    def chunks(self, chosen: Chosen) -> Iterator[list[dict[str, Any]]]:
        """Every waiting row that is meant, oldest first, some hundreds at a time; those that come meanwhile not."""
        after, (where, values) = 0, _where(chosen)
        with reading(self._path) as file:
            last = file.execute("SELECT coalesce(max(id), 0) FROM items").fetchone()[0] if file else 0
        while after < last:
            with reading(self._path) as file:
                found = [] if file is None else [dict(row) for row in file.execute(
                    f"{_ROWS} WHERE {where} AND id > ? AND id <= ? ORDER BY id LIMIT ?", (*values, after, last, CHUNK))]
            if not found:
                return
            after = int(found[-1]["id"])
            yield found

    def states(self, items: list[int]) -> list[tuple[str, str]]:
        """(state, reason) of each of the rows that are still there."""
        with reading(self._path) as file:
            if file is None:
                return []
            asked = (file.execute("SELECT state, reason FROM items WHERE id = ?", (item,)).fetchone() for item in items)
            return [(row["state"], row["reason"]) for row in asked if row is not None]

    def stations(self, feed: str, most: int = 500) -> dict[str, int]:
        """Waiting rows of a feed by the station they name."""
        with reading(self._path) as file:
            if file is None:
                return {}
            found = file.execute("""SELECT json_extract(raw, '$.station') AS station, count(*) AS number FROM items
                WHERE state = 'waiting' AND feed = ? AND kind LIKE '不认识的站点%' AND json_valid(raw)
                GROUP BY 1 ORDER BY 2 DESC LIMIT ?""", (feed, most))
            return {str(row["station"]): int(row["number"]) for row in found if row["station"] is not None}

    def version(self) -> tuple[int, int]:
        """Changes with every write, as far as the file shows."""
        stamps = [path.stat().st_mtime_ns for path in (self._path, self._path.with_name(f"{FILE}-wal"))
                  if path.is_file()]
        return (max(stamps, default=0), len(stamps))


def _where(chosen: Chosen) -> tuple[str, list[Any]]:
    parts, values = ["state = 'waiting'"], list[Any]()
    if chosen.ids:
        parts.append(f"id IN ({','.join('?' * len(chosen.ids))})")
        values += chosen.ids
    for name in ("feed", "kind"):
        if getattr(chosen, name):
            parts.append(f"{name} = ?")
            values.append(getattr(chosen, name))
    if chosen.station:
        parts.append("CASE WHEN json_valid(raw) THEN json_extract(raw, '$.station') END = ?")
        values.append(chosen.station)
    return " AND ".join(parts), values


def masked(raw: str) -> str:
    """The text for readers who may not correct it: no reporters, telephone or identity numbers."""
    text = _REPORTER.sub(lambda found: f'{found[1]}{mask(found[2])}"', raw)
    return _PERSON.sub("******************", _PHONE.sub(lambda found: mask(found[0]), text))


def fields_of(raw: str) -> list[tuple[str, str]]:
    """Name and value (as JSON where it is no text) of each field of a text that is one JSON object; else nothing.

    Nothing also for one with a field twice, of which a form could show but one.
    """
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(found, dict) or key_twice(raw.encode("utf-8", "replace"), found):
        return []
    return [(str(name), value if isinstance(value, str) else orjson.dumps(value).decode())
            for name, value in found.items()]
