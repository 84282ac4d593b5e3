"""Checks against what came before: frozen values, changed units, shifted coordinates, texts in the wrong encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from test_collector_quality import DAY, MINUTE, NOW, PACK, World, case, reading

from data.garbled import garbled
from data.pack import Check, Feed
from data.records import content, parse, said_quality
from geo.crs import gcj02_to_bd09, wgs84_to_gcj02
from geo.shift import common_shift

PLACES = (np.linspace(115.2, 115.6, 12), np.linspace(25.7, 26.3, 12))


def spec(check: dict[str, Any], **more: Any) -> Feed:
    plain = PACK.feeds["gauges"].model_dump() | {"checks": {"level": check}} | more
    return Feed.model_validate(plain)


@pytest.fixture
def world() -> World:
    return World()


def qualities(world: World, values: list[float], feed: Feed, step: int = 60 * MINUTE) -> list[str | None]:
    found = []
    for number, value in enumerate(values):
        rows = world.take("gauges", reading(value, NOW + number * step), now=NOW + 30 * DAY, spec=feed).rows
        found.append(rows[0]["quality"] if rows else "refused")
    return found


def test_a_value_that_stands_still_too_long_is_taken_and_flagged(world: World) -> None:
    found = qualities(world, [3.0] * 15 + [3.1, 3.0], spec({"frozen": "12h"}))
    assert found == [None] * 12 + ["+frozen"] * 3 + [None, None]


def test_few_readings_and_resting_values_are_not_frozen(world: World) -> None:
    assert set(qualities(world, [3.0] * 5, spec({"frozen": "12h"}), 6 * 60 * MINUTE)) == {None}
    for feed, value in ((spec({"frozen": "12h"}), 0.0), (spec({"frozen": "12h", "rests": [7]}), 7.0),
                        (spec({"frozen": ""}), 7.0)):
        assert set(qualities(World(), [value] * 20, feed)) == {None}


def test_a_flag_of_ours_makes_no_new_version() -> None:
    row = parse("observation", reading(3.0))
    flagged = row | {"quality": "+frozen"}
    assert content("observation", row) == content("observation", flagged)
    assert [said_quality(word) for word in (None, "+frozen", "gut+frozen", "gut")] == [None, None, "gut", "gut"]
    assert [said_quality(word) for word in ("+repaired", "gut+repaired+frozen")] == [None, "gut"]


def test_a_number_that_had_to_be_read_kindly_is_flagged_and_is_the_same_number() -> None:
    raw = {"station": "s", "metric": "m", "time": 1, "value": 3.2}
    plain = parse("observation", raw)
    for written in ("３.２", " 3.2", "3.2\u3000"):
        kindly = parse("observation", raw | {"value": written})
        assert (kindly["value"], kindly["quality"]) == (3.2, "+repaired")
        assert content("observation", kindly) == content("observation", plain), "sent again plainly: a duplicate"
    assert parse("observation", raw | {"value": "3.2"})["quality"] is None
    assert parse("observation", raw | {"value": "３", "quality": "gut"})["quality"] == "gut+repaired"


@pytest.mark.parametrize(("value", "words"), [(500.0, "近期水平 5 的 100 倍"), (0.05, "近期水平 5 的 100 分之一"),
                                              (4950.0, "近期水平 5 的 1000 倍"), (50.0, "近期水平 5 的 10 倍")])
def test_a_changed_unit_is_refused(world: World, value: float, words: str) -> None:
    feed = spec({"unit_jump": [10, 100, 1000]})
    qualities(world, [5.0, 5.1, 4.9, 5.0, 5.0, 5.0, 5.05, 5.0, 5.0], feed)
    found = world.take("gauges", reading(value, NOW + 600 * MINUTE), now=NOW + DAY, spec=feed)
    assert words in found.rejected[0][1]
    again = world.take("gauges", reading(value * 1.005, NOW + 660 * MINUTE), now=NOW + DAY, spec=feed)
    assert again.rejected, "it goes on being refused: a wrong unit confirms itself"
    assert world.take("gauges", reading(5.0, NOW + 700 * MINUTE), now=NOW + DAY, spec=feed).rows
    later = NOW + 700 * MINUTE + DAY + 1
    assert world.take("gauges", reading(value, later), now=later, spec=feed).rows, "after a day it is believed"


@pytest.mark.parametrize("values", [[1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 1.5, 1.0, 100.0], [5.0] * 4 + [500.0],
                                    [0.0] * 10 + [100.0], [5.0] * 10 + [60.0], [5.0] * 10 + [50.0]])
def test_what_only_looks_like_a_changed_unit_is_taken(world: World, values: list[float]) -> None:
    assert "refused" not in qualities(world, values, spec({}))


@pytest.mark.parametrize("check", [{"unit_jump": [1]}, {"unit_jump": [0.1]}, {"frozen": "bald"}])
def test_a_check_that_makes_no_sense_is_named(check: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Check.model_validate(check)


@pytest.mark.parametrize(("text", "words"), [
    ("时间".encode("gb18030").decode("latin-1"), "应为“时间”"),
    ("时间地点".encode().decode("gb18030"), "应为“时间地点”"),
    ("时间".encode().decode("latin-1"), "应为“时间”"), ("时\ufffd", "无法还原"), ("锟斤拷路灯", "无法还原"),
    ("路灯".encode("gb18030")[:3].decode("gb18030", "replace"), "无法还原")])
def test_text_in_the_wrong_encoding_is_refused_and_says_what_it_means(world: World, text: str, words: str) -> None:
    assert words in garbled(text)
    assert words in world.reason("cases", case(title=text))


@pytest.mark.parametrize("text", ["时间", "路灯不亮（12 号）", "café", "Zoë Müller", "‘引号’—破折号", "㎡ ℃ μg/m³",
                                  "𠮷野家", "一", "ABC", "5°C"])
def test_good_text_is_left_alone(world: World, text: str) -> None:
    assert garbled(text) == ""
    assert world.take("cases", case(title=text)).rows


def test_the_text_check_can_be_switched_off(world: World) -> None:
    feed = Feed.model_validate(PACK.feeds["cases"].model_dump() | {"text_check": False})
    assert world.take("cases", case(title="时\ufffd"), spec=feed).rows


@pytest.mark.parametrize(("told", "system"), [
    (wgs84_to_gcj02(*PLACES), "GCJ-02"), (gcj02_to_bd09(*wgs84_to_gcj02(*PLACES)), "BD-09"),
    ((PLACES[0] + 0.003, PLACES[1] + 0.002), "")])
def test_a_common_shift_is_found_and_named(told: Any, system: str) -> None:
    found = common_shift(PLACES, told)
    assert found is not None
    assert (found.system, found.metres > 100) == (system, True)


def test_points_that_stand_or_move_each_its_own_way_are_no_shift() -> None:
    rng = np.random.default_rng(1)
    assert common_shift(PLACES, (PLACES[0] + 0.0003, PLACES[1])) is None, "30 m is where they stand"
    assert common_shift(PLACES, (PLACES[0] + rng.normal(0, 0.004, 12), PLACES[1])) is None
    assert common_shift(PLACES, (PLACES[0] + 0.02, PLACES[1])) is None, "2 km is another mistake"
    few = (PLACES[0][:4], PLACES[1][:4])
    assert common_shift(few, wgs84_to_gcj02(*few)) is None
    moved = PLACES[0].copy()
    moved[:3] += 0.004
    assert common_shift(PLACES, (moved, PLACES[1])) is None, "two stations that really moved"


def stations(shift: float = 0.0) -> list[dict[str, Any]]:
    return [{"id": f"p{number}", "layer": "gauge", "name": "站", "lon": 100.02 + number * 0.01 + shift, "lat": 30.05}
            for number in range(10)]


def test_a_register_on_mars_is_refused_and_stations_stay(world: World) -> None:
    assert len(world.take("stations", *stations()).rows) == 10
    found = world.take("stations", *stations(0.004), {"id": "new", "layer": "gauge", "name": "新", "lon": 100.11,
                                                      "lat": 30.05})
    assert [row["id"] for row in found.rows] == ["new"]
    assert found.rejected[0][1].startswith("疑似火星坐标：10 个已登记的点一起偏了约 38")
    assert world.registry.stations()["p0"].lon == pytest.approx(100.02)


def test_assets_with_swapped_coordinates_are_refused_and_neighbours_are_not(world: World) -> None:
    swapped = {"id": "s", "layer": "gauge", "name": "站", "lon": 30.05, "lat": 100.05}
    assert "疑似写反" in world.reason("stations", swapped)
    assert world.take("stations", {"id": "n", "layer": "gauge", "name": "邻", "lon": 101.5, "lat": 30.05}).rows


def test_the_county_of_the_pack_declares_its_own(tmp_path: Path) -> None:
    rules = PACK.feeds["gauges"].checks["level"]
    assert (rules.unit_jump, rules.frozen, rules.rests) == ((100.0, 1000.0), "2d", (0.0,))
