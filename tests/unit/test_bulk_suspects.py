"""What only earlier readings or many points tell, by column: the same as record by record, from chunk to chunk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_bulk_columns import MINUTE, NOW, PACK, Empty, Fixed, picked, told

from data import bulk_files
from data.acceptance import Lane
from data.bulk import Stager
from data.bulk_files import chunks
from data.history import HistoryReader, HistoryWriter, Span
from data.identity import IdentityIndex
from data.quarantine_view import Chosen, QuarantineView
from data.registry import Registry
from geo.crs import wgs84_to_gcj02
from geo.locate import Locator

HOUR = 60 * MINUTE
NAMES = ("station", "metric", "time", "value", "quality")


def world(**checks):
    """The tiny place with other checks of the gauges, its registry, and the lane of a feed."""
    feed = PACK.feeds["gauges"].model_validate(PACK.feeds["gauges"].model_dump() | {"checks": checks})
    pack = replace(PACK, feeds={**PACK.feeds, "gauges": feed})
    registry = Registry(pack.divisions, Locator(pack.divisions))
    gauges = [{"id": f"g{n}", "layer": "gauge", "name": "站", "lon": 100.0 + n * 0.03, "lat": 30.05}
              for n in range(1, 6)]
    lane_of(pack, registry, "stations").prepare(gauges, 1, NOW)
    return pack, registry, gauges


def lane_of(pack, registry, feed):
    return Lane(feed, pack.feeds[feed], pack, registry, IdentityIndex(Empty()))


def staged(tmp_path, pack, registry, feed, rows):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    stager = Stager(pack, feed, registry, Fixed(), tmp_path)
    for chunk in chunks(path, pack.feeds[feed], Fixed()):
        stager.take(chunk)
    stager.finish()
    found = [row for one in stager.paths for row in pq.read_table(one).to_pylist()]
    return found, [row["reason"] for row in QuarantineView(tmp_path / "quarantine").rows(Chosen(), 100_000)], stager


def series(seed):
    """Hourly values of five gauges and two metrics: steady, frozen, zero, with jumps of units, gaps and disorder."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(1, 6):
        for metric in ("level", "flow"):
            value, factor, at = 5.0 + n, 1.0, NOW - 400 * HOUR
            for number in range(300):
                at += HOUR if rng.random() > 0.01 else 30 * HOUR
                dice = rng.random()
                if dice < 0.02:
                    factor = rng.choice([1.0, 10.0, 100.0, 0.01, 1000.0])
                elif dice < 0.1:
                    value = float(rng.choice([0.0, 5.0 + n, 50.0, 7.0]))
                elif number % 100 > 40:
                    value *= 1 + rng.normal(0, 0.01)
                rows.append({"station": f"g{n}", "metric": metric, "time": min(at, NOW - MINUTE - 2 * number + 300),
                             "value": value * factor, "quality": "ok" if number % 50 == 3 else None})
    for i, j in rng.integers(0, len(rows), (15, 2)).tolist():
        rows[i], rows[j] = rows[j], rows[i]
    keys = set()
    return [row for row in rows if not ((key := (row["station"], row["metric"], row["time"])) in keys or keys.add(key))]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [70, 100_000])
@pytest.mark.parametrize("more", [{}, {"max_step": 400.0}])
def test_series_like_record_by_record(tmp_path, monkeypatch, seed, size, more):
    monkeypatch.setattr(bulk_files, "CHUNK_ROWS", size)
    pack, registry, _ = world(level={"unit_jump": [10, 100, 1000], "frozen": "12h", "high": 4000.0, **more})
    raws = series(seed)
    live = lane_of(pack, registry, "gauges").prepare(raws, 1, NOW)
    rows, reasons, _ = staged(tmp_path, pack, registry, "gauges", raws)
    assert picked(rows, NAMES) == picked(live.rows, NAMES)
    assert told(reasons) == told(reason for _, reason in live.rejected)
    words = " ".join(reasons)
    assert "疑似单位变了" in words
    assert "高于上限" in words
    flags = {row["quality"] for row in rows}
    assert {None, "+frozen", "ok"} <= flags


def test_a_common_shift_of_registered_points_is_refused(tmp_path):
    pack, registry, gauges = world()
    lon, lat = wgs84_to_gcj02(np.array([row["lon"] for row in gauges]), np.array([row["lat"] for row in gauges]))
    moved = [{**row, "lon": float(x), "lat": float(y)} for row, x, y in zip(gauges, lon, lat, strict=True)]
    new = {"id": "new", "layer": "gauge", "name": "站", "lon": 100.1, "lat": 30.05}
    rows, reasons, stager = staged(tmp_path, pack, registry, "stations", [*moved, new])
    assert [row["id"] for row in rows] == ["new"]
    assert all("疑似火星坐标（GCJ-02）：5 个已登记的点" in reason for reason in reasons)
    assert stager.tally.rejected == 5
    live = lane_of(pack, registry, "stations").prepare([*moved, new], 1, NOW)
    assert told(reasons) == told(reason for _, reason in live.rejected)


def test_our_flag_makes_no_new_version_in_the_history(tmp_path):
    pack, registry, _ = world(level={"frozen": "12h"})
    steady = [{"station": "g1", "metric": "level", "time": NOW - n * HOUR, "value": 3.0} for n in range(20, 0, -1)]
    writer = HistoryWriter(tmp_path / "history")
    *_, first = staged(tmp_path, pack, registry, "gauges", steady[10:])
    assert writer.publish_bulk("observation", "gauges", first.paths, 1) == (10, 0)
    rows, _, again = staged(tmp_path, pack, registry, "gauges", steady)
    assert sum(row["quality"] == "+frozen" for row in rows) == 8
    assert writer.publish_bulk("observation", "gauges", again.paths, 100) == (10, 10)
    assert HistoryReader(tmp_path / "history").rows("observation", Span(0, 2**62)).num_rows == 20


def test_a_file_read_by_column_names_all_its_columns(tmp_path):
    text = "id,t,new\n1,2026-11-20T00:00:00Z,x\n"
    (tmp_path / "a.csv").write_text(text, "utf-8")
    block = PACK.feeds["gauges"].model_dump() | {
        "map": {"fields": {"station": "id", "time": "t"}, "constants": {"metric": "level", "value": 1.0}},
        "source": {"kind": "file", "format": "csv"}, "stations": ""}
    feed = PACK.feeds["gauges"].model_validate(block)
    (chunk,) = [one for one in chunks(tmp_path / "a.csv", feed, Fixed()) if one.table.num_rows]
    assert chunk.sample is not None
    assert set(chunk.sample) == {"id", "t", "new"}
