"""Staged Parquet becomes history: duplicates, versions, months, numbers, live rows that come meanwhile."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import history_write
from data.batches import Batch
from data.clock import Clock, to_us
from data.errors import Unavailable, WrongInput
from data.history import HistoryReader, HistoryWriter, Span
from data.history_bulk import BulkJob
from data.history_files import SCHEMA
from data.records import parse

T0 = to_us(datetime(2026, 11, 20, tzinfo=UTC))
DAY = 86_400_000_000
EVER = Span(0, 2**62)


def staged(tmp_path, name, rows, **more):
    columns = {"station": [row[0] for row in rows], "time": pa.array([row[1] for row in rows], pa.int64()),
               "value": [row[2] for row in rows], "metric": ["pm25"] * len(rows), **more}
    path = tmp_path / name
    pq.write_table(pa.table(columns), path)
    return path


def live(writer, seq, station, time, value, prev=0, feed="air"):
    row = {**parse("observation", {"station": station, "metric": "pm25", "time": time, "value": value}), "seq": seq,
           "prev": prev, "received": seq, "feed": feed, "code": ""}
    writer.append(Batch(seq, seq, feed, "observation", seq, [row]))


def current(reader, *names):
    rows = reader.rows("observation", EVER, columns=names or ("station", "time", "value")).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


@pytest.fixture
def writer(tmp_path):
    return HistoryWriter(tmp_path / "history")


@pytest.fixture
def reader(writer):
    return HistoryReader(writer.root)


def test_rows_enter_by_month_with_running_numbers(tmp_path, writer, reader):
    path = staged(tmp_path, "a.parquet", [("b", T0, 2.0), ("a", T0, 1.0), ("a", T0 - 40 * DAY, 0.5)],
                  code=["x", None, "y"])
    before = Clock().now_us()
    assert writer.publish_bulk("observation", "air", [path], 100) == (3, 0)
    told = reader.manifest().loads[-1]
    assert (told.kind, told.feed, told.seq1) == ("observation", "air", 102)
    assert told.day1 == max(entry.day1 for entry in reader.manifest().files)
    table = reader.rows("observation", EVER)
    assert sorted(table["seq"].to_pylist()) == [100, 101, 102]
    assert set(table["prev"].to_pylist()) == {0}
    assert sorted(table["code"].to_pylist()) == ["", "x", "y"]
    assert before <= min(table["received"].to_pylist()) <= Clock().now_us()
    assert {entry.partition for entry in reader.manifest().files} == {"2026-10", "2026-11"}
    assert (reader.manifest().bulk, reader.manifest().checkpoint, writer.last_seq) == (1, 0, 102)
    assert not (writer.root / "tmp").exists() or not list((writer.root / "tmp").iterdir())


def test_files_are_in_the_order_that_pruning_needs(tmp_path, writer):
    path = staged(tmp_path, "a.parquet", [("b", T0, 1.0), ("a", T0 + 1, 2.0), ("b", T0 - 1, 3.0), ("a", T0, 4.0)])
    writer.publish_bulk("observation", "air", [path], 1)
    table = pq.read_table(writer.root / writer.manifest.files[0].path, partitioning=None)
    assert list(zip(table["station"].to_pylist(), table["time"].to_pylist(), strict=True)) == [
        ("a", T0), ("a", T0 + 1), ("b", T0 - 1), ("b", T0)]


def test_the_last_row_of_an_identity_counts_in_the_order_of_the_files(tmp_path, writer, reader):
    first = staged(tmp_path, "z.parquet", [("a", T0, 1.0), ("a", T0, 2.0), ("b", T0, 5.0)])
    second = staged(tmp_path, "a.parquet", [("b", T0, 6.0), ("b", T0, 7.0)])
    assert writer.publish_bulk("observation", "air", [first, second], 1) == (2, 3)
    assert current(reader) == [("a", T0, 2.0), ("b", T0, 7.0)]


def test_again_is_all_duplicates_and_changes_are_versions(tmp_path, writer, reader):
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0, 2.0)])
    assert writer.publish_bulk("observation", "air", [path], 1) == (2, 0)
    assert writer.publish_bulk("observation", "air", [path], 3) == (0, 2)
    assert len(reader.manifest().files) == 1
    changed = staged(tmp_path, "b.parquet", [("a", T0, 1.0), ("b", T0, 3.0), ("c", T0, 4.0)])
    assert writer.publish_bulk("observation", "air", [changed], 3) == (2, 1)
    assert current(reader) == [("a", T0, 1.0), ("b", T0, 3.0), ("c", T0, 4.0)]
    assert writer.publish_bulk("observation", "air", [path], 5) == (1, 1)
    assert current(reader, "station", "value", "seq") == [("a", 1.0, 1), ("b", 2.0, 5), ("c", 4.0, 4)]
    assert writer.publish_bulk("observation", "other", [path], 9) == (2, 0)


def test_optional_fields_take_part_in_the_comparison(tmp_path, writer):
    first = staged(tmp_path, "a.parquet", [("a", T0, 1.0)], quality=pa.array([None], pa.string()))
    assert writer.publish_bulk("observation", "air", [first], 1) == (1, 0)
    assert writer.publish_bulk("observation", "air", [staged(tmp_path, "b.parquet", [("a", T0, 1.0)])], 2) == (0, 1)
    second = staged(tmp_path, "c.parquet", [("a", T0, 1.0)], quality=["suspect"])
    assert writer.publish_bulk("observation", "air", [second], 2) == (1, 0)


def test_a_live_row_is_known_to_the_bulk_and_the_checkpoint_stays_live(tmp_path, writer, reader):
    live(writer, 5, "a", T0, 1.0)
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0, 2.0)])
    assert writer.publish_bulk("observation", "air", [path], 10) == (1, 1)
    assert reader.manifest().checkpoint == 5
    live(writer, 12, "b", T0, 3.0, prev=10)
    writer.commit()
    assert current(reader, "station", "seq") == [("a", 5), ("b", 12)]
    assert reader.manifest().checkpoint == 12


def test_live_rows_that_come_meanwhile_win(tmp_path, writer, reader, monkeypatch):
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0, 2.0), ("c", T0 - 40 * DAY, 3.0)])
    real = BulkJob.stage

    def slow(job, *args):
        made = real(job, *args)
        live(writer, 4, "a", T0, 9.0)
        writer.commit()
        live(writer, 5, "b", T0, 8.0, feed="elsewhere")
        return made
    monkeypatch.setattr(BulkJob, "stage", slow)
    assert writer.publish_bulk("observation", "air", [path], 1) == (2, 1)
    assert current(reader, "station", "value", "feed") == [
        ("a", 9.0, "air"), ("b", 2.0, "air"), ("b", 8.0, "elsewhere"), ("c", 3.0, "air")]
    assert len(list(writer.root.glob("observation/*/*"))) == len(reader.manifest().files)


def test_used_numbers_are_refused(tmp_path, writer):
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0)])
    live(writer, 7, "z", T0, 1.0)
    with pytest.raises(ValueError, match="7"):
        writer.publish_bulk("observation", "air", [path], 7)
    writer.publish_bulk("observation", "air", [path], 8)
    with pytest.raises(ValueError, match="8"):
        writer.publish_bulk("observation", "air", [path], 8)


def test_only_demo_rows_say_when_they_were_received(tmp_path, writer, reader):
    rows = [("a", T0, 1.0), ("b", T0, 2.0), ("c", T0, 3.0)]
    path = staged(tmp_path, "a.parquet", rows, demo=[True, False, True], received=pa.array([T0 + 5, T0 + 5, None]))
    writer.publish_bulk("observation", "air", [path], 1)
    found = {station: received for station, received in current(reader, "station", "received")}
    assert found["a"] == T0 + 5
    assert min(found["b"], found["c"]) > T0 + 5 or Clock().now_us() < T0


@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("ms"), pa.timestamp("us", "Asia/Shanghai"),
                                  pa.timestamp("ns"),
                                  pa.timestamp("s")])
def test_timestamps_are_instants(tmp_path, writer, reader, kind):
    time = pa.array([T0 // 1_000_000], pa.timestamp("s", kind.tz)).cast(kind)
    writer.publish_bulk("observation", "air", [staged(tmp_path, "a.parquet", [("a", 0, 1.0)], time=time)], 1)
    assert current(reader, "time") == [(T0,)]


def test_kinds_without_a_day_lie_in_one_partition(tmp_path, writer, reader):
    table = pa.table({"id": ["a", "b", "a"], "layer": ["x"] * 3, "name": ["1", "2", "3"],
                      "properties": ['{"k":1}', None, '{"k":[2]}']})
    pq.write_table(table, tmp_path / "assets.parquet")
    assert writer.publish_bulk("asset", "assets", [tmp_path / "assets.parquet"], 1) == (2, 1)
    assert [(row["name"], row["properties"]) for row in reader.current_assets()] in (
        [("3", {"k": [2]}), ("2", None)], [("2", None), ("3", {"k": [2]})])
    assert reader.manifest().files[0].partition == "all"


@pytest.mark.parametrize(("table", "word"), [
    ({"station": ["a"], "time": [T0], "value": [1.0]}, "metric"),
    ({"station": ["a"], "time": [T0], "value": [1.0], "metric": ["m"], "vaule": [2.0]}, "vaule"),
    ({"station": ["a", None], "time": [T0, T0], "value": [1.0, 1.0], "metric": ["m", "m"]}, "station"),
    ({"station": ["a"], "time": ["yesterday"], "value": [1.0], "metric": ["m"]}, "time"),
])
def test_wrong_files_are_named(tmp_path, writer, table, word):
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(WrongInput, match=word) as caught:
        writer.publish_bulk("observation", "air", [tmp_path / "a.parquet"], 1)
    assert "\n" not in str(caught.value)
    assert writer.manifest.version == 0


def test_what_is_no_parquet_is_named(tmp_path, writer):
    (tmp_path / "a.parquet").write_text("<html>200 OK</html>")
    with pytest.raises(WrongInput, match="不是可读的 Parquet"):
        writer.publish_bulk("observation", "air", [tmp_path / "a.parquet"], 1)


def test_a_failed_publish_shows_nothing(tmp_path, writer, reader, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0 - 40 * DAY, 1.0)])
    with monkeypatch.context() as patch:
        patch.setattr(history_write, "write_manifest", full)
        with pytest.raises(Unavailable, match="磁盘"):
            writer.publish_bulk("observation", "air", [path], 1)
    assert current(reader) == []
    assert not list(writer.root.glob("observation/*/*"))
    assert writer.publish_bulk("observation", "air", [path], 1) == (2, 0)


def test_bulk_files_have_the_columns_of_live_ones_also_where_nothing_was_before(tmp_path, writer):
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("a", T0 - 40 * DAY, 0.5)])
    writer.publish_bulk("observation", "air", [path], 100)
    written = [pq.read_schema(found) for found in (writer.root / "observation").rglob("*.parquet")]
    assert [found.types for found in written] == [SCHEMA["observation"].types] * 2
