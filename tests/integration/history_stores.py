"""The stores a history may lie in, each opened empty: what the tests of one contract run over."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.batches import Batch
from data.clock import Clock, to_us
from data.history import HistoryReader, HistoryWriter, PostgresEngine, PostgresWriter, Span, Writer
from data.history_postgres import Server
from data.history_spark import SparkEngine
from data.records import parse

T0 = to_us(datetime(2026, 11, 20, tzinfo=UTC))
HOUR, DAY = 3_600_000_000, 86_400_000_000
EVER = Span(-(2**60), 2**62)
WRITTEN = ("parquet", "postgresql")
# pyspark leaves the sockets over which answers come to the collector of garbage.
SPARK = pytest.param("spark", marks=pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
READ = (*WRITTEN, SPARK)


@dataclass
class Store:
    """A place in a store: any number of readers and writers of it."""

    folder: Path
    server: Server | None = None
    cluster: str = ""
    _spark: list[SparkEngine] = field(default_factory=list)

    def writer(self, collector: str = "") -> Writer:
        if self.server is None:
            return HistoryWriter(self.folder / "history", Clock())
        return PostgresWriter(self.server, self.folder / "scratch", Clock(), collector)

    def reader(self) -> HistoryReader:
        if self.cluster:
            self._spark.append(SparkEngine(f"{self.cluster}{self.folder}/history"))
            return HistoryReader(self._spark[-1])
        return HistoryReader(self.folder / "history" if self.server is None else PostgresEngine(self.server))

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
        if self.cluster:
            gc.collect()


def postgres_store(address: str, folder: Path) -> Store:
    """An empty schema of its own."""
    return Store(folder, Server(address, f"yiping_{secrets.token_hex(4)}"))


def meta(seq: int, feed: str, prev: int = 0, received: int | None = None, code: str = "c1") -> dict[str, Any]:
    return {"seq": seq, "prev": prev, "received": seq if received is None else received, "feed": feed, "code": code}


def reading(seq: int, time: int = T0, value: float = 1.0, *, feed: str = "air", station: str = "s1",
            metric: str = "pm25", **more: Any) -> dict[str, Any]:
    row = parse("observation", {"station": station, "metric": metric, "time": time, "value": value})
    return {**row, **meta(seq, feed, **more)}


def change(seq: int, id_: str, stage: str, stage_time: int, *, feed: str = "hotline", **more: Any) -> dict[str, Any]:
    said = {key: more.pop(key) for key in ("act", "department", "due", "satisfaction", "title") if key in more}
    row = parse("event", {"id": id_, "time": T0 - DAY, "category": "noise", "channel": "12345", "stage": stage,
                          "stage_time": stage_time, "division": "c1", **said})
    return {**row, **meta(seq, feed, **more)}


def batch(kind: str, *rows: dict[str, Any]) -> Batch:
    return Batch(rows[0]["seq"], rows[-1]["seq"], rows[0]["feed"], kind, rows[0]["received"], list(rows))


def put(writer: Writer, kind: str, *rows: dict[str, Any]) -> None:
    writer.append(batch(kind, *rows))
    writer.commit()


def seqs(reader: HistoryReader, kind: str = "observation", feeds: Sequence[str] | None = None,
         **span: Any) -> list[int]:
    return sorted(reader.rows(kind, replace(EVER, **span), feeds, columns=["seq"])["seq"].to_pylist())


def staged(folder: Path, name: str, rows: list[tuple[str, int, float]], **more: object) -> Path:
    columns = {"station": [row[0] for row in rows], "time": pa.array([row[1] for row in rows], pa.int64()),
               "value": [row[2] for row in rows], "metric": ["pm25"] * len(rows), **more}
    pq.write_table(pa.table(columns), folder / name)
    return folder / name
