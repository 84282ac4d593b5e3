"""Commits, versions, as-known-at, buckets, compaction, exactly-once and hostile manifests."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from time import thread_time

import orjson
import pytest

from data import history_compact, history_write
from data.batches import Batch
from data.clock import to_us
from data.errors import Unavailable
from data.history import MONTH, HistoryReader, HistoryWriter, Span
from data.manifest import read_manifest
from data.records import parse

T0 = to_us(datetime(2026, 11, 20, tzinfo=UTC))
HOUR, DAY = 3_600_000_000, 86_400_000_000
EVER = Span(0, 2**62)


def meta(seq, feed, prev=0, received=None, code="c1"):
    return {"seq": seq, "prev": prev, "received": received if received is not None else seq, "feed": feed, "code": code}


def reading(seq, time=T0, value=1.0, *, feed="air", station="s1", metric="pm25", **more):
    row = parse("observation", {"station": station, "metric": metric, "time": time, "value": value})
    return {**row, **meta(seq, feed, **more)}


def step(seq, id_, stage, stage_time, *, time=T0, feed="hotline", **more):
    row = parse("event", {"id": id_, "time": time, "category": "noise", "channel": "12345", "stage": stage,
                          "stage_time": stage_time, "division": "c1", "department": "d1"})
    return {**row, **meta(seq, feed, **more)}


def batch(kind, *rows):
    return Batch(rows[0]["seq"], rows[-1]["seq"], rows[0]["feed"], kind, rows[0]["received"], list(rows))


def put(writer, kind, *rows):
    writer.append(batch(kind, *rows))
    writer.commit()


def seqs(reader, kind="observation", **span):
    return sorted(reader.rows(kind, replace(EVER, **span), columns=["seq"])["seq"].to_pylist())


@pytest.fixture
def writer(tmp_path):
    return HistoryWriter(tmp_path / "history")


@pytest.fixture
def reader(writer):
    return HistoryReader(writer.root)


def test_nothing_was_ever_written(reader):
    assert reader.rows("observation", EVER).num_rows == 0
    assert reader.observation_buckets(["pm25"], ["air"], EVER).num_rows == 0
    assert reader.event_facts(EVER).num_rows == 0
    assert reader.changes_of({"cases": ["e1"]}, EVER).num_rows == 0
    assert reader.identities("event", "hotline", 0, 2**62) == []
    assert reader.current_assets() == []
    assert reader.run(reader.table("warning")).num_rows == 0


def test_rows_come_back_as_they_were(writer, reader):
    row = {**parse("warning", {"id": "w1", "kind": "rain", "level": "red", "sent": T0, "expires": T0 + HOUR,
                               "polygon": {"type": "Polygon", "coordinates": [[[1.5, 2], [3, 4], [5, 6], [1.5, 2]]]},
                               "references": ["w0"], "headline": "暴雨“红色”预警", "demo": True}), **meta(1, "cap")}
    put(writer, "warning", row)
    assert reader.current("warning") == [row]


def test_commit_splits_by_month_and_kind_and_moves_the_checkpoint(writer, reader):
    writer.append(batch("observation", reading(1), reading(2, T0 - 40 * DAY)))
    writer.append(batch("event", step(3, "e1", "received", T0)))
    assert (writer.checkpoint, writer.last_seq, reader.manifest().files) == (0, 3, ())
    writer.commit()
    found = {(entry.kind, entry.partition, entry.rows, entry.day0) for entry in reader.manifest().files}
    assert found == {("observation", "2026-11", 1, T0 // DAY), ("observation", "2026-10", 1, T0 // DAY - 40),
                     ("event", "2026-11", 1, T0 // DAY)}
    assert reader.manifest().checkpoint == writer.checkpoint == 3
    version = reader.manifest().version
    writer.commit()
    assert reader.manifest().version == version


def test_replay_after_a_crash_doubles_nothing(writer, reader):
    first, second = batch("observation", reading(1), reading(2, T0 + 1)), batch("observation", reading(3, T0 + 2))
    writer.append(first)
    writer.append(first)
    writer.commit()
    writer.append(second)
    again = HistoryWriter(writer.root)
    for item in (first, second, second):
        again.append(item)
    again.commit()
    assert seqs(reader) == [1, 2, 3]
    assert again.checkpoint == 3


def test_a_failed_commit_shows_nothing_and_keeps_the_rows(writer, reader, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
    put(writer, "observation", reading(1))
    with monkeypatch.context() as patch:
        patch.setattr(history_write, "write_manifest", full)
        writer.append(batch("observation", reading(2, T0 + 1)))
        with pytest.raises(Unavailable, match="磁盘"):
            writer.commit()
    assert seqs(reader) == [1]
    assert len(list(writer.root.glob("observation/*/*"))) == 1
    writer.append(batch("observation", reading(3, T0 + 2)))
    writer.commit()
    assert seqs(reader) == [1, 2, 3]


def test_versions_a_b_a(writer, reader):
    put(writer, "observation", reading(1, value=1.0))
    put(writer, "observation", reading(2, value=2.0, prev=1))
    put(writer, "observation", reading(3, value=1.0, prev=2), reading(4, T0 + HOUR))
    assert seqs(reader) == [3, 4]
    assert [seqs(reader, known_at_us=known) for known in (0, 1, 2, 3, 4)] == [[], [1], [2], [3], [3, 4]]
    assert sorted(reader.run(reader.table("observation", 2))["seq"].to_pylist()) == [2]
    assert [entry.replaced for entry in reader.manifest().files] == [0, 1, 1]
    buckets = reader.observation_buckets(["pm25"], ["air"], replace(EVER, known_at_us=2)).to_pylist()
    assert [(row["n"], row["total"]) for row in buckets] == [(1, 2.0)]


def test_rows_are_half_open_and_of_the_feeds(writer, reader):
    put(writer, "observation", reading(1, T0 - 1), reading(2, T0), reading(3, T0 + 1, feed="b"), reading(4, T0 + 2))
    assert sorted(reader.rows("observation", Span(T0, T0 + 2), columns=["seq"])["seq"].to_pylist()) == [2, 3]
    assert reader.rows("observation", Span(T0, T0 + 3), feeds=["b"])["seq"].to_pylist() == [3]
    assert reader.rows("observation", Span(T0, T0 + 3), feeds=["none"]).num_rows == 0


def test_buckets_begin_at_local_midnight(writer, reader):
    local = 8 * HOUR
    midnight = T0 - local
    put(writer, "observation", reading(1, midnight - 1, 5.0), reading(2, midnight, 1.0),
        reading(3, midnight + DAY - 1, 3.0), reading(4, midnight + HOUR, 9.0, code="c2"),
        reading(5, midnight, 7.0, station="s2"), reading(6, midnight, 7.0, metric="o3"))
    table = reader.observation_buckets(["pm25"], ["air"], Span(T0 - 5 * DAY, T0 + DAY, DAY, local))
    assert table.column_names == ["station", "metric", "code", "bucket", "n", "total", "low", "high", "last",
                                  "last_time"]
    assert sorted(tuple(row.values()) for row in table.to_pylist()) == [
        ("s1", "pm25", "c1", midnight - DAY, 1, 5.0, 5.0, 5.0, 5.0, midnight - 1),
        ("s1", "pm25", "c1", midnight, 2, 4.0, 1.0, 3.0, 3.0, midnight + DAY - 1),
        ("s1", "pm25", "c2", midnight, 1, 9.0, 9.0, 9.0, 9.0, midnight + HOUR),
        ("s2", "pm25", "c1", midnight, 1, 7.0, 7.0, 7.0, 7.0, midnight)]


def test_one_bucket_and_calendar_months(writer, reader):
    november = to_us(datetime(2026, 10, 31, 16, tzinfo=UTC))
    put(writer, "observation", reading(1, november - 1, 1.0), reading(2, november, 2.0), reading(3, T0, 3.0))
    whole = reader.observation_buckets(["pm25"], ["air"], Span(november - DAY, T0 + 1)).to_pylist()
    assert [(row["bucket"], row["n"], row["last"]) for row in whole] == [(november - DAY, 3, 3.0)]
    months = reader.observation_buckets(["pm25"], ["air"], Span(november - DAY, T0 + 1, MONTH, 8 * HOUR)).to_pylist()
    october = to_us(datetime(2026, 9, 30, 16, tzinfo=UTC))
    assert sorted((row["bucket"], row["n"]) for row in months) == [(october, 1), (november, 2)]


def test_compaction_keeps_every_answer(writer, reader, monkeypatch):
    for seq in range(1, 31):
        put(writer, "observation", reading(seq, T0 + seq // 2, float(seq), prev=seq - 1 if seq % 2 else 0))
    span, before = replace(EVER, known_at_us=20), reader.manifest()
    answers = [seqs(reader), seqs(reader, known_at_us=20), reader.identities("observation", "air", 0, 2**62),
               reader.observation_buckets(["pm25"], ["air"], span).to_pylist()]
    writer.compact()
    after = reader.manifest()
    assert (len(before.files), len(after.files), len(after.garbage)) == (30, 1, 30)
    assert (after.checkpoint, after.files[0].replaced) == (30, 14)
    assert sorted(map(str, answers[2])) == sorted(map(str, reader.identities("observation", "air", 0, 2**62)))
    assert answers[:2] == [seqs(reader), seqs(reader, known_at_us=20)]
    assert answers[3] == reader.observation_buckets(["pm25"], ["air"], span).to_pylist()
    assert len(list(writer.root.glob("observation/*/*"))) == 31
    HistoryWriter(writer.root).compact()
    assert len(list(writer.root.glob("observation/*/*"))) == 31
    monkeypatch.setattr(history_write, "KEEP_GARBAGE_S", -1.0)
    writer.compact()
    assert len(list(writer.root.glob("observation/*/*"))) == 1
    assert reader.manifest().garbage == ()
    assert seqs(reader) == answers[0]


def test_large_files_are_not_rewritten_with_small_ones(writer, monkeypatch):
    monkeypatch.setattr(history_compact, "STEPS", (2, 100))
    put(writer, "observation", reading(1), reading(2, T0 + 1), reading(3, T0 + 2))
    large = writer.manifest.files[0]
    for seq in range(4, 4 + history_compact.MOST + 1):
        put(writer, "observation", reading(seq, T0 + seq))
    writer.compact()
    assert large in writer.manifest.files
    assert len(writer.manifest.files) == 2


def test_orphans_of_a_crash_are_removed_at_opening(writer, reader):
    put(writer, "observation", reading(1))
    orphan = writer.root / "observation" / "2026-11" / "0000000000000002-dead.parquet"
    orphan.write_bytes(b"half")
    (writer.root / "manifest.json.tmp").write_bytes(b"half")
    (writer.root / "tmp" / "x").mkdir(parents=True)
    assert seqs(reader) == [1]
    HistoryWriter(writer.root)
    assert not orphan.exists()
    assert {path.name for path in writer.root.iterdir()} == {"manifest.json", "observation"}
    assert seqs(reader) == [1]


def test_a_missing_file_gives_one_sentence(writer, reader):
    put(writer, "observation", reading(1))
    path = writer.root / writer.manifest.files[0].path
    path.unlink()
    for attempt in (lambda: HistoryReader(writer.root).manifest(), lambda: HistoryWriter(writer.root)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert path.name in str(caught.value)
        assert "备份" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_damaged_file_gives_one_sentence(writer, reader):
    put(writer, "observation", reading(1))
    (writer.root / writer.manifest.files[0].path).write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(Unavailable, match="备份") as caught:
        reader.rows("observation", EVER)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"layout":99}', b'{"layout":1}', b"null", b"\xff\xfe",
                                  b'{"layout":1,"version":1,"checkpoint":1,"bulk":0,"files":[7],"garbage":[]}'])
def test_a_damaged_manifest_gives_one_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(Unavailable, match="备份"):
        HistoryReader(tmp_path).manifest()


def test_a_manifest_may_not_point_outside(writer):
    put(writer, "observation", reading(1))
    path = writer.root / "manifest.json"
    raw = orjson.loads(path.read_bytes())
    raw["files"][0]["path"] = "../../etc/passwd"
    path.write_bytes(orjson.dumps(raw))
    with pytest.raises(Unavailable, match="不认识的条目"):
        read_manifest(writer.root)


def test_the_reader_sees_a_new_manifest_of_equal_size_and_time(writer, reader):
    put(writer, "observation", reading(1))
    before, stat = reader.manifest(), (writer.root / "manifest.json").stat()
    put(writer, "observation", reading(2, T0 + 1))
    os.utime(writer.root / "manifest.json", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert reader.manifest().version == before.version + 1


def test_appending_is_cheap(writer):
    rows = [reading(seq, T0 + seq) for seq in range(1, 20_001)]
    start = thread_time()
    writer.append(batch("observation", *rows))
    assert len(rows) / (thread_time() - start) > 100_000
