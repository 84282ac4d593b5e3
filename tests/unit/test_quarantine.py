"""Quarantine: grouped, bounded, settled once; what a second try makes of a row; texts shown without personal data."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import orjson
import pytest

from data import quarantine as quarantine_room
from data.acceptance import Prepared
from data.again import Again
from data.clock import Clock
from data.errors import NotFound, WrongInput
from data.pack import Feed, load_pack
from data.quarantine import MOST_RAW, Judged, Quarantine, Refused, kind_of
from data.quarantine_commands import typed
from data.quarantine_view import Chosen, QuarantineView, fields_of, masked
from data.replaying import records_of
from data.times import parse_instant

AT = parse_instant("2026-11-22T00:01:00+08:00")
PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")


@pytest.fixture
def quarantine(tmp_path: Path):
    found = Quarantine(tmp_path)
    yield found
    found.close()


@pytest.fixture
def view(tmp_path: Path) -> QuarantineView:
    return QuarantineView(tmp_path)


def refused(raw: str, reason: str = "值 5 高于上限 3；请核对", feed: str = "a", at: int = AT) -> Refused:
    return Refused(feed, reason, at, raw)


def test_a_row_keeps_what_came_and_why(tmp_path: Path, quarantine: Quarantine, view: QuarantineView) -> None:
    quarantine.put([refused("x" * (MOST_RAW + 5)), refused("\ud800", "值 7 高于上限 3")])
    assert stat.S_IMODE(quarantine.path.stat().st_mode) == 0o600
    second, first = view.rows(Chosen(feed="a"))
    assert (len(first["raw"]), first["whole"], first["reason"], first["first"]) == (MOST_RAW, 0,
                                                                                    "值 5 高于上限 3；请核对", AT)
    assert (second["raw"], second["whole"]) == ("?", 1)
    assert quarantine.counts() == {"a": {"值 # 高于上限 #": 2}}
    with pytest.raises(NotFound, match="没有第 99 号"):
        view.row(99)


def test_fifty_thousand_equal_refusals_are_one_line(quarantine: Quarantine, view: QuarantineView) -> None:
    for start in range(0, 50_000, 10_000):
        quarantine.put([refused(f'{{"value": {number}}}', f"值 {number} 高于上限 3", at=AT + number)
                        for number in range(start, start + 10_000)])
    [group] = view.groups()
    assert (group["kind"], group["count"], group["waiting"]) == ("值 # 高于上限 #", 50_000, 50_000)
    assert (group["first"], group["last"], group["reason"]) == (AT, AT + 49_999, "值 49999 高于上限 3")
    assert sum(len(rows) for rows in view.chunks(Chosen(feed="a", kind=group["kind"]))) == 50_000


def test_a_text_that_comes_again_is_counted_on_its_row(quarantine: Quarantine, view: QuarantineView) -> None:
    for again in range(3):
        quarantine.put([refused("same", at=AT + again), refused("same", feed="b")])
    [row] = view.rows(Chosen(feed="a"))
    assert (row["times"], row["first"], row["last"]) == (3, AT, AT + 2)
    quarantine.put([refused("same", "缺少 value")])
    assert {group["kind"]: (group["count"], group["waiting"]) for group in view.groups("a")} == {
        "值 # 高于上限 #": (3, 0), "缺少 value": (1, 1)}


def test_beyond_the_bounds_a_feed_is_counted_and_others_are_kept(
        quarantine: Quarantine, view: QuarantineView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_room, "MOST_WAITING", 3)
    monkeypatch.setattr(quarantine_room, "MOST_KINDS", 2)
    quarantine.put([refused(str(number)) for number in range(10)])
    quarantine.put([refused("y", feed="b")])
    groups = {group["feed"]: group for group in view.groups()}
    assert [groups["a"][name] for name in ("count", "waiting", "unkept")] == [10, 3, 7]
    assert groups["b"]["waiting"] == 1
    quarantine.put([refused(word, word, feed="c") for word in ("一", "二", "三")])
    assert {group["kind"] for group in view.groups("c")} == {"一", "二", "其他"}


def test_bytes_of_a_feed_are_bounded(quarantine: Quarantine, view: QuarantineView,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_room, "MOST_BYTES", 100)
    quarantine.put([refused("x" * 60), refused("y" * 60)])
    assert [view.groups()[0][name] for name in ("waiting", "unkept", "bytes") if name in view.groups()[0]] == [1, 1]


def test_a_settled_row_is_settled_once_and_its_text_stays(quarantine: Quarantine, view: QuarantineView) -> None:
    quarantine.put([refused("one"), refused("two"), refused("three")])
    three, two, one = (row["id"] for row in view.rows(Chosen()))
    quarantine.put([], [Judged(one, "甲", AT + 1, seq=7, sent="uno"), Judged(two, "甲", AT + 1, reason="缺少 value")])
    assert view.row(one) | {"state": "replayed", "seq": 7, "sent": "uno", "who": "甲", "raw": "one"} == view.row(one)
    assert (view.row(two)["state"], view.row(two)["reason"]) == ("waiting", "缺少 value")
    assert quarantine.dismiss([one, two], "乙", AT + 2) == 1, "a settled one stays as it is"
    assert view.row(one)["who"] == "甲"
    assert quarantine.waiting([one, two, three]) == {three}
    assert {group["kind"]: group["waiting"] for group in view.groups()} == {"值 # 高于上限 #": 1}
    quarantine.put([refused("one")])
    assert [row["raw"] for row in view.rows(Chosen())] == ["one", "three"], "come again, it waits again"


def test_numbers_that_were_never_written_wait_again(quarantine: Quarantine, view: QuarantineView) -> None:
    quarantine.put([refused(text) for text in ("a", "b", "c")])
    ids = [row["id"] for row in view.rows(Chosen())][::-1]
    quarantine.put([], [Judged(item, "甲", AT, seq=10 + number) for number, item in enumerate(ids)])
    quarantine.put([refused("c")])
    assert quarantine.take_back(11) == 1
    assert [row["raw"] for row in view.rows(Chosen())] == ["c", "b"], "c came once more: one row stands for both"
    assert view.row(ids[0])["state"] == "replayed"
    assert quarantine.take_back(11) == 0


def test_old_settled_rows_go_and_waiting_ones_stay(quarantine: Quarantine, view: QuarantineView,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    quarantine.put([refused(text) for text in ("old", "new", "big", "waits")])
    ids = [row["id"] for row in view.rows(Chosen())][::-1]
    for item, at in zip(ids[:3], (AT, AT + 10, AT + 20), strict=True):
        quarantine.dismiss([item], "甲", at)
    monkeypatch.setattr(quarantine_room, "MOST_SETTLED_BYTES", 5)
    quarantine.tidy(AT + quarantine_room.KEEP_SETTLED_US + 5)
    kept = []
    for item in ids:
        try:
            kept.append(view.row(item)["raw"])
        except NotFound:
            continue
    assert kept == ["big", "waits"]


def test_many_writers_lose_nothing(tmp_path: Path, view: QuarantineView) -> None:
    def write(name: int) -> None:
        own = Quarantine(tmp_path)
        for number in range(50):
            own.put([refused(f"{name}-{number}")])
        own.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert view.groups()[0]["waiting"] == len(view.rows(Chosen(), 1000)) == 200


def test_a_damaged_file_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / quarantine_room.FILE).write_bytes(b"no database " * 1000)
    fresh = Quarantine(tmp_path)
    fresh.put([refused("x")])
    fresh.close()
    assert "was put aside" in caplog.text
    assert [path.read_bytes()[:11] for path in tmp_path.glob("*.damaged-*")] == [b"no database"]


def test_choosing_by_station(quarantine: Quarantine, view: QuarantineView) -> None:
    reason = "不认识的站点 g9；请先送来图层 gauge 中的该站点"
    quarantine.put([refused(orjson.dumps({"station": name, "value": number}).decode(), reason)
                    for name in ("g8", "g9") for number in range(3)])
    quarantine.put([refused("no json at all", reason)])
    assert kind_of(reason) == "不认识的站点"
    assert view.stations("a") == {"g8": 3, "g9": 3}
    assert len(view.rows(Chosen(feed="a", station="g9"))) == 3


def test_the_view_of_a_place_without_a_quarantine_is_empty(tmp_path: Path) -> None:
    view = QuarantineView(tmp_path / "none")
    assert (view.groups(), view.rows(Chosen()), list(view.chunks(Chosen(feed="a"))), view.stations("a")) == (
        [], [], [], {})


def test_what_a_second_try_made_of_each_row() -> None:
    again = Again([1, 1, 2, 3, 4, 4], "甲", {1: "neu"})
    found = Prepared([{"seq": 20}], 1, rejected=[(1, "坏"), (3, "更坏"), (4, "全坏"), (5, "全坏")], doubles=[2])
    assert again.judge(found, 9) == [
        Judged(1, "甲", 9, 20, "", "neu"), Judged(2, "甲", 9, 0), Judged(3, "甲", 9, 0, "更坏"),
        Judged(4, "甲", 9, 0, "全坏")]
    assert again.fresh(found) == {1}, "its sibling was taken, so this one is a row of its own"
    assert again.left(list("abcdef"), {2, 4}) == ["c", "e", "f"]
    assert again.items == [2, 4, 4]


def test_records_in_a_text() -> None:
    gauges = PACK.feeds["gauges"]
    one = {"station": "g1", "metric": "level", "time": AT, "value": 1}
    assert records_of(gauges, orjson.dumps(one).decode(), Clock()) == [one]
    assert records_of(gauges, orjson.dumps([one, one]).decode(), Clock()) == [one, one]
    assert len(records_of(gauges, "\n".join([orjson.dumps(one).decode()] * 3), Clock())) == 3
    for bad in ('{"station": ', "[]", "5", "<html>", '"text"', "{}x"):
        with pytest.raises(WrongInput, match="请改成一条 JSON"):
            records_of(gauges, bad, Clock())


def test_a_row_of_a_file_goes_through_the_mapping_again() -> None:
    spec = {**PACK.feeds["gauges"].model_dump(), "map": {
        "fields": {"station": "站号", "time": "时间"}, "timezone": "Asia/Shanghai",
        "constants": {"metric": "level"}, "values": {"水位": {"metric": "level"}}}}
    feed = Feed.model_validate(spec)
    [row] = records_of(feed, '{"站号": "g1", "时间": "2026-11-22 08:00", "水位": "3.5"}', Clock())
    assert (row["station"], row["value"], row["time"]) == ("g1", 3.5, parse_instant("2026-11-22T08:00:00+08:00"))
    with pytest.raises(WrongInput):
        records_of(feed, '{"站号": "g1", "时间": "gestern", "水位": "3.5"}', Clock())


def test_personal_data_is_not_shown_to_everybody() -> None:
    text = masked('{"reporter": "张三丰", "title": "请回电 13800138000", "id": "36073119800101123X", "value": 5}')
    assert not [word for word in ("三丰", "13800138000", "19800101") if word in text]
    assert '"value": 5' in text


def test_fields_for_the_form() -> None:
    assert fields_of('{"a": "x", "b": 1.5, "c": null}') == [("a", "x"), ("b", "1.5"), ("c", "null")]
    assert fields_of("[1]") == fields_of("{") == []


@pytest.mark.parametrize(("text", "before", "after"), [("5", 1, 5), ("5", "1", "5"), ("x", 1, "x"), ("null", 1, None)])
def test_values_typed_in_keep_their_kind(text: str, before: object, after: object) -> None:
    assert typed(text, before) == after
