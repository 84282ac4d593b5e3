"""What happened in an interval, as marks on the bar of a replay: warnings, losses of feeds, events; as known now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from data.answers import Answer, Question, Scope, Window
from data.clock import to_us
from data.columns import Array
from data.errors import WrongInput
from data.history_read import HistoryReader
from data.ledger import Spell
from data.masking import mask_numbers
from data.metrics import Evaluator
from data.windows import instant
from geo.divisions import Divisions

# The bar's cells; events beyond MOST_EVENTS are only counted in them.
CELLS, MOST_EVENTS, LONGEST_DAYS = 120, 300, 400
Spells = Callable[[int], Sequence[Spell]]


def interval(text: str, now: datetime, zone: str) -> Window:
    """The interval that a replay plays: `FROM~TO` as in the address; `@T`: half a day around T; '': the last 24 hours.

    Raises:
        WrongInput: not of that form, an empty interval, or one that is too long.
    """
    tz = ZoneInfo(zone)
    if text.startswith("@"):
        at = instant(text[1:], tz, "at")
        return Window(at - timedelta(hours=12), min(at + timedelta(hours=12), max(now, at)))
    if not text:
        end = now.replace(second=0, microsecond=0)
        return Window(end - timedelta(hours=24), end)
    first, tilde, last = text.partition("~")
    if not tilde:
        raise WrongInput(f"replay={text!r:.60} 应为 起~止，如 2026-11-20~2026-11-21；请改正")
    start, end = instant(first, tz, "replay"), instant(last, tz, "replay")
    if not start < end <= start + timedelta(days=LONGEST_DAYS):
        raise WrongInput(f"replay 的起点必须早于终点，最长 {LONGEST_DAYS} 天；请缩短时段")
    return Window(start, end)


class Timeline:
    """For the gate. `spells`: losses of feeds since an instant (µs UTC)."""

    def __init__(self, reader: HistoryReader, spells: Spells | None) -> None:
        self._reader, self._spells = reader, spells
        self._told: tuple[int, Mapping[tuple[str, str], int]] = (-1, {})

    def answer(self, evaluator: Evaluator, question: Question, scope: Scope, window: Window) -> Answer:
        """Rows {kind, us, until_us, text, state} by time; parts: from_us, to_us, cells (events of each), events (all).

        kind: warning | loss | event; until_us: when it ended, 0 = not yet.

        Raises:
            Unavailable: the interval is older than memory, and history cannot be read.
        """
        span = (to_us(window.start), to_us(window.end))
        rows = [*self._warnings(evaluator, scope, span), *self._losses(evaluator, span)]
        times, more = _events(evaluator, scope, span)
        rows += more
        edges = np.linspace(span[0], span[1], CELLS + 1)
        cells = np.histogram(times, edges)[0].tolist()
        rows.sort(key=lambda row: (row["us"], row["kind"]))
        return Answer(question, question.name, rows=tuple(rows), total=len(rows), n=len(rows), freshness="live",
                      at_division=scope.division, parts={"from_us": span[0], "to_us": span[1], "cells": cells,
                                                         "events": len(times)})

    def _warnings(self, evaluator: Evaluator, scope: Scope, span: tuple[int, int]) -> list[dict[str, Any]]:
        divisions, found = evaluator.pack.divisions, []
        first = self._first_told()
        for key, row in evaluator.tables.warnings.rows.items():
            # Nobody saw it before it was received; one that is not in the files yet came just now.
            began = max(row["sent"], first.get(key, row["received"]))
            if span[0] <= began < span[1] and row["expires"] > row["sent"] and _touches(divisions, scope, row):
                found.append({"kind": "warning", "us": began, "until_us": row["expires"], "state": row["level"],
                              "text": row["headline"] or row["kind"]})
        return found

    def _first_told(self) -> Mapping[tuple[str, str], int]:
        """(feed, id) → when the warning's first version was received."""
        manifest = self._reader.manifest()
        if self._told[0] != manifest.version:
            files, told = manifest.of("warning"), {}
            if files:
                table = self._reader.versions("warning", files)
                first = table.group_by("feed", "id").agg(first=table.received.min())
                told = {(row["feed"], row["id"]): row["first"] for row in self._reader.run(first).to_pylist()}
            self._told = (manifest.version, told)
        return self._told[1]

    def _losses(self, evaluator: Evaluator, span: tuple[int, int]) -> list[dict[str, Any]]:
        feeds = evaluator.pack.feeds
        spells = self._spells(span[0]) if self._spells is not None else ()
        return [{"kind": "loss", "us": one.began, "until_us": one.ended, "state": "", "text": feeds[one.feed].name}
                for one in spells if span[0] <= one.began < span[1] and one.feed in feeds]


def _touches(divisions: Divisions, scope: Scope, row: Mapping[str, Any]) -> bool:
    codes = [code for code in row["divisions"] if code in divisions]
    chain = divisions.chain(scope.division)
    return not codes or any(code in chain or scope.division in divisions.chain(code) for code in codes)


def _events(evaluator: Evaluator, scope: Scope, span: tuple[int, int]) -> tuple[Array, list[dict[str, Any]]]:
    """(instants of receipt of all events of the scope, rows of them while they are few)."""
    tables, inside = evaluator.tables, evaluator.pack.divisions.below(scope.division)
    held = [tables.events, *([tables.past_events()] if span[0] < tables.events_since else [])]
    chosen = []
    for table in held:
        times = table.columns["time"]
        chosen.append(np.flatnonzero(inside[table.columns["division"]] & table.select(scope.filters)
                                     & (times >= span[0]) & (times < span[1])))
    times = np.concatenate([table.columns["time"][at] for table, at in zip(held, chosen, strict=True)])
    if len(times) > MOST_EVENTS:
        return times, []
    rows = []
    for table, at in zip(held, chosen, strict=True):
        for position in at.tolist():
            category = table.category.words[table.columns["category"][position]]
            known = evaluator.pack.categories.get(category)
            rows.append({"kind": "event", "us": int(table.columns["time"][position]), "until_us": 0, "state": "",
                         "text": _title(table.texts, position) or (known.name if known else category)})
    return times, rows


def _title(texts: Sequence[tuple[str, str, str]], at: int) -> str:
    return mask_numbers(texts[at][0]) if at < len(texts) else ""


def asked(question: Question, window: Window, now: datetime, zone: str) -> Window:
    """The interval of a question of kind `timeline`, whatever instant the view shows."""
    return replace(interval(question.name, now, zone), name="", at=None, known_now=window.known_now)

