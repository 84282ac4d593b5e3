"""Checks: limits, caps, steps, times, stations, places, division codes; every refusal is one plain sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.acceptance import Lane, Prepared
from data.identity import IdentityIndex
from data.pack import Check, Feed, load_pack
from data.records import content, identity, parse
from data.registry import Registry
from data.times import parse_instant
from geo.locate import Locator

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
NOW = parse_instant("2026-11-22T08:00:00+08:00")
MINUTE = 60_000_000
HOUR, DAY = 60 * MINUTE, 1440 * MINUTE


class Empty:
    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> list[tuple[bytes, bytes, int]]:
        return []


class World:
    """The tiny place with one gauge `g1` in the east, and lanes that number on."""

    def __init__(self) -> None:
        self.registry = Registry(PACK.divisions, Locator(PACK.divisions))
        self.index = IdentityIndex(Empty())
        self.lanes: dict[str, Lane] = {}
        self.next = 1
        self.take("stations", {"id": "g1", "layer": "gauge", "name": "一号", "lon": 100.15, "lat": 30.05})

    def take(self, feed: str, *raws: Any, now: int = NOW, spec: Feed | None = None) -> Prepared:
        if feed not in self.lanes:
            self.lanes[feed] = Lane(feed, spec or PACK.feeds[feed], PACK, self.registry, self.index)
        found = self.lanes[feed].prepare(raws, self.next, now)
        self.next += len(found.rows)
        return found

    def reason(self, feed: str, raw: Any, now: int = NOW) -> str:
        found = self.take(feed, raw, now=now)
        assert not found.rows
        return found.rejected[0][1]


@pytest.fixture
def world() -> World:
    return World()


def reading(value: Any = 1.0, time: Any = NOW - MINUTE, **more: Any) -> dict[str, Any]:
    return {"station": "g1", "metric": "level", "time": time, "value": value, **more}


def case(**more: Any) -> dict[str, Any]:
    return {"id": "c1", "time": NOW - HOUR, "category": "road", "channel": "phone", "stage": "received",
            "stage_time": NOW - HOUR, "lon": 100.05, "lat": 30.05, **more}


@pytest.mark.parametrize(("value", "words"), [
    (-5.1, "低于下限 -5"), (100.1, "高于上限 100"), (99.9, "封顶"), ("abc", "应为数"), (None, "缺少 value"),
    (True, "应为数"), (float("nan"), "不是有限的数"), ("1e999", "不是有限的数"),
])
def test_values_outside_the_limits(world: World, value: Any, words: str) -> None:
    assert words in world.reason("gauges", reading(value))


@pytest.mark.parametrize("value", [-5, 100, 0, "3.5", 99.89])
def test_values_on_the_limits_are_taken(world: World, value: Any) -> None:
    assert world.take("gauges", reading(value)).rows[0]["value"] == float(value)


@pytest.mark.parametrize(("time", "words"), [
    (NOW + 5 * MINUTE + 1, "晚于现在超过 5min"), (1_700_000_000, "早于 1990 年"), (1_700_000_000_000, "早于 1990 年"),
    ((1 << 63) - 1, "年份超出范围"), ("2026-11-22T07:00:00", "缺少时区偏移"), ("gestern", "不是时间"),
    ("2026-02-29T00:00:00Z", "不是时间"), (12.5, "应为 RFC 3339"),
])
def test_times_that_cannot_be(world: World, time: Any, words: str) -> None:
    assert words in world.reason("gauges", reading(time=time))


def test_times_that_can_be(world: World) -> None:
    found = world.take("gauges", reading(time=NOW + 5 * MINUTE), reading(time="1990-01-01T00:00:00Z"))
    assert len(found.rows) == 2
    assert found.late == 1, "older than the late window: taken and counted"
    assert found.newest == NOW + 5 * MINUTE


def test_an_absurd_deadline_is_refused(world: World) -> None:
    assert "due 不在 1990 至 2200 年之间" in world.reason("cases", case(due=(1 << 63) - 1))
    assert world.take("cases", case(due=NOW + 900 * DAY)).rows


def test_a_jump_is_refused_and_a_second_reading_confirms_it(world: World) -> None:
    def taken(value: float, minute: int) -> bool:
        return bool(world.take("gauges", reading(value, NOW + minute * MINUTE), now=NOW + DAY).rows)

    assert taken(10, 0)
    assert taken(30, 5), "20 is the largest step allowed"
    assert not taken(55, 10)
    assert taken(31, 15), "a single spike does not spoil what follows"
    assert not taken(60, 20)
    assert taken(61, 25), "two that agree are a new level"
    assert taken(0, 60), "after a gap there is nothing to compare with"


def test_unknown_station_and_wrong_layer(world: World) -> None:
    assert "不认识的站点 g9" in world.reason("gauges", {**reading(), "station": "g9"})
    world.take("stations", {"id": "h1", "layer": "hydrant", "name": "栓"})
    assert "gauge" in world.reason("gauges", {**reading(), "station": "h1"})
    world.take("stations", {"id": "g9", "layer": "gauge", "name": "九号", "lon": 100.01, "lat": 30.01})
    assert world.take("gauges", {**reading(), "station": "g9"}).rows[0]["code"] == "990101001000"


def test_places(world: World) -> None:
    assert world.take("cases", case()).rows[0]["code"] == "990101001000"
    named = case(id="c2", lon=None, lat=None, division="990101002000")
    assert world.take("cases", named).rows[0]["code"] == "990101002000"
    assert "疑似写反" in world.reason("cases", case(lon=30.05, lat=100.05))
    assert "没有定位" in world.reason("cases", case(lon=0, lat=0))
    assert "在辖区之外" in world.reason("cases", case(lon=101, lat=30.05))
    assert "在辖区之外" in world.reason("cases", case(lon=101, lat=30.05, division="990101002000"))
    assert "不认识的区划代码 36" in world.reason("cases", case(lon=None, lat=None, division="36"))


def test_indicators_and_warnings(world: World) -> None:
    figure = {"indicator": "gdp", "division": "990101001000", "period": "2026-10", "basis": "current", "value": 1.5}
    assert world.take("monthly", figure).rows[0]["code"] == "990101001000"
    assert "不认识的区划代码" in world.reason("monthly", {**figure, "division": "110000000000"})
    warning = {"id": "w", "kind": "rain", "level": "red", "sent": NOW, "expires": NOW + DAY,
               "divisions": ["990101001000"]}
    assert world.take("warnings", warning).rows[0]["code"] == "990101000000"
    assert "不认识的区划代码" in world.reason("warnings", {**warning, "divisions": ["990101001000", "x"]})
    assert "应为区划代码的列表" in world.reason("warnings", {**warning, "divisions": "990101001000"})


def test_assets_lie_at_their_point_their_geometry_or_their_named_division(world: World) -> None:
    line = {"type": "LineString", "coordinates": [[100.16, 30.05], [100.18, 30.05]]}
    found = world.take("stations", {"id": "r", "layer": "river", "name": "河", "geometry": line},
                       {"id": "d", "layer": "site", "name": "点", "properties": {"division": "990101001000"}},
                       {"id": "n", "layer": "site", "name": "无处", "geometry": {"type": "Nonsense"}})
    assert [row["code"] for row in found.rows] == ["990101002000", "990101001000", ""]


@pytest.mark.parametrize("raw", [None, 5, "text", [], [1], {"id": "x\x1fy", "layer": "a", "name": "b"},
                                 {"id": "x" * 201, "layer": "a", "name": "b"},
                                 {"id": "\ud800", "layer": "a", "name": "b"},
                                 {"id": "x", "layer": "a", "name": "b", "colour": 1}])
def test_hostile_records_get_a_reason_and_no_exception(world: World, raw: Any) -> None:
    assert world.reason("stations", raw)


def test_a_nesting_that_cannot_be_stored_is_refused(world: World) -> None:
    deep: Any = 0
    for _ in range(400):
        deep = [deep]
    assert "嵌套过深" in world.reason("stations", {"id": "x", "layer": "a", "name": "b", "properties": deep})


def test_versions_within_one_batch(world: World) -> None:
    a, b = reading(1), reading(2)
    found = world.take("gauges", a, a, b, a)
    assert found.duplicate == 1
    seqs = [row["seq"] for row in found.rows]
    assert [row["prev"] for row in found.rows] == [0, seqs[0], seqs[1]]


def test_positions_of_the_refused(world: World) -> None:
    found = world.take("gauges", reading(500), reading(1), "x", reading(-500))
    assert [position for position, _ in found.rejected] == [0, 2, 3]


@pytest.mark.parametrize("raw", [
    reading(3), reading(3.25, "2026-11-22T07:00:00+08:00"), reading(-0.0), reading(2, demo=True),
    reading(2, demo=False),
    reading("7"), reading(4, quality="x"), {**reading(), "metric": "温度"},
])
def test_the_short_way_equals_the_general_one(world: World, raw: dict[str, Any]) -> None:
    row = world.take("gauges", raw).rows[0]
    slow = parse("observation", raw)
    assert {name: row[name] for name in slow} == slow
    read = world.lanes["gauges"]._observation(raw)
    assert read[1:] == (identity("observation", "gauges", slow), content("observation", slow))


def test_reporters_are_masked_before_anything_is_stored(world: World) -> None:
    found = world.take("cases", case(reporter="张三丰"), case(id="c2", reporter="13800138000"))
    assert [row["reporter"] for row in found.rows] == ["张**", "138******00"]
    assert world.take("cases", case(reporter="张三丰")).duplicate == 1


def test_check_without_limits_takes_everything() -> None:
    spec = PACK.feeds["gauges"].model_copy(update={"checks": {"level": Check()}, "stations": ""})
    world = World()
    assert world.take("free", reading(1e300), spec=spec).rows[0]["code"] == "990101002000"
