"""The history: one reader and its writers, over the store that YIPING_HISTORY_URL names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from data.batches import Batch
from data.clock import Clock
from data.errors import WrongInput
from data.history_postgres import PostgresEngine, Server
from data.history_postgres_write import PostgresWriter
from data.history_read import Engine, HistoryReader
from data.history_rework import Rework
from data.history_span import MONTH, Span
from data.history_spark import SparkEngine, folder_of
from data.history_write import HistoryWriter
from data.manifest import FileEntry, Manifest
from data.pack import Pack
from data.settings import Settings

__all__ = ["MONTH", "Engine", "FileEntry", "HistoryReader", "HistoryWriter", "Manifest", "PostgresEngine",
           "PostgresWriter", "Span", "Writer", "files_of", "open_reader", "open_writer"]
_STORES = ("postgresql", "spark")


def files_of(settings: Settings) -> Path | None:
    """The folder of a history in Parquet files; None where it lies in a database. Raises WrongInput as open_reader."""
    kind = _kind(settings)
    if kind == "postgresql":
        return None
    return folder_of(settings.history_url) if kind == "spark" else settings.state_dir / "history"


def open_reader(settings: Settings, pack: Pack) -> HistoryReader:
    """The reader of a place's history; nothing is reached yet.

    Raises:
        WrongInput: YIPING_HISTORY_URL names no store we know.
    """
    files = files_of(settings)
    if files is None:
        return HistoryReader(PostgresEngine(_server(settings, pack)))
    return HistoryReader(SparkEngine(settings.history_url) if settings.history_url else files)


def open_writer(settings: Settings, pack: Pack, clock: Clock, collector: str = "") -> Writer:
    """The writer of a collector; '' is the name of the only one.

    Raises:
        WrongInput: YIPING_HISTORY_URL names no store that can be written.
        Unavailable: the store cannot be opened.
    """
    files = files_of(settings)
    if files is None:
        return PostgresWriter(_server(settings, pack), settings.state_dir / "history", clock, collector)
    return HistoryWriter(files, clock)


class Writer(Protocol):
    """What a collector asks of a history; each method as HistoryWriter says it."""

    @property
    def manifest(self) -> Manifest:
        """What is published now."""
        ...

    @property
    def checkpoint(self) -> int:
        """Every live row of the collector with seq ≤ this is in."""
        ...

    @property
    def last_seq(self) -> int:
        """The greatest number used so far; new numbers start above it."""
        ...

    def append(self, batch: Batch) -> None:
        """Buffers a batch."""
        ...

    def commit(self) -> None:
        """Writes what is buffered, wholly or not at all."""
        ...

    def publish_bulk(self, kind: str, feed: str, paths: list[Path], first_seq: int) -> tuple[int, int]:
        """Publishes staged canonical Parquet of one feed; returns (accepted, duplicate)."""
        ...

    def rework(self, work: Callable[[Rework], None]) -> None:
        """Shows what `work` makes of files instead of those; a store without files refuses."""
        ...

    def compact(self) -> None:
        """Tidies up, answers unchanged."""
        ...


def _kind(settings: Settings) -> str:
    """The store that is set. What else the address says is not repeated: it may hold a password."""
    scheme, colon, _ = settings.history_url.partition("://")
    kind = {"postgres": "postgresql"}.get(scheme.lower(), scheme.lower())
    if settings.history_url and (not colon or kind not in _STORES):
        named = f"不认得 {scheme[:20]!r}" if colon else "不是一个地址"
        raise WrongInput(f"设置 YIPING_HISTORY_URL {named}；应为空（Parquet 文件）、"
                         "postgresql://用户:密码@主机:端口/库 或 spark://主机:端口/目录")
    return kind


def _server(settings: Settings, pack: Pack) -> Server:
    return Server(settings.history_url, f"yiping_{pack.place.code}")
