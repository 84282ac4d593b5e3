"""By column the same comes out as record by record: same reasons, same divisions, same rows; and staged as they are."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import bulk, bulk_files
from data.acceptance import Lane
from data.bulk import Stager
from data.bulk_files import chunks
from data.clock import Clock
from data.history_staged import check_staged
from data.identity import IdentityIndex
from data.pack import load_pack
from data.quarantine import kind_of
from data.quarantine_view import Chosen, QuarantineView
from data.registry import Registry
from data.times import parse_instant
from geo.locate import Locator

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
NOW = parse_instant("2026-11-22T08:00:00+08:00")
MINUTE = 60_000_000
GAUGES = ({"id": f"g{n}", "layer": "gauge", "name": "站", "lon": 100.0 + n * 0.03, "lat": 30.05} for n in range(1, 6))


FAULTS = [("value", 99.9), ("value", -6.0), ("value", 100.5), ("value", float("nan")), ("value", float("inf")),
          ("time", NOW + 6 * MINUTE), ("time", 1_700_000_000), ("time", -5), ("station", "nobody"), ("station", "shed"),
          ("station", ""), ("station", "g\x011"), ("station", "x" * 201), ("metric", "flow"), ("metric", "")]


class Fixed(Clock):
    def now_us(self):
        return NOW


class Empty:
    def identities(self, *_):
        return []


@pytest.fixture(scope="module")
def registry():
    found = Registry(PACK.divisions, Locator(PACK.divisions))
    lane(found, "stations").prepare([*GAUGES, {"id": "shed", "layer": "shelter", "name": "棚"}], 1, NOW)
    return found


def lane(registry, feed):
    return Lane(feed, PACK.feeds[feed], PACK, registry, IdentityIndex(Empty()))


def stage(tmp_path, registry, feed, table):
    path = tmp_path / "in.parquet"
    pq.write_table(table, path)
    stager = Stager(PACK, feed, registry, Fixed(), tmp_path)
    for chunk in chunks(path, PACK.feeds[feed], Fixed()):
        stager.take(chunk)
    for staged in stager.finish():
        check_staged(PACK.feeds[feed].kind, staged)
    tables = [pq.read_table(staged) for staged in stager.paths]
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    kept = QuarantineView(tmp_path / "quarantine").rows(Chosen(), 100_000)[::-1]
    return rows, kept, stager.tally


def picked(rows, names):
    return [tuple(row[name] for name in names) for row in rows]


def told(reasons):
    """Reasons without the particulars, whatever the width of the punctuation."""
    wide = str.maketrans("（），；：", "(),;:")
    return Counter(reason.translate(wide).split(":")[0].split("(")[0] for reason in reasons)


def readings(seed):
    """Five-minute series of five gauges with jumps, caps, wrong times and stations, gaps and disorder; no repeats."""
    rng = np.random.default_rng(seed)
    rows = []
    for minute in range(0, 600, 5):
        for n in range(1, 6):
            value = 10.0 + n + rng.normal(0, 3) + (40 if rng.random() < 0.03 else 0)
            row = {"station": f"g{n}", "metric": "level", "time": NOW - 700 * MINUTE + minute * MINUTE, "value": value}
            fault = rng.random()
            if n == 5 and fault > 0.2:
                continue
            if fault < 0.1:
                name, value = FAULTS[int(fault * 10_000) % len(FAULTS)]
                row[name] = value
            rows.append(row)
    late = rng.permutation(len(rows))[:20]
    for i, j in zip(late[::2].tolist(), late[1::2].tolist(), strict=True):
        rows[i], rows[j] = rows[j], rows[i]
    seen = set()
    return [row for row in rows if not ((key := (row["station"], row["metric"], row["time"])) in seen or seen.add(key))]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [40, 100_000])
def test_observations_like_record_by_record(tmp_path, registry, monkeypatch, seed, size):
    monkeypatch.setattr(bulk_files, "CHUNK_ROWS", size)
    monkeypatch.setattr(bulk, "FILE_ROWS", 200)
    raws = readings(seed)
    live = lane(registry, "gauges").prepare(raws, 1, NOW)
    rows, kept, tally = stage(tmp_path, registry, "gauges", pa.Table.from_pylist(raws))
    names = ("station", "metric", "time", "value", "code")
    assert picked(rows, names) == picked(live.rows, names)
    assert told(item["reason"] for item in kept) == told(reason for _, reason in live.rejected)
    assert any("较上一读数变化" in item["reason"] for item in kept)
    assert (tally.read, tally.staged, tally.rejected) == (len(raws), len(live.rows), len(live.rejected))


def test_events_like_record_by_record(tmp_path, registry):
    base = {"time": NOW - 60 * MINUTE, "category": "road", "channel": "phone", "stage": "received",
            "stage_time": NOW - 60 * MINUTE, "lon": 100.05, "lat": 30.05, "division": None, "reporter": None,
            "due": None}
    change = [{}, {"lon": 100.15}, {"lon": None, "lat": None, "division": "990101002000"}, {"lon": None, "lat": None},
              {"lon": 30.05, "lat": 100.05}, {"lon": 0.0, "lat": 0.0}, {"lon": 120.0}, {"stage": "lost"},
              {"division": "42"}, {"stage_time": NOW + 60 * MINUTE}, {"time": 5}, {"due": NOW + 10**15},
              {"due": NOW * 1000}, {"reporter": "张三丰"}, {"reporter": "13800001278"}, {"category": ""}, {"lon": None}]
    raws = [{**base, **more, "id": f"e{n}"} for n, more in enumerate(change)]
    live = lane(registry, "cases").prepare(raws, 1, NOW)
    rows, kept, _ = stage(tmp_path, registry, "cases", pa.Table.from_pylist(raws))
    names = ("id", "code", "lon", "division", "reporter", "due", "stage")
    assert picked(rows, names) == picked(live.rows, names)
    assert len(live.rows) == 6
    assert told(item["reason"] for item in kept) == told(reason for _, reason in live.rejected)


def test_warnings_pass_with_json_in_one_form(tmp_path, registry):
    base = {"kind": "rain", "level": "red", "sent": NOW - MINUTE, "expires": NOW + 60 * MINUTE, "demo": True,
            "received": NOW - MINUTE}
    raws = [{**base, "id": "a", "divisions": '[ "990101001000" ]'}, {**base, "id": "b", "divisions": '["42"]'},
            {**base, "id": "c", "divisions": "[broken"}, {**base, "id": "d", "divisions": None}]
    rows, kept, tally = stage(tmp_path, registry, "warnings", pa.Table.from_pylist(raws))
    assert [(row["id"], row["divisions"], row["received"], row["code"]) for row in rows] == [
        ("a", '["990101001000"]', NOW - MINUTE, "990101000000")]
    assert sorted(orjson.loads(item["raw"])["id"] for item in kept) == ["b", "c", "d"]
    assert tally.rejected == 3


def test_reasons_are_counted_without_their_values():
    assert kind_of("pm25 的值 999 高于上限 500") == "pm25 的值 # 高于上限 #"
    assert kind_of("不认识的站点 air-12;请先送来") == kind_of("不认识的站点 air-9") == "不认识的站点"
    assert kind_of("不是 UTF-8 文字；请改") == "不是 UTF-8 文字", "a word with a figure is no value"
    bare = "time: 时间 '2026-11-22T{}' 缺少时区偏移"
    assert kind_of(bare.format("08:00:00")) == kind_of(bare.format("09:30"))


def test_what_is_refused_is_kept_with_the_coordinates_it_came_with(tmp_path, registry):
    """It may be sent in again, and is converted then."""
    feed = PACK.feeds["cases"].model_copy(update={"crs": "GCJ-02"})
    pack = replace(PACK, feeds={**PACK.feeds, "cases": feed})
    row = {"id": "1", "time": NOW, "channel": "grid", "category": "road", "stage": "received", "stage_time": NOW,
           "lon": 108.0, "lat": 34.0}
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    stager = Stager(pack, "cases", registry, Fixed(), tmp_path)
    for chunk in chunks(path, feed, Fixed()):
        stager.take(chunk)
    [kept] = QuarantineView(tmp_path / "quarantine").rows(Chosen())
    assert "之外" in kept["reason"]
    assert {name: orjson.loads(kept["raw"])[name] for name in ("lon", "lat")} == {"lon": 108.0, "lat": 34.0}
