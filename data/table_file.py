"""One file of Arrow tables with a head: replaced as a whole by a rename, and read only where every sum fits."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from data.manifest import sync_folder

MARK = b"YPTABLE1"
_PACKED = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
_SUM, _LENGTH = 16, 8
_TAIL = _SUM + _LENGTH + len(MARK)


class Damaged(ValueError):
    """The file is not what was written."""


def write_tables(path: Path, head: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> int:
    """Replaces the file and gives its size in bytes: written beside, synced, renamed. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(3)}.new")
    try:
        with open(fresh, "xb", opener=_private) as out:
            parts = []
            for name, table in tables.items():
                body = _packed(table)
                out.write(body)
                parts.append([name, len(body), _sum(body).hex()])
            index = orjson.dumps({"head": head, "parts": parts})
            out.write(index + _sum(index) + len(index).to_bytes(_LENGTH, "big") + MARK)
            size = out.tell()
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)
    return size


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _packed(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_PACKED) as out:
        out.write_table(table)
    return sink.getvalue()


def _sum(body: bytes | pa.Buffer) -> bytes:
    return blake2b(body, digest_size=_SUM).digest()


def read_tables(path: Path) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """(head, tables) as they were written. Raises OSError, Damaged."""
    body = path.read_bytes()
    index, tables, at = _index(body), {}, 0
    for name, size, expected in index["parts"]:
        part = pa.py_buffer(body).slice(at, size)
        if _sum(part).hex() != expected:
            raise Damaged(f"表 {name} 的校验和不符")
        tables[name], at = pa.ipc.open_stream(part).read_all(), at + size
    return index["head"], tables


def _index(body: bytes) -> dict[str, Any]:
    tail = body[-_TAIL:]
    if len(tail) < _TAIL or not tail.endswith(MARK):
        raise Damaged("不是完整的文件")
    length = int.from_bytes(tail[_SUM:_SUM + _LENGTH], "big")
    index = body[:-_TAIL][-length:] if length else b""
    if _sum(index) != tail[:_SUM]:
        raise Damaged("目录的校验和不符")
    found: dict[str, Any] = orjson.loads(index)
    return found
