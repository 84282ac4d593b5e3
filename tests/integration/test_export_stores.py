"""An export says the same of a history wherever it lies: every version, month by month and feed by feed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from history_stores import DAY, T0, Store, change, put, reading

from data.exporting import Exporter, Wanted, export_parts

pytestmark = pytest.mark.integration


def test_every_version_is_exported_once_from_any_store(store: Store, tmp_path: Path) -> None:
    writer = store.writer()
    put(writer, "observation", reading(1, T0, 1.0), reading(2, T0 + 20 * DAY, 5.0))
    put(writer, "observation", reading(3, T0, 2.0, prev=1))
    put(writer, "observation", reading(4, T0, 1.0, prev=3), reading(5, T0, 9.0, station="s2"))
    put(writer, "observation", reading(6, T0, 7.0, feed="rain"))
    put(writer, "event", change(7, "e1", "received", T0), change(8, "e1", "closed", T0 + DAY))
    (tmp_path / "out").mkdir()
    root = store.folder / "history" if store.server is None else None

    parts = export_parts(Exporter(store.reader(), root, tmp_path / "out", Wanted()), lambda _more: None)

    found = {part.path: pq.read_table(tmp_path / "out" / part.path) for part in parts}
    assert {path: rows["seq"].to_pylist() for path, rows in found.items()} == {
        "event/2026-11/hotline.parquet": [7, 8], "observation/2026-11/air.parquet": [1, 3, 4, 5],
        "observation/2026-11/rain.parquet": [6], "observation/2026-12/air.parquet": [2]}
    air = found["observation/2026-11/air.parquet"]
    assert air.select(["prev", "value", "station"]).to_pydict() == {
        "prev": [0, 1, 3, 0], "value": [1.0, 2.0, 1.0, 9.0], "station": ["s1", "s1", "s1", "s2"]}
    assert air.schema.field("seq").type == pa.int64()


def test_an_export_as_known_at_leaves_out_what_came_later(store: Store, tmp_path: Path) -> None:
    writer = store.writer()
    put(writer, "observation", reading(1, T0, 1.0, received=T0 + 1))
    put(writer, "observation", reading(2, T0, 2.0, prev=1, received=T0 + DAY))
    (tmp_path / "out").mkdir()
    root = store.folder / "history" if store.server is None else None

    wanted = Wanted(known_at_us=T0 + 2)
    parts = export_parts(Exporter(store.reader(), root, tmp_path / "out", wanted), lambda _more: None)

    assert [(part.path, part.rows) for part in parts] == [("observation/2026-11/air.parquet", 1)]
