"""The history: Parquet files under one manifest, written by one process, read by many through Ibis over DuckDB."""

from __future__ import annotations

from data.history_read import HistoryReader
from data.history_span import MONTH, Span
from data.history_write import HistoryWriter
from data.manifest import FileEntry, Manifest

__all__ = ["MONTH", "FileEntry", "HistoryReader", "HistoryWriter", "Manifest", "Span"]
