"""Events by column from history equal the same events taken row by row in memory, in any order of arrival."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.batches import Batch
from data.clock import Clock, to_us
from data.errors import Unavailable
from data.event_table import EventTable
from data.history import MONTH, HistoryReader, HistoryWriter, Span
from data.pack import load_pack
from data.past_tables import PastTables
from data.records import STAGES, Row, parse
from data.reel import Reel
from data.steps import STEPS, bucket_start, bucket_starts, trailing_start
from data.tables import DAY, MemoryTables

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
PACK = load_pack(TINY)
NOW = to_us(datetime(2026, 11, 20, 4, tzinfo=UTC))
HOUR = 3_600_000_000
WEST, EAST = "990101001000", "990101002000"
FIGURES = ("time", "due", "stage", "stage_time", "division", "returned", "satisfaction", "reached")


def change(seq: int, identity: str, stage: str, at: int, began: int, **more: Any) -> Row:
    raw = {"id": identity, "time": began, "category": more.pop("category", "c"), "channel": "hotline", "stage": stage,
           "stage_time": at, "division": WEST, **more}
    code = more.get("division", WEST)
    return {**parse("event", raw), "seq": seq, "prev": 0, "received": at, "feed": "cases", "code": code}


def life(chance: random.Random, identity: str, began: int) -> list[Row]:
    """A case with stages forth and back, some closed, reopened, rated, put off, moved, or with only its end told."""
    at, stages, rows = began, list(STAGES[:chance.randint(1, 8)]), []
    if chance.random() < 0.3 and len(stages) > 6:
        stages[7:7] = ["handling", *(["closed"] if chance.random() < 0.6 else [])]
    if chance.random() < 0.1:
        stages = stages[-1:]
    for stage in stages:
        more: dict[str, Any] = {"division": chance.choice((WEST, EAST)), "category": chance.choice("abc")}
        if chance.random() < 0.5:
            more |= {"due": began + chance.randint(1, 200) * HOUR, "department": chance.choice(("x", "y"))}
        if stage == "rated":
            more["satisfaction"] = chance.randint(1, 5)
        if chance.random() < 0.1:
            more["act"] = "return"
        rows.append(change(0, identity, stage, at, began, **more))
        # Two changes at one instant happen, but nothing is taken up again in the instant in which it ends.
        at += chance.choice((0, 1, 30) if stage not in ("closed", "rated") else (1, 30)) * HOUR
    return [row for number, row in enumerate(rows) if (row["stage"], row["stage_time"]) not in
            {(other["stage"], other["stage_time"]) for other in rows[:number]}]


def cases(first: int, number: int, days: tuple[int, int]) -> list[Row]:
    chance = random.Random(7)
    rows = [row for k in range(number)
            for row in life(chance, f"e{first + k}", NOW - chance.randint(*days) * DAY)]
    rows.sort(key=lambda row: row["stage_time"])
    return [{**row, "seq": seq} for seq, row in enumerate(rows, 1)]


def stored(folder: Path, rows: list[Row]) -> HistoryReader:
    writer = HistoryWriter(folder)
    writer.append(Batch(rows[0]["seq"], rows[-1]["seq"], "cases", "event", NOW, rows))
    writer.commit()
    return HistoryReader(folder)


def known(table: EventTable) -> dict[str, tuple[Any, ...]]:
    words = (table.category, table.department)
    return {identity: (*(np.nan_to_num(table.columns[name][at], nan=-1).tolist() for name in FIGURES),
                       words[0].words[table.columns["category"][at]],
                       words[1].words[table.columns["department"][at]]) for at, identity in enumerate(table.ids)}


def test_by_column_and_row_by_row_are_the_same(tmp_path: Path) -> None:
    rows = cases(0, 300, (12, 90))
    by_column, by_row = EventTable(PACK.divisions), EventTable(PACK.divisions)
    by_column.fill(stored(tmp_path, rows).event_facts(Span(0, NOW + 400 * DAY)))
    by_row.add(rows)
    assert len(by_column) == 300
    assert known(by_column) == known(by_row)
    assert 20 < by_row.columns["returned"].sum() < 280


def test_memory_and_past_hold_every_event_once_however_time_goes_on(tmp_path: Path) -> None:
    rows = cases(0, 300, (12, 120))
    reader, whole = stored(tmp_path, rows), EventTable(PACK.divisions)
    whole.add(rows)
    tables = MemoryTables(PACK, reader)
    tables.load(NOW)
    for days in (0, 15, 30):
        tables.forget(NOW + days * DAY)
        found = known(tables.events) | known(tables.past_events())
        assert found == known(whole)
        assert len(tables.events) + len(tables.past_events()) == 300
        since = tables.events_since
        closed = whole.columns["reached"][:, STAGES.index("closed")]
        assert len(tables.past_events()) == int(((closed > 0) & (whole.columns["stage_time"] < since)
                                                 & (whole.columns["due"] < since)).sum()) > 0


def test_an_event_of_long_ago_that_stirs_again_is_whole_again(tmp_path: Path) -> None:
    old = NOW - 90 * DAY
    rows = [change(1, "old", "received", old, old, due=old + HOUR), change(2, "old", "closed", old + 2 * HOUR, old),
            change(3, "new", "received", NOW - HOUR, NOW - HOUR)]
    tables = MemoryTables(PACK, stored(tmp_path, rows))
    tables.load(NOW)
    assert tables.events.ids == ["new"]
    assert tables.past_events().ids == ["old"]
    late = change(4, "old", "rated", NOW, old, satisfaction=5)
    tables.apply(Batch(4, 4, "cases", "event", NOW, [late]))
    assert tables.past_events().ids == []
    at = tables.events.position("cases", "old")
    assert at is not None
    reached = tables.events.columns["reached"][at]
    assert (reached[STAGES.index("closed")], reached[STAGES.index("rated")]) == (old + 2 * HOUR, NOW)


def test_what_cannot_be_read_back_is_logged_and_the_new_change_is_kept(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    reader = stored(tmp_path, [change(1, "new", "received", NOW - 50 * DAY, NOW - 50 * DAY)])
    tables = MemoryTables(PACK, reader)
    tables.load(NOW)

    def broken(*_: object) -> None:
        raise Unavailable("历史读不出")
    monkeypatch.setattr(reader, "changes_of", broken)
    tables.apply(Batch(2, 2, "cases", "event", NOW, [change(2, "old", "rated", NOW, NOW - 90 * DAY)]))
    assert tables.events.position("cases", "old") is not None
    assert "not readable" in caplog.text


def test_the_past_as_known_then(tmp_path: Path) -> None:
    old = NOW - 90 * DAY
    rows = [change(1, "a", "received", old, old), change(2, "a", "closed", old + HOUR, old),
            {**change(3, "a", "rated", old + 2 * HOUR, old), "received": NOW - DAY}]
    reader = stored(tmp_path, rows)
    then, now = MemoryTables(PACK, reader), MemoryTables(PACK, reader)
    then.load(NOW, NOW - 2 * DAY)
    now.load(NOW)
    assert then.past_events().columns["stage"].tolist() == [STAGES.index("closed")]
    assert now.past_events().columns["stage"].tolist() == [STAGES.index("rated")]


def test_an_empty_past(tmp_path: Path) -> None:
    tables = MemoryTables(PACK, HistoryReader(tmp_path))
    tables.load(NOW)
    assert (len(tables.past_events()), tables.remembers_past) == (0, True)


def local(*day: int) -> int:
    return to_us(datetime(*day, tzinfo=UTC)) - 8 * HOUR  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(("step", "instant", "start"), [
    ("hour", local(2026, 11, 20, 12) + 59, local(2026, 11, 20, 12)),
    ("day", local(2026, 11, 21) - 1, local(2026, 11, 20)),
    ("week", local(2026, 11, 22, 23), local(2026, 11, 16)), ("week", local(2026, 11, 23), local(2026, 11, 23)),
    ("month", local(2026, 12, 1) - 1, local(2026, 11, 1)), ("month", local(2024, 2, 29), local(2024, 2, 1))])
def test_buckets_begin_where_the_place_s_calendar_does(step: str, instant: int, start: int) -> None:
    assert bucket_start(np.array([instant]), STEPS[step], 8 * HOUR).tolist() == [start]


def test_months_follow_one_another_over_the_year() -> None:
    starts = bucket_starts(local(2025, 11, 15), local(2026, 2, 1), MONTH, 8 * HOUR).tolist()
    assert starts == [local(2025, 11, 1), local(2025, 12, 1), local(2026, 1, 1)]
    assert trailing_start(local(2026, 2, 1), 3, MONTH, 8 * HOUR) == starts[0]
    assert trailing_start(local(2026, 2, 1) + 1, 1, MONTH, 8 * HOUR) == local(2026, 2, 1)


@pytest.mark.parametrize("age", [1, 90])
def test_what_a_replaced_row_alone_had_said_is_gone_at_a_later_instant(tmp_path: Path, age: int) -> None:
    began = NOW - age * DAY
    first = change(1, "e", "received", began, began, due=began + 9 * HOUR, lon=100.05, lat=30.05, title="t")
    ended = change(2, "e", "closed", began + HOUR, began)
    mended = {**change(3, "e", "received", began, began), "prev": 1, "received": NOW - HOUR}
    reader = stored(tmp_path, [first, ended, mended])

    def told(tables: PastTables) -> dict[str, Any]:
        both = {**known(tables.events), **known(tables.past_events())}
        at = tables.events.position("cases", "e")
        return {"facts": both, "place": None if at is None else np.isnan(tables.events.columns["lon"][at])}

    before, anew = PastTables(PACK, reader), PastTables(PACK, reader)
    before.read(NOW - 2 * HOUR, known_now=False)
    before.past_events()
    was = told(before)
    anew.read(NOW, known_now=False)
    moved = before.after(NOW, Reel(reader, Clock()).between(NOW - 2 * HOUR, NOW))
    assert told(moved)["facts"] == told(anew)["facts"]
    assert told(moved)["place"] in (None, True)
    assert len(moved.events) + len(moved.past_events()) == 1
    assert told(before) == was, "the earlier instant stays as it was"
