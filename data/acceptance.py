"""From raw records of a feed to numbered rows: parse, check, locate, and tell new ones, duplicates and corrections."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from data.health import seconds
from data.identity import DAY_US, EVER_US, HOUR_US, Bucket, IdentityIndex
from data.latest import time_of
from data.masking import mask
from data.pack import Feed, Pack
from data.placing import codes_of
from data.quality import Checks
from data.records import DAY_OF, FIELDS, IDENTITY, RecordError, Row, content, identity, parse
from data.registry import Registry
from data.shifting import Shift
from data.times import parse_instant

MOST_NAME = 200
# Rows taken up again whose former number is kept; the oldest is let go.
MOST_RETAKEN = 100_000
Parsed = tuple[int, Row, bytes, bytes]


@dataclass
class Prepared:
    """What became of raw records: numbered rows, counts, and (position, reason) of the refused.

    newest: the latest own time of an accepted row, µs UTC; doubles: positions of the duplicates; hours: accepted rows
    by the hour (since 1970) of their own time, empty for kinds without one.
    """

    rows: list[Row] = field(default_factory=list)
    duplicate: int = 0
    late: int = 0
    newest: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    doubles: list[int] = field(default_factory=list)
    hours: dict[int, int] = field(default_factory=dict)


class Lane:
    """The way of one feed's records, which are of one kind. For one thread."""

    def __init__(self, name: str, feed: Feed, pack: Pack, registry: Registry, index: IdentityIndex) -> None:
        self._name, self.kind, self._index = name, feed.kind, index
        self._divisions, self._registry = pack.divisions, registry
        self._stations = feed.stations
        self._checks = Checks(name, feed, pack, registry)
        self._shift = Shift(feed.crs)
        self._day = DAY_OF[feed.kind]
        self._json = tuple(spec.name for spec in FIELDS[feed.kind] if spec.type == "json")
        self._width = EVER_US if not self._day else DAY_US
        if feed.kind == "observation" and seconds(feed.cadence) < 3600:
            self._width = HOUR_US
        self._read = self._observation if feed.kind == "observation" else self._other
        self._retaken: dict[tuple[bytes, int], int] = {}

    def prepare(self, raws: Sequence[Any], first_seq: int, now_us: int) -> Prepared:
        """Takes raw records as received now; accepted rows are numbered from first_seq and entered into the index."""
        out = Prepared()
        parsed: list[Parsed] = []
        for position, raw in enumerate(self._shift.rows(raws)):
            try:
                row, digest, said = self._read(raw)
                parsed.append((position, row, digest, said))
            except ValueError as error:
                out.rejected.append((position, str(error)))
        codes = codes_of(self.kind, [item[1] for item in parsed], self._divisions, self._registry, self._stations)
        shifted = self._checks.shifted([item[1] for item in parsed]) if self.kind == "asset" else {}
        seq = first_seq
        for (position, row, digest, said), code in zip(parsed, codes, strict=True):
            reason = self._checks.reason(row, code, now_us)
            if shifted and not reason:
                reason = shifted.get(row["id"], "")
            if reason:
                out.rejected.append((position, reason))
                continue
            prev = self._index.judge(self._bucket(row), digest, said, seq)
            if prev < 0:
                out.duplicate += 1
                out.doubles.append(position)
                continue
            row["seq"], row["prev"], row["received"] = seq, prev, now_us
            row["feed"], row["code"] = self._name, code
            seq += 1
            out.rows.append(row)
            out.late += self._checks.late(row, now_us)
        self._finish(out)
        return out

    def enter(self, rows: Sequence[Row]) -> None:
        """Enters rows into the index that another collector accepted, under their numbers."""
        for row in rows:
            self._index.judge(self._bucket(row), identity(self.kind, self._name, row), content(self.kind, row),
                              row["seq"])

    def again(self, rows: Sequence[Row], first_seq: int, now_us: int) -> Prepared:
        """Takes rows that were accepted before and then forgotten; one that is there, or was replaced since, is not.

        What counts as later is told by the numbers under which the rows were accepted first.
        """
        out = Prepared()
        # Numbers from here on were given to nobody: what was to get them then was not taken.
        self._retaken = {key: old for key, old in self._retaken.items() if key[1] < first_seq}
        for row in rows:
            bucket, digest, seq = self._bucket(row), identity(self.kind, self._name, row), first_seq + len(out.rows)
            former: int = row["seq"]
            first, known = self._retaken.get((digest, former), former), self._index.known(bucket, digest)
            later = self._retaken.get((digest, known), known) > first
            prev = -1 if later else self._index.judge(bucket, digest, content(self.kind, row), seq)
            if prev < 0:
                out.duplicate += 1
            else:
                out.rows.append(row | {"seq": seq, "prev": prev, "received": now_us})
                self._retaken[digest, seq] = first
        while len(self._retaken) > max(MOST_RETAKEN, len(rows)):
            del self._retaken[next(iter(self._retaken))]
        self._finish(out)
        return out

    def _finish(self, out: Prepared) -> None:
        out.rejected.sort()
        out.newest = max((time_of(self.kind, row) for row in out.rows), default=0)
        if self._day:
            day = self._day
            out.hours = Counter([row[day] // HOUR_US for row in out.rows])
        if self.kind == "asset":
            self._registry.add(out.rows)

    def _bucket(self, row: Row) -> Bucket:
        return self._index.bucket(self.kind, self._name, row[self._day] if self._day else 0, self._width)

    def _observation(self, raw: Any) -> tuple[Row, bytes, bytes]:
        """Observations are many: the usual form takes this short way, anything else the general one."""
        row = _usual_observation(raw)
        if row is None:
            return self._other(raw)
        station, metric, time = row["station"], row["metric"], row["time"]
        key = f"{self._name}\x1f{station}\x1f{metric}\x1f{time}".encode()
        said = orjson.dumps([station, metric, time, row["value"], row["quality"]])
        return row, _blake(key, digest_size=16).digest(), _blake(said, digest_size=8).digest()

    def _other(self, raw: Any) -> tuple[Row, bytes, bytes]:
        if not isinstance(raw, dict):
            raise RecordError("记录应为 JSON 对象")
        row = parse(self.kind, raw)
        for name in IDENTITY[self.kind]:
            if isinstance(row[name], str) and not (row[name].isprintable() and len(row[name]) <= MOST_NAME):
                raise RecordError(f"{name}: 含有控制字符，或长于 {MOST_NAME} 字")
        if row.get("reporter"):
            row["reporter"] = mask(row["reporter"])
        try:
            for name in self._json:
                # As it will come back from disk: not-a-number becomes null, tuples become lists.
                row[name] = None if row[name] is None else orjson.loads(orjson.dumps(row[name]))
            return row, identity(self.kind, self._name, row), content(self.kind, row)
        except (TypeError, UnicodeEncodeError):
            raise RecordError("含有无法保存的字符，或嵌套过深") from None


_blake = hashlib.blake2b
_instant = lru_cache(maxsize=4096)(parse_instant)


def _usual_observation(raw: Any) -> Row | None:
    """The row of a plain, correct observation without `quality`; None for every other input."""
    if type(raw) is not dict or len(raw) > 5:
        return None
    station, metric, time, value = raw.get("station"), raw.get("metric"), raw.get("time"), raw.get("value")
    demo = raw.get("demo")
    if len(raw) != 4 + (demo is not None) or type(station) is not str or type(metric) is not str:
        return None
    number = _plain_number(value)
    micros = _plain_time(time)
    if number is None or micros is None or not _plain_name(station) or not _plain_name(metric):
        return None
    return {"station": station, "metric": metric, "time": micros, "value": number, "quality": None, "demo": bool(demo)}


def _plain_number(value: Any) -> float | None:
    if type(value) is float:
        return value if value - value == 0 else None
    return float(value) if type(value) is int else None


def _plain_time(time: Any) -> int | None:
    if type(time) is int:
        return time if -EVER_US < time < EVER_US else None
    if type(time) is not str:
        return None
    try:
        return _instant(time)
    except ValueError:
        return None


def _plain_name(text: str) -> bool:
    return 0 < len(text) <= MOST_NAME and text.isprintable()
