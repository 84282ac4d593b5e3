"""The columns of a feed's records as they come: said when one appears, vanishes or changes its type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from data.ledger import Ledger

MOST_COLUMNS, MOST_SAID = 300, 6
_WORDS = {"num": "数", "text": "文字", "flag": "是否", "list": "列表", "object": "对象"}
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "flag"), ((int, float), "num"), (str, "text"), ((list, tuple), "list"), (Mapping, "object"))


def shape_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Column → type of one raw record; '' where it holds nothing."""
    return {str(name)[:80]: next((word for kind, word in _TYPES if isinstance(value, kind)), "")
            for name, value in list(raw.items())[:MOST_COLUMNS]}


def told(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What changed, in words; '' if nothing did. An empty value is of no type."""
    new = [name for name in now if name not in before]
    gone = [name for name in before if name not in now]
    other = [f"{name} 由{_WORDS[before[name]]}变为{_WORDS[kind]}" for name, kind in now.items()
             if kind and before.get(name) and before[name] != kind]
    parts = [f"{word} {'、'.join(names[:MOST_SAID])}{'等' if len(names) > MOST_SAID else ''}"
             for word, names in (("新增列", new), ("少了列", gone)) if names]
    return "；".join([*parts, *other[:MOST_SAID]])


class Drift:
    """Compares each delivery's columns with the last one's; remembers over restarts.

    Columns that not every record carries (optional fields of a push) count as new or gone only for tables.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, dict[str, str]] = {}

    def seen(self, feed: str, raw: Mapping[str, Any], now_us: int, known: Collection[str] | None = None) -> str:
        """Takes one record of a delivery; what changed, '' if nothing. Raises Unavailable: the disk refuses.

        `known`: columns of records that need not carry all of theirs (a push): one of these is no news when it comes
        for the first time, and none when it stays away. None = a row of a table, whose columns are all there.
        """
        shape = shape_of(raw)
        before = self._known.get(feed)
        if before is None:
            kept = self._ledger.shape(feed)
            before = orjson.loads(kept) if kept else None
        if before is not None and known is not None:
            shape = {**before, **{name: kind for name, kind in shape.items() if kind or name not in before}}
            before = {**{name: shape[name] for name in known if name in shape}, **before}
        elif before is not None:
            shape = {name: kind or before.get(name, "") for name, kind in shape.items()}
        if shape == before:
            self._known[feed] = shape
            return ""
        said = told(before, shape) if before is not None else ""
        self._ledger.reshaped(feed, orjson.dumps(shape).decode(), said, now_us)
        self._known[feed] = shape
        return said
