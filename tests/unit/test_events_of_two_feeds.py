"""Two feeds that give one number to different things: nowhere do these become one event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from test_event_facts import HOUR, NOW, PACK, change
from test_events_of_any_age import Told
from test_last_known import everything

from data.answers import Question, Scope
from data.batches import Batch
from data.errors import NotFound
from data.event_table import CLOSED, EventTable
from data.gate import Gate
from data.history import HistoryReader, HistoryWriter
from data.last_known import LastKnown, shot_of
from data.records import STAGES, Row
from data.tables import DAY, MemoryTables
from data.windows import window_of
from layouts.panels.overdue import render
from layouts.screens import BY_KEY
from tests.fixtures import answers as invented

OLD = NOW - 90 * DAY


def told(seq: int, feed: str, stage: str, at: int, began: int = NOW - 9 * HOUR, **more: Any) -> Row:
    """A stage of number 7 of a feed."""
    return {**change(seq, "7", stage, at, began, **more), "feed": feed}


def stored(folder: Path, *rows: Row) -> HistoryReader:
    writer = HistoryWriter(folder)
    for row in rows:
        writer.append(Batch(row["seq"], row["seq"], row["feed"], "event", NOW, [row]))
    writer.commit()
    return HistoryReader(folder)


def stages(table: EventTable) -> dict[tuple[str, str], str]:
    return {table.key(at): STAGES[table.columns["stage"][at]] for at in range(len(table))}


# A correction of the second feed's closing, which shall not touch the first feed's event.
BOTH = (told(1, "cases", "received", NOW - 9 * HOUR, department="x"), told(2, "tips", "received", NOW - 8 * HOUR),
        told(3, "tips", "closed", NOW - 2 * HOUR, department="y"), told(4, "cases", "handling", NOW - HOUR),
        {**told(5, "tips", "closed", NOW - 2 * HOUR, department="z"), "prev": 3})


def test_closing_one_leaves_the_other_open_from_history_and_from_live_batches(tmp_path: Path) -> None:
    loaded = MemoryTables(PACK, stored(tmp_path / "h", *BOTH))
    live = MemoryTables(PACK, HistoryReader(tmp_path / "none"))
    loaded.load(NOW)
    for row in BOTH:
        live.apply(Batch(row["seq"], row["seq"], row["feed"], "event", NOW, [row]))
    for tables in (loaded, live):
        events = tables.events
        assert stages(events) == {("cases", "7"): "handling", ("tips", "7"): "closed"}
        assert int(events.stands(NOW).sum()) == 1
        assert {events.key(at)[0]: events.department.words[events.columns["department"][at]]
                for at in range(len(events))} == {"cases": "x", "tips": "z"}
        assert [events.position(feed, "7") is None for feed in ("cases", "tips", "none")] == [False, False, True]
        newest = events.newest("7")
        assert newest is not None
        assert events.key(newest) == ("cases", "7")
        assert events.newest("8") is None


def test_what_is_forgotten_of_one_feed_stays_of_the_other_and_comes_back_alone(tmp_path: Path) -> None:
    rows = [told(1, "cases", "received", OLD, OLD), told(2, "tips", "received", OLD, OLD),
            told(3, "cases", "closed", OLD + HOUR, OLD), told(4, "tips", "closed", OLD + HOUR, OLD),
            told(5, "calls", "received", OLD, OLD)]
    tables = MemoryTables(PACK, stored(tmp_path, *rows))
    tables.load(NOW)
    assert stages(tables.events) == {("calls", "7"): "received"}
    assert stages(tables.past_events()) == {("cases", "7"): "closed", ("tips", "7"): "closed"}
    tables.apply(Batch(6, 6, "tips", "event", NOW, [told(6, "tips", "rated", NOW, OLD, satisfaction=5)]))
    assert stages(tables.events) == {("calls", "7"): "received", ("tips", "7"): "rated"}
    assert stages(tables.past_events()) == {("cases", "7"): "closed"}
    at = tables.events.position("tips", "7")
    assert at is not None
    assert tables.events.columns["reached"][at][CLOSED] == OLD + HOUR
    tables.forget(NOW + 60 * DAY)
    assert stages(tables.past_events()) == {("cases", "7"): "closed", ("tips", "7"): "rated"}
    assert tables.events.position("tips", "7") is None
    assert tables.events.position("calls", "7") == 0
    whole = tables.whole_events({"tips": ["7"]})
    assert stages(whole) == {("tips", "7"): "closed"}, "what history had when it was read"


def test_the_past_leaves_out_only_what_memory_holds(tmp_path: Path) -> None:
    rows = [told(1, "cases", "received", OLD, OLD), told(2, "cases", "closed", OLD + HOUR, OLD),
            told(3, "tips", "received", NOW - HOUR, NOW - HOUR)]
    tables = MemoryTables(PACK, stored(tmp_path, *rows))
    tables.load(NOW)
    assert stages(tables.events) == {("tips", "7"): "received"}
    assert stages(tables.past_events()) == {("cases", "7"): "closed"}


def test_kept_tables_come_back_with_both_and_take_later_rows(tmp_path: Path) -> None:
    reader = stored(tmp_path / "h", *BOTH, {**change(6, "old", "received", NOW, NOW), "feed": "gauge"})
    tables = MemoryTables(PACK, reader)
    tables.load(NOW)
    tables.observed("gauges")
    assert LastKnown(PACK, reader, tmp_path).keep(shot_of(tables, bulk=0, heard=0, publish=1, checkpoint=6))
    found = LastKnown(PACK, reader, tmp_path).take()
    assert found is not None
    assert everything(found[0]) == everything(tables)
    later = Batch(7, 7, "tips", "event", NOW, [told(7, "tips", "rated", NOW, satisfaction=4)])
    for one in (tables, found[0]):
        assert one.apply(later)
        assert stages(one.events)[("tips", "7")] == "rated"
        assert stages(one.events)[("cases", "7")] == "handling"


class Both(Told):
    """A gate over two feeds; `tell_of` writes a stage row of either."""

    def tell_of(self, feed: str, event_id: str, stage: str, hours_ago: float, **more: Any) -> None:
        self.feed = feed
        self.tell(event_id, stage, hours_ago, **more)


@pytest.fixture
def both(tmp_path: Path) -> Both:
    found = Both(tmp_path)
    begun = found.now.replace(year=found.now.year - 1)
    found.tell_of("cases", "7", "received", 5, title="路灯不亮")
    found.tell_of("tips", "7", "received", 3, title="井盖松动")
    found.tell_of("cases", "old", "received", 24 * 100, received=begun, title="旧路灯")
    found.tell_of("cases", "old", "closed", 24 * 99, received=begun, title="旧路灯")
    found.tell_of("tips", "old", "received", 24 * 98, received=begun, title="旧井盖")
    found.tell_of("tips", "old", "closed", 24 * 97, received=begun, title="旧井盖")
    found.load()
    return found


@pytest.mark.parametrize(("event_id", "feed", "found"), [
    ("7", "", ("tips", "井盖松动")), ("7", "tips", ("tips", "井盖松动")), ("7", "cases", ("cases", "路灯不亮")),
    ("old", "", ("tips", "旧井盖")), ("old", "cases", ("cases", "旧路灯")), ("old", "tips", ("tips", "旧井盖"))])
def test_an_address_names_the_feed_or_means_the_newest(both: Both, event_id: str, feed: str, found: Any) -> None:
    window = window_of({}, datetime.now(UTC), "Asia/Shanghai")
    row = both.gate.event(both.principal, event_id, window, feed)
    assert (row["feed"], row["title"]) == found
    assert len(row["history"]) == (1 if event_id == "7" else 2)


def test_a_feed_that_has_no_such_event_is_told_so(both: Both) -> None:
    with pytest.raises(NotFound, match=r"gauges.*没有事件"):
        both.gate.event(both.principal, "7", window_of({}, datetime.now(UTC), "Asia/Shanghai"), "gauges")


def test_lists_hold_both_of_memory_and_of_long_ago(both: Both) -> None:
    both.gate.live.tables.past_events()
    rows = both.rows(**{"from": str(both.now.replace(year=both.now.year - 1).date())}).rows
    assert [(row["feed"], row["id"], row["title"]) for row in rows] == [
        ("tips", "7", "井盖松动"), ("cases", "7", "路灯不亮"), ("tips", "old", "旧井盖"), ("cases", "old", "旧路灯")]


def test_a_metric_counts_the_feeds_it_names_and_is_moved_by_these(both: Both) -> None:
    """What it counts is what changes its version, so that no figure stays as it was before an event it counts."""
    case = both.pack.feeds["cases"]
    own = case.model_copy(update={"source": case.source.model_copy(update={"kind": "own"})})
    one = both.pack.metrics["open_cases"]
    feeds = {**both.pack.feeds, "tips": case, "states": own}
    metrics = {**both.pack.metrics, "both": one.model_copy(update={"feeds": ("cases", "tips")}),
               "level_only": one.model_copy(update={"feeds": ("tips",)})}
    pack = replace(both.pack, feeds=feeds, metrics=metrics)
    gate = Gate(pack, both.gate.live, both.reader)
    names = ("open_cases", "both", "level_only")

    def seen() -> list[tuple[Any, str]]:
        window = window_of({}, datetime.now(UTC), "Asia/Shanghai")
        return [(gate.read(both.principal, Question("metric", name), Scope(pack.place.code), window).value,
                 gate.version(gate.feeds_of(Question("metric", name))).rsplit(".", 1)[0]) for name in names]

    def told_of(feed: str, event_id: str) -> list[tuple[bool, bool]]:
        """Per metric: (its figure changed, its version changed) by one more event of a feed."""
        before, both.feed = seen(), feed
        assert both.gate.live.tables.apply(both.tell(event_id, "received", 0.5))
        return [(now[0] != then[0], now[1] != then[1]) for now, then in zip(seen(), before, strict=True)]

    assert [value for value, _ in seen()] == [1, 2, 1]
    assert told_of("cases", "a") == [(True, True), (True, True), (False, False)]
    assert told_of("tips", "b") == [(False, False), (True, True), (True, True)]
    assert told_of("states", "c") == [(True, True)] * 3


def test_a_drawn_list_has_a_line_for_each(both: Both) -> None:
    screen = BY_KEY["ecology"]
    panel = next(panel for panel in screen.panels if panel.kind == "overdue")
    html = str(render(panel, {"list": replace(invented.invent(panel.asks["list"]), rows=both.rows().rows)},
                      invented.context(screen)))
    assert html.count("路灯不亮") == html.count("井盖松动") > 0
