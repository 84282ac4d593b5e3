"""Lost and back said once each, by log, ledger and event; counts by the hour; changes of columns."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from data.acceptance import Prepared
from data.drift import Drift, told
from data.errors import Unavailable
from data.feedbook import FeedBook
from data.ledger import HOUR_US, WEEKS, Ledger, LedgerView, Spell
from data.pack import Feed, Pack, load_pack
from data.records import parse
from data.times import parse_instant
from data.watch import FeedWatch

TINY = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
NOW = parse_instant("2026-11-22T08:00:00+08:00")
MINUTE = 60_000_000
OWN = {"name": "数据源状态", "topic": "Q1", "department": "test", "kind": "event", "source": {"kind": "own"},
       "cadence": "1min"}
PACK: Pack = replace(TINY, feeds={**TINY.feeds, "states": Feed.model_validate(OWN)})


class World:
    """A book, a ledger, a watch, and the events that were handed in."""

    def __init__(self, folder: Path, pack: Pack = PACK) -> None:
        self.pack, self.folder = pack, folder
        self.ledger = Ledger(folder)
        self.book = FeedBook(folder, ZoneInfo("Asia/Shanghai"), pack.feeds, self.ledger)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.away = False
        self.watch = FeedWatch(pack, self.book, self.ledger, self.take, demo=True)

    def take(self, feed: str, raws: Any) -> Future[Any]:
        if self.away:
            raise Unavailable("away")
        self.events += [(feed, raw) for raw in raws]
        return Future()

    def told(self) -> list[tuple[str, str, str]]:
        return [(feed, raw["title"], raw["stage"]) for feed, raw in self.events]

    def news(self, at: int) -> None:
        self.book.took("gauges", Prepared([{}], newest=at, hours={at // HOUR_US: 1}), at)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.ledger.close()


def test_a_failing_source_is_lost_and_back_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world.news(NOW)
    for step in range(3):
        world.book.failed("gauges", "对方拒绝连接", NOW + step)
        world.watch.tick(NOW + step)
    for step in range(3):
        world.book.answered("gauges", NOW + 10 + step)
        world.watch.tick(NOW + 10 + step)
    assert world.told() == [("states", "数据源中断：五分钟读数", "received"),
                            ("states", "数据源恢复：五分钟读数", "closed")]
    assert [record.getMessage() for record in caplog.records] == ["feed gauges lost: 对方拒绝连接", "feed gauges back"]
    assert world.ledger.spells(0) == [Spell("gauges", NOW, NOW + 10, "对方拒绝连接")]
    for _, raw in world.events:
        assert parse("event", raw)["department"] == "test"
    assert {raw["id"] for _, raw in world.events} == {f"gauges-{NOW}"}


def test_a_silent_source_is_lost_after_ten_cadences_and_an_hour(world: World,
                                                                caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world.news(NOW)
    world.watch.tick(NOW)
    world.watch.tick(NOW + 59 * MINUTE)
    assert world.events == []
    for minute in (61, 62, 63):
        world.watch.tick(NOW + minute * MINUTE)
    assert world.told() == [("states", "数据源中断：五分钟读数", "received")]
    world.news(NOW + 64 * MINUTE)
    for minute in (64, 65):
        world.watch.tick(NOW + minute * MINUTE)
    assert [title for _, title, _ in world.told()] == ["数据源中断：五分钟读数", "数据源恢复：五分钟读数"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["feed gauges lost", "feed gauges back"]


def test_what_the_collector_missed_itself_is_not_the_sources_fault(world: World) -> None:
    world.news(NOW - 600 * MINUTE)
    world.watch.tick(NOW)
    assert world.events == []
    world.watch.tick(NOW + 61 * MINUTE)
    assert len(world.events) == 1


def test_never_delivered_is_unknown_and_not_lost(world: World) -> None:
    for minute in range(0, 300, 30):
        world.watch.tick(NOW + minute * MINUTE)
    assert world.events == []


def test_a_restart_tells_nothing_twice_that_differs(world: World, tmp_path: Path) -> None:
    world.news(NOW)
    world.book.failed("gauges", "拒绝", NOW)
    world.watch.tick(NOW)
    world.ledger.close()
    again = World(tmp_path)
    again.news(NOW)
    again.book.failed("gauges", "拒绝", NOW + 5)
    again.watch.tick(NOW + 5)
    assert again.events == world.events, "the same event: a duplicate at the door"
    again.book.answered("gauges", NOW + 9)
    again.watch.tick(NOW + 9)
    assert again.told()[-1] == ("states", "数据源恢复：五分钟读数", "closed")
    again.ledger.close()
    world.ledger = Ledger(tmp_path)


def test_events_that_cannot_be_handed_in_wait(world: World) -> None:
    world.news(NOW)
    world.book.failed("gauges", "拒绝", NOW)
    world.away = True
    world.watch.tick(NOW)
    assert world.events == []
    world.away = False
    world.watch.tick(NOW + 1)
    assert len(world.events) == 1


def test_a_pack_without_a_feed_of_its_own_keeps_log_and_ledger(tmp_path: Path) -> None:
    world = World(tmp_path, TINY)
    world.news(NOW)
    world.book.failed("gauges", "拒绝", NOW)
    world.watch.tick(NOW)
    assert (world.events, len(world.ledger.spells(0))) == ([], 1)
    world.ledger.close()


def test_hours_are_added_up_and_old_ones_go(tmp_path: Path) -> None:
    ledger, view = Ledger(tmp_path), LedgerView(tmp_path)
    hour = NOW // HOUR_US
    ledger.count("a", {hour: 5, hour - 1: 2, hour - 168 * WEEKS - 1: 9}, (1, 2, 3), NOW)
    ledger.flush(NOW)
    ledger.count("a", {hour: 5}, (0, 0, 0), NOW)
    assert view.hours(0)["a"] == {hour: (5, 1, 2, 3), hour - 1: (2, 0, 0, 0)}, "not on disk before the next flush"
    ledger.flush(NOW)
    assert view.hours(0)["a"][hour] == (10, 1, 2, 3)
    ledger.count("a", {hour + 2000: 1}, (0, 1, 0), NOW + 2000 * HOUR_US)
    ledger.flush(NOW + 2000 * HOUR_US)
    assert set(view.hours(0)["a"]) == {hour + 2000}
    ledger.close()
    assert LedgerView(tmp_path / "none").hours(0) == {}


def test_changes_of_columns_are_said_once_and_remembered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    drift = Drift(ledger)
    first = {"站号": "a", "值": 1.5, "备注": None}
    assert drift.seen("f", first, NOW) == ""
    assert drift.seen("f", first | {"备注": "x"}, NOW + 1) == "", "an empty value had no type"
    assert drift.seen("f", first | {"备注": None}, NOW + 2) == ""
    said = drift.seen("f", {"站号": "a", "值": "1.5", "单位": "m"}, NOW + 3)
    assert said == "新增列 单位；少了列 备注；值 由数变为文字"
    assert Drift(ledger).seen("f", {"站号": "b", "值": "2", "单位": "m"}, NOW + 4) == ""
    assert LedgerView(tmp_path).drifts(0) == {"f": (NOW + 3, said)}
    assert drift.seen("push", {"a": 1, "b": "x"}, NOW, {"a", "b", "d"}) == ""
    assert drift.seen("push", {"a": 1}, NOW, {"a", "b", "d"}) == "", "an optional field that is not there"
    assert drift.seen("push", {"a": 1, "d": 2}, NOW, {"a", "b", "d"}) == "", "an optional field that comes at last"
    assert drift.seen("push", {"a": 1, "c": True}, NOW + 5, {"a", "b", "d"}) == "新增列 c"
    assert drift.seen("push", {"a": 1, "d": "2"}, NOW + 6, {"a", "b", "d"}) == "d 由数变为文字"
    ledger.close()


def test_many_changes_are_cut() -> None:
    assert told({}, {str(number): "num" for number in range(50)}).endswith("等")
