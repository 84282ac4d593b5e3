"""What has had its time goes by whole months; open events, other feeds and other kinds stay."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from data.batches import Batch
from data.clock import Clock, to_us
from data.history import HistoryReader, HistoryWriter, Span
from data.pack import Feed, load_pack
from data.records import parse
from data.retention import Keeper
from data.settings import ROOT

EVER = Span(0, 2**62)
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
TINY = ROOT / "tests" / "fixtures" / "tiny_pack"


def at(text):
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


class Place:
    def __init__(self, folder, **keep):
        pack = load_pack(TINY)
        for name, text in keep.items():
            pack.feeds[name] = pack.feeds[name].model_copy(update={"keep": text})
        self.writer, self.folder, self._seq = HistoryWriter(folder / "history"), folder, 0
        clock = Clock(NOW.timestamp() - datetime.now(UTC).timestamp())
        self.keeper = Keeper(pack, folder, clock)

    def put(self, kind, feed, **raw):
        self._seq += 1
        row = {**parse(kind, raw), "seq": self._seq, "prev": 0, "received": self._seq, "feed": feed, "code": ""}
        self.writer.append(Batch(self._seq, self._seq, feed, kind, self._seq, [row]))

    def reading(self, text, feed="gauges", station="g1"):
        self.put("observation", feed, station=station, metric="level", time=at(text), value=1.0)

    def step(self, id_, stage, text, **more):
        self.put("event", "cases", id=id_, time=at(text), category="road", channel="phone", stage=stage,
                 stage_time=at(text), division="990101000000", **more)

    def left(self, kind, *names):
        self.writer.commit()
        rows = HistoryReader(self.folder / "history").rows(kind, EVER, columns=names).to_pylist()
        return sorted(tuple(row.values()) for row in rows)

    def audit(self):
        path = self.folder / "audit" / "keeping.jsonl"
        return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_whole_months_of_a_feed_go_and_the_deed_is_in_the_audit(tmp_path):
    place = Place(tmp_path, gauges="90d")
    for text in ("2026-01-05", "2026-07-31T23:59:59", "2026-08-01", "2026-11-22"):
        place.reading(text)
    place.reading("2026-01-06", feed="other", station="x")
    named = place.keeper.carry_out(place.writer, "me", dry=True)
    assert [(one["feed"], one["partition"], one["rows"]) for one in named] == [
        ("gauges", "2026-01", 1), ("gauges", "2026-07", 1)]
    assert len(place.left("observation", "seq")) == 5
    assert place.audit() == []
    assert place.keeper.carry_out(place.writer, "me") == named
    assert place.left("observation", "feed", "time") == [
        ("gauges", at("2026-08-01")), ("gauges", at("2026-11-22")), ("other", at("2026-01-06"))]
    assert [(one["deed"], one["who"], one["rows"]) for one in place.audit()] == [
        ("history retain", "me", 2), ("history retain 完成", "me", 2)]
    assert place.audit()[0]["plan"] == ["gauges 2026-01 1", "gauges 2026-07 1"]
    assert place.keeper.carry_out(place.writer, "me") == []


def test_what_nobody_declared_stays_for_ever(tmp_path):
    place = Place(tmp_path, cases="forever")
    place.reading("1999-01-05")
    place.step("e1", "closed", "1999-01-05")
    assert place.keeper.carry_out(place.writer, "me") == []
    assert len(place.left("observation", "seq")) == len(place.left("event", "seq")) == 1


def test_events_go_as_a_whole_and_open_ones_never(tmp_path):
    place = Place(tmp_path, cases="90d")
    place.step("over", "received", "2026-01-05")
    place.step("over", "closed", "2026-03-05")
    place.step("open", "received", "2026-01-06")
    place.step("lately", "received", "2026-01-07")
    place.step("lately", "closed", "2026-11-01")
    place.step("due", "received", "2026-01-08", due=at("2026-12-01"))
    place.step("due", "closed", "2026-01-09")
    gone = place.keeper.carry_out(place.writer, "me")
    assert [(one["partition"], one["rows"]) for one in gone] == [("2026-01", 1), ("2026-03", 1)]
    assert place.left("event", "id", "stage") == [
        ("due", "closed"), ("due", "received"), ("lately", "closed"), ("lately", "received"), ("open", "received")]


def test_a_version_goes_with_what_it_replaces(tmp_path):
    place = Place(tmp_path, gauges="90d")
    place.reading("2026-01-05")
    again = {"station": "g1", "metric": "level", "time": at("2026-01-05"), "value": 2.0}
    row = {**parse("observation", again), "seq": 9, "prev": 1, "received": 9, "feed": "gauges", "code": ""}
    place.writer.append(Batch(9, 9, "gauges", "observation", 9, [row]))
    assert [one["rows"] for one in place.keeper.carry_out(place.writer, "me")] == [2]
    assert not place.writer.manifest.files


def test_once_a_day_and_a_disk_that_refuses_the_audit_stops_it(tmp_path, caplog):
    place = Place(tmp_path, gauges="90d")
    place.reading("2026-01-05")
    (tmp_path / "audit").write_text("in the way")
    place.keeper.daily(place.writer)
    assert "retention not carried out" in caplog.text
    assert len(place.left("observation", "seq")) == 1
    (tmp_path / "audit").unlink()
    place.keeper.daily(place.writer)
    assert len(place.left("observation", "seq")) == 1, "not again on this day"
    place.keeper._day = "2026-11-21"
    place.keeper.daily(place.writer)
    assert place.left("observation", "seq") == []
    assert place.audit()[0]["who"] == "采集器"


@pytest.mark.parametrize(("kind", "keep", "said"), [
    ("asset", "3y", "一直保留"), ("indicator", "3y", "一直保留"), ("observation", "7d", "太短"),
    ("event", "三年", "不是时长")])
def test_a_class_that_makes_no_sense_is_refused(kind, keep, said):
    block = {"name": "x", "topic": "M1", "department": "d", "kind": kind, "source": {"kind": "push"}, "cadence": "1d"}
    with pytest.raises(ValueError, match=said):
        Feed(**block, keep=keep)
    assert Feed(**block, keep="forever").keep == "forever"
