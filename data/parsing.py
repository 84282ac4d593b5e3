"""One request of the parser's child: a file and its feed → frames of chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa

from data.bulk_files import chunks
from data.clock import Clock
from data.pack import Feed
from data.sources.files import Chunk, ColumnChunk, read_file, read_raw

Form = Literal["rows", "columns", "raw"]


@dataclass(frozen=True)
class Request:
    """What to read and how: mapped rows, columns for the bulk door, or rows as they came; `feed` is JSON."""

    path: str
    feed: str
    form: Form
    offset_s: float

    def line(self) -> bytes:
        """As it is sent."""
        return orjson.dumps(asdict(self), option=orjson.OPT_APPEND_NEWLINE)


def answer(line: bytes) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """Frames of a request.

    Raises:
        WrongInput: the file cannot be understood.
    """
    request = Request(**orjson.loads(line))
    feed, clock = Feed.model_validate_json(request.feed), Clock(request.offset_s)
    if request.form != "columns":
        read = read_file if request.form == "rows" else read_raw
        for rows in read(Path(request.path), feed, clock):
            yield b"R", orjson.dumps(facts(rows) | {"rows": rows.rows}, default=str)
        return
    for columns in chunks(Path(request.path), feed, clock):
        yield b"C", orjson.dumps(facts(columns), default=str)
        yield b"T", _table(columns.table)


def facts(chunk: Chunk | ColumnChunk) -> dict[str, Any]:
    """Everything of a chunk but its records."""
    return {"rejected": [(raw.encode("utf-8", "replace").decode(), reason.encode("utf-8", "replace").decode())
                         for raw, reason in chunk.rejected],
            "read": chunk.read, "done_bytes": chunk.done_bytes, "total_bytes": chunk.total_bytes,
            "counts": chunk.counts, "columns": chunk.columns, "read_as": chunk.read_as,
            "sample": chunk.sample, **({"bare_time": chunk.bare_time} if isinstance(chunk, Chunk) else {})}


def _table(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())
