"""Words of which a place declares a list are held against it at both doors; without a list a word is free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from test_bulk_columns import MINUTE, NOW, PACK, Empty, Fixed

from data.acceptance import Lane
from data.bulk import Stager
from data.bulk_files import chunks
from data.identity import IdentityIndex
from data.pack import Category, Pack, load_pack
from data.quarantine import kind_of
from data.quarantine_view import Chosen, QuarantineView
from data.registry import Registry
from demo.intake import RAIN_CATEGORIES
from demo.texts import CHANNELS
from geo.locate import Locator

DECLARED = replace(PACK, categories={"road": Category(name="道路"), "lamp": Category(name="路灯", parent="road")},
                   channels={"phone": "电话"})


def case(event_id: str, **more: Any) -> dict[str, Any]:
    return {"id": event_id, "time": NOW - MINUTE, "category": "road", "channel": "phone", "stage": "received",
            "stage_time": NOW - MINUTE, "division": "990101001000", **more}


RAWS = [case("1"), case("2", category="lamp"), case("3", category="raod"), case("4", channel="Phone"),
        case("5", category="raod", channel="Phone"), case("6", channel="phone ")]


def by_both_doors(pack: Pack, feed: str, raws: list[dict[str, Any]], folder: Path) -> list[tuple[list[str], list[str]]]:
    """(ids taken, reasons of the others) at the live door and at the bulk door."""
    registry = Registry(pack.divisions, Locator(pack.divisions))
    live = Lane(feed, pack.feeds[feed], pack, registry, IdentityIndex(Empty())).prepare(raws, 1, NOW)
    path = folder / "in.parquet"
    pq.write_table(pa.Table.from_pylist(raws), path)
    stager = Stager(pack, feed, registry, Fixed(), folder)
    for chunk in chunks(path, pack.feeds[feed], Fixed()):
        stager.take(chunk)
    staged = [row["id"] for part in stager.finish() for row in pq.read_table(part).to_pylist()]
    kept = QuarantineView(folder / "quarantine").rows(Chosen(), 100)[::-1]
    for row in kept:
        assert orjson.loads(row["raw"])["id"], "the text is kept with its reason"
    return [([row["id"] for row in live.rows], [reason for _, reason in live.rejected]),
            (staged, [row["reason"] for row in kept])]


def test_an_undeclared_word_is_refused_by_name_with_its_file(tmp_path: Path) -> None:
    live, bulk = by_both_doors(DECLARED, "cases", RAWS, tmp_path)
    assert live == bulk
    taken, reasons = live
    assert taken == ["1", "2"]
    files = ("categories.yaml", "channels.yaml", "categories.yaml", "channels.yaml")
    for reason, word, file in zip(reasons, ("raod", "Phone", "raod", "phone "), files, strict=True):
        assert repr(word) in reason
        assert file in reason
    assert {kind_of(reason) for reason in reasons} == {"不认识的事件类别", "不认识的事件渠道"}


def test_without_a_list_words_are_free(tmp_path: Path) -> None:
    for taken, reasons in by_both_doors(PACK, "cases", RAWS, tmp_path):
        assert (taken, reasons) == ([raw["id"] for raw in RAWS], [])


def test_the_programs_own_events_speak_words_of_their_own(tmp_path: Path) -> None:
    own = PACK.feeds["cases"].model_copy(
        update={"source": PACK.feeds["cases"].source.model_copy(update={"kind": "own"})})
    pack = replace(DECLARED, feeds={**PACK.feeds, "states": own})
    lost = [case("x", category="feed_lost", channel="feed")]
    registry = Registry(pack.divisions, Locator(pack.divisions))
    assert Lane("states", own, pack, registry, IdentityIndex(Empty())).prepare(lost, 1, NOW).rejected == []


def test_a_warning_has_one_of_four_levels_at_both_doors(tmp_path: Path) -> None:
    told = {"kind": "大雾", "sent": NOW - MINUTE, "expires": NOW + MINUTE, "divisions": ["990101001000"]}
    raws = [{**told, "id": level, "level": level} for level in ("red", "orange", "yellow", "blue", "purple")]
    packed = [{**raw, "divisions": orjson.dumps(raw["divisions"]).decode()} for raw in raws]
    registry = Registry(PACK.divisions, Locator(PACK.divisions))
    live = Lane("warnings", PACK.feeds["warnings"], PACK, registry, IdentityIndex(Empty())).prepare(raws, 1, NOW)
    assert [reason.split(":")[0] for _, reason in live.rejected] == ["level"]
    taken, reasons = by_both_doors(PACK, "warnings", packed, tmp_path)[1]
    assert (taken, [reason.split(":")[0] for reason in reasons]) == (["red", "orange", "yellow", "blue"], ["level"])


def test_what_the_demo_says_is_declared() -> None:
    pack = load_pack(Path(__file__).parents[2] / "places" / "yudu")
    assert set(CHANNELS) <= set(pack.channels)
    assert {name for name, _ in RAIN_CATEGORIES} <= set(pack.categories)
