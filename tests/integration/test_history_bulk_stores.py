"""Staged Parquet becomes history in every store that is written: the same assertions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from history_stores import (
    DAY,
    EVER,
    T0,
    Store,
    batch,
    put,
    reading,
    staged,
)

from data.errors import WrongInput
from data.history_intake import Intake

pytestmark = pytest.mark.integration


def test_bulk_rows_enter_by_month_with_running_numbers(store: Store, tmp_path: Path) -> None:
    writer, reader = store.writer(), store.reader()
    path = staged(tmp_path, "a.parquet", [("b", T0, 2.0), ("a", T0, 1.0), ("a", T0 - 40 * DAY, 0.5)],
                  code=["x", None, "y"])
    assert writer.publish_bulk("observation", "air", [path], 100) == (3, 0)
    told = reader.manifest()
    assert (told.loads[-1].kind, told.loads[-1].feed, told.loads[-1].day1, told.loads[-1].seq1) == (
        "observation", "air", T0 // DAY, 102)
    rows = reader.rows("observation", EVER)
    assert sorted(rows["seq"].to_pylist()) == [100, 101, 102]
    assert (set(rows["prev"].to_pylist()), sorted(rows["code"].to_pylist())) == ({0}, ["", "x", "y"])
    assert {entry.partition for entry in told.files} == {"2026-10", "2026-11"}
    assert (told.bulk, told.checkpoint, writer.last_seq) == (1, 0, 102)
    assert store.writer().last_seq == 102


def test_bulk_duplicates_and_versions(store: Store, tmp_path: Path) -> None:
    writer, reader = store.writer(), store.reader()
    put(writer, "observation", reading(1, T0, 1.0, station="a"), reading(2, T0, 1.0, station="b"),
        reading(3, T0, 9.0, station="a", feed="other"))
    rows = [("a", T0, 5.0), ("b", T0, 1.0), ("c", T0, 1.0), ("a", T0, 2.0)]
    assert writer.publish_bulk("observation", "air", [staged(tmp_path, "1.parquet", rows)], 10) == (2, 2)
    found = reader.rows("observation", EVER, ["air"], ["station", "value", "prev"]).sort_by("station").to_pylist()
    assert [tuple(row.values()) for row in found] == [("a", 2.0, 1), ("b", 1.0, 0), ("c", 1.0, 0)]
    again = [staged(tmp_path, "2.parquet", rows), staged(tmp_path, "3.parquet", [("a", T0, 1.0)])]
    assert writer.publish_bulk("observation", "air", again, 20) == (1, 4)
    assert [row["value"] for row in reader.rows("observation", EVER, ["air"], ["value", "station"]).sort_by(
        "station").to_pylist()] == [1.0, 1.0, 1.0]
    assert reader.manifest().bulk == 2
    assert writer.publish_bulk("observation", "air", [again[1]], 30) == (0, 1)
    assert (reader.manifest().bulk, len(reader.manifest().loads)) == (3, 3)


def test_a_used_number_is_refused(store: Store, tmp_path: Path) -> None:
    writer = store.writer()
    put(writer, "observation", reading(8))
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0)])
    with pytest.raises(ValueError, match="8"):
        writer.publish_bulk("observation", "air", [path], 8)
    writer.publish_bulk("observation", "air", [path], 9)
    with pytest.raises(ValueError, match="9"):
        writer.publish_bulk("observation", "air", [path], 9)


def test_a_live_row_that_came_meanwhile_wins(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, reader = store.writer(), store.reader()
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0, 1.0)])
    real = Intake.rows

    def slow(intake: Intake, partition: str, files: list[str]) -> object:
        rows = real(intake, partition, files)
        writer.append(batch("observation", reading(50, T0, 7.0, station="a")))
        return rows
    monkeypatch.setattr(Intake, "rows", slow)
    assert writer.publish_bulk("observation", "air", [path], 10) == (1, 1)
    found = reader.rows("observation", EVER, ["air"], ["station", "value", "seq"]).sort_by("station").to_pylist()
    assert [tuple(row.values())[:2] for row in found] == [("a", 7.0), ("b", 1.0)]


def test_kinds_without_a_day_and_only_demo_rows_say_when(store: Store, tmp_path: Path) -> None:
    writer, reader = store.writer(), store.reader()
    pq.write_table(pa.table({"id": ["a", "b", "a"], "layer": ["x"] * 3, "name": ["1", "2", "3"],
                             "properties": ['{"k":1}', None, '{"k":[2]}']}), tmp_path / "assets.parquet")
    assert writer.publish_bulk("asset", "assets", [tmp_path / "assets.parquet"], 1) == (2, 1)
    assert sorted((row["name"], str(row["properties"])) for row in reader.current_assets()) == [
        ("2", "None"), ("3", "{'k': [2]}")]
    assert reader.manifest().files[0].partition == "all"
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0, 2.0)], demo=[True, False],
                  received=pa.array([T0 + 5, T0 + 5]))
    writer.publish_bulk("observation", "air", [path], 10)
    found = reader.rows("observation", EVER, columns=["station", "received"]).sort_by("station")["received"].to_pylist()
    assert (found[0], found[1] == T0 + 5) == (T0 + 5, False)


def test_wrong_files_and_unknown_kinds_are_named(store: Store, tmp_path: Path) -> None:
    writer = store.writer()
    with pytest.raises(WrongInput, match="vaule"):
        writer.publish_bulk("observation", "air", [staged(tmp_path, "a.parquet", [("a", T0, 1.0)], vaule=[1.0])], 1)
    with pytest.raises(WrongInput, match="station"):
        writer.publish_bulk("observation", "air", [staged(tmp_path, "b.parquet", [("a", T0, 1.0)],
                                                          station=pa.array([None], pa.string()))], 1)
    with pytest.raises(WrongInput, match="weather"):
        writer.publish_bulk("weather", "air", [], 1)
    assert (writer.manifest.version, writer.manifest.files) == (0, ())
