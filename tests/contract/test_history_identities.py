"""The digests that history answers are those of a live record, for every kind."""

import pytest

from data.batches import Batch
from data.history import HistoryReader, HistoryWriter
from data.records import KINDS, content, identity, parse

T0 = 1_795_132_800_000_000
RAW = {
    "observation": [
        {"station": "s1", "metric": "pm25", "time": T0, "value": 1},
        {"station": "站点,“一”", "metric": "o3", "time": T0 + 1, "value": -0.0, "quality": "good"},
        {"station": "s1", "metric": "pm25", "time": T0 - 1, "value": 5e-324},
        {"station": "s1", "metric": "pm25", "time": T0 + 2, "value": 0.1 + 0.2, "demo": True}],
    "event": [
        {"id": "e1", "time": T0, "category": "noise", "channel": "12345", "stage": "received", "stage_time": T0 + 5,
         "division": "360731104000"},
        {"id": "e1", "time": T0, "category": "noise", "channel": "12345", "stage": "closed", "stage_time": T0 + 9,
         "lon": 115.4, "lat": 25.95, "title": "a\x1fb", "detail": "一\n二", "due": T0 + 10**12, "satisfaction": 5}],
    "indicator": [
        {"indicator": "gdp", "division": "360731000000", "period": "2026Q1..Q3", "basis": "cumulative", "value": 1e20},
        {"indicator": "gdp", "division": "360731000000", "period": "2026", "basis": "annual", "yoy": 6.1, "rank": 3,
         "released": T0, "note": "初步"}],
    "asset": [
        {"id": "a1", "layer": "hydrant", "name": "消火栓"},
        {"id": "a2", "layer": "shelter", "name": "广场", "lon": 115.4, "lat": 25.9,
         "geometry": {"type": "LineString", "coordinates": [[1, 2.50], [3.0, 4]]},
         "properties": {"z": 1, "a": [True, None, "é", 2**53 + 1, 1.0], "nested": {"k": ""}}}],
    "warning": [
        {"id": "w1", "kind": "rain", "level": "red", "sent": T0, "expires": T0 + 1, "divisions": ["360731104000", "1"]},
        {"id": "w2", "kind": "rain", "level": "blue", "sent": T0, "expires": T0 + 1, "polygon": "25.1,115.2 25.3,115.4",
         "references": ["w1"]}],
}


@pytest.mark.parametrize("kind", KINDS)
def test_identities_of_history_equal_those_of_live_records(tmp_path, kind):
    rows = [{**parse(kind, raw), "seq": seq, "prev": 0, "received": T0, "feed": "f", "code": ""}
            for seq, raw in enumerate(RAW[kind], 1)]
    writer = HistoryWriter(tmp_path)
    writer.append(Batch(1, len(rows), "f", kind, T0, rows))
    writer.commit()
    expected = {(identity(kind, "f", row), content(kind, row), row["seq"]) for row in rows}
    assert len(expected) == len(RAW[kind])
    assert set(HistoryReader(tmp_path).identities(kind, "f", T0 - 10, T0 + 100)) == expected
    assert HistoryReader(tmp_path).identities(kind, "other", T0 - 10, T0 + 100) == []
