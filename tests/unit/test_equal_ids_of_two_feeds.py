"""Two feeds that give one id to different assets or warnings: both stand, and a reading means the one of its layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_bulk_columns import NOW, PACK, Empty, lane, stage
from test_last_known import everything

from data.acceptance import Lane
from data.batches import Batch
from data.history import HistoryReader
from data.identity import IdentityIndex
from data.last_known import LastKnown, shot_of
from data.pack import Pack
from data.placing import register
from data.records import Row, parse
from data.registry import Registry
from data.tables import MemoryTables
from geo.locate import Locator

WEST, EAST = "990101001000", "990101002000"
MINUTE = 60_000_000


@pytest.fixture
def pack() -> Pack:
    """The tiny place with a second list of assets and a second source of warnings."""
    more = {"bridges": PACK.feeds["stations"], "town_warnings": PACK.feeds["warnings"],
            "anywhere": PACK.feeds["gauges"].model_copy(update={"stations": ""})}
    return replace(PACK, feeds={**PACK.feeds, **more})


def asset(layer: str, lon: float, **properties: Any) -> dict[str, Any]:
    return {"id": "1", "layer": layer, "name": layer, "lon": lon, "lat": 30.05, "properties": properties}


def filled(*told: tuple[str, dict[str, Any]]) -> Registry:
    """A registry after assets of several feeds, in this order."""
    found = Registry(PACK.divisions, Locator(PACK.divisions))
    for number, (feed, raw) in enumerate(told, 1):
        taken = Lane(feed, PACK.feeds["stations"], PACK, found, IdentityIndex(Empty())).prepare([raw], number, NOW)
        assert taken.rejected == []
    return found


def reading(minute: int = 1) -> dict[str, Any]:
    return {"station": "1", "metric": "level", "time": NOW - minute * MINUTE, "value": 5.0}


BOTH = ("stations", asset("gauge", 100.05)), ("bridges", asset("bridge", 100.15))


@pytest.mark.parametrize("told", [BOTH, BOTH[::-1]])
def test_a_reading_means_the_asset_of_its_feeds_layer_at_both_doors(told: Any, tmp_path: Path) -> None:
    registry = filled(*told)
    assert len(registry) == 2
    found = lane(registry, "gauges").prepare([reading()], 9, NOW)
    rows, kept, _ = stage(tmp_path, registry, "gauges", pa.Table.from_pylist([reading()]))
    assert [(row["station"], row["code"][:9]) for row in (*found.rows, *rows)] == [("1", WEST[:9])] * 2
    assert (found.rejected, kept) == ([], [])


@pytest.mark.parametrize(("told", "code"), [(BOTH, EAST), (BOTH[::-1], WEST)])
def test_without_a_layer_it_means_the_asset_accepted_last(pack: Pack, told: Any, code: str) -> None:
    found = Lane("anywhere", pack.feeds["anywhere"], pack, filled(*told), IdentityIndex(Empty()))
    assert found.prepare([reading()], 9, NOW).rows[0]["code"][:9] == code[:9]


def test_an_asset_that_leaves_a_layer_leaves_the_other_feeds_one_there() -> None:
    registry = filled(("stations", asset("gauge", 100.05)), ("bridges", asset("gauge", 100.15)),
                      ("bridges", asset("bridge", 100.15)))
    assert registry.stations("gauge")["1"].lon == 100.05
    assert registry.stations("bridge")["1"].lon == 100.15
    moved = filled(("stations", asset("gauge", 100.05)), ("stations", asset("bridge", 100.05)))
    assert "1" not in moved.stations("gauge")
    own = registry.own("stations", "1")
    assert own is not None
    assert (own.layer, registry.own("nobody", "1")) == ("gauge", None)


def test_points_are_held_against_their_own_or_their_layers_places(pack: Pack) -> None:
    """Thirty things of another layer, all some hundred metres aside, are no common shift; the same stations are."""
    registry, index = Registry(PACK.divisions, Locator(PACK.divisions)), IdentityIndex(Empty())
    points = [{**asset("gauge", 100.03 + number / 1000), "id": f"p{number}"} for number in range(30)]
    aside = [{**point, "lon": point["lon"] + 0.005, "lat": point["lat"] - 0.003} for point in points]
    lanes = {name: Lane(name, pack.feeds["stations"], pack, registry, index)
             for name in ("stations", "bridges", "moved")}
    assert len(lanes["stations"].prepare(points, 1, NOW).rows) == 30
    assert lanes["bridges"].prepare([{**point, "layer": "bridge"} for point in aside], 31, NOW).rejected == []
    assert len(lanes["stations"].prepare(aside, 61, NOW).rejected) == 30
    assert len(lanes["moved"].prepare(aside, 91, NOW).rejected) == 30
    assert lanes["moved"].prepare(points, 121, NOW).rejected == []


def row(kind: str, feed: str, seq: int, raw: dict[str, Any]) -> Row:
    return {**parse(kind, raw), "seq": seq, "prev": 0, "received": NOW, "feed": feed, "code": WEST}


def warning(**more: Any) -> dict[str, Any]:
    return {"id": "w", "kind": "暴雨", "level": "red", "sent": NOW - 9 * MINUTE, "expires": NOW + 600 * MINUTE,
            "divisions": [WEST], **more}


def tables_of(pack: Pack) -> MemoryTables:
    tables = MemoryTables(pack, HistoryReader(Path("nowhere")))
    told = [("asset", "stations", asset("gauge", 100.05, limit=3)),
            ("asset", "bridges", asset("bridge", 100.15, limit=9)),
            ("warning", "warnings", warning(headline="县")), ("warning", "town_warnings", warning(headline="乡")),
            ("warning", "town_warnings", warning(id="end", references=["w"], sent=NOW - MINUTE))]
    for seq, (kind, feed, raw) in enumerate(told, 1):
        assert tables.apply(Batch(seq, seq, feed, kind, NOW, [row(kind, feed, seq, raw)]))
    return tables


def test_memory_holds_both_and_a_cancellation_ends_its_own_feeds(pack: Pack) -> None:
    tables = tables_of(pack)
    assert [one["name"] for layer in ("gauge", "bridge") for one in tables.assets.layer(layer)] == ["gauge", "bridge"]
    assert tables.assets.prop("1", "limit", ("gauge",)) == 3
    assert tables.assets.prop("1", "limit") == 9
    assert tables.assets.prop("1", "limit", ("camera",)) is None
    assert sorted((one["feed"], one["id"]) for one in tables.warnings.active(NOW)) == [
        ("town_warnings", "end"), ("warnings", "w")]


def test_what_moved_to_another_feed_is_there_once() -> None:
    """The pack no longer has `bridges` and `town_warnings`: their rows stay in history, and nowhere else."""
    tables = tables_of(PACK)
    assert set(tables.assets.rows) == {("stations", "1")}
    assert set(tables.warnings.rows) == {("warnings", "w")}
    registry = Registry(PACK.divisions, Locator(PACK.divisions))
    register([row("asset", "stations", 1, asset("gauge", 100.05)), row("asset", "bridges", 2, asset("gauge", 100.15))],
             PACK, registry)
    assert (len(registry), registry.stations("gauge")["1"].lon) == (1, 100.05)


def test_two_of_one_id_in_one_layer_are_one_device(pack: Pack) -> None:
    tables = tables_of(pack)
    tables.assets.add([row("asset", "bridges", 9, asset("gauge", 100.15))])
    assert len(tables.assets.layer("gauge")) == 2
    assert [one["lon"] for one in tables.assets.devices("gauge")] == [100.15]


def test_kept_tables_come_back_with_both(pack: Pack, tmp_path: Path) -> None:
    reader, tables = HistoryReader(tmp_path), tables_of(pack)
    tables.observed("gauges")
    assert LastKnown(pack, reader, tmp_path).keep(shot_of(tables, bulk=0, heard=0, publish=0, checkpoint=0))
    found = LastKnown(pack, reader, tmp_path).take()
    assert found is not None
    assert everything(found[0]) == everything(tables)
    assert set(found[0].assets.rows) == {("stations", "1"), ("bridges", "1")}
