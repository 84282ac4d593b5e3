"""Local archives of picture tiles: MBTiles (SQLite) and PMTiles, read-only, one tile at a time."""

from __future__ import annotations

import gzip
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pmtiles.tile import (
    Entry,
    HeaderDict,
    MagicNumberNotFound,
    SpecVersionUnsupported,
    deserialize_directory,
    deserialize_header,
    find_tile,
    zxy_to_tileid,
)

from data.errors import NotFound, Unavailable, WrongInput

MAX_TILE_BYTES = 2_000_000
MAX_DIRECTORY_BYTES = 1_000_000
# What a value may have at all before it is looked at.
MOST_VALUE_BYTES = 4 * MAX_TILE_BYTES
MOST_ZOOM = 22
PATIENCE_S = 2.0
# First bytes → media type: only pictures leave this door, whatever an archive holds.
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_TYPES = {1: "矢量（MVT）", 2: "png", 3: "jpeg", 4: "webp", 5: "avif"}
_STEPS = 10_000
HEADER_BYTES, DEPTH = 127, 4
_EDGES: tuple[Literal["min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7"], ...] = (
    "min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
# What a damaged archive shows itself by, and those errors of SQLite that pass.
_DAMAGES = (gzip.BadGzipFile, zlib.error, struct.error, MagicNumberNotFound, SpecVersionUnsupported, ValueError,
            KeyError, IndexError, TypeError, EOFError, OverflowError, MemoryError, sqlite3.Error)
_PASSING = ("SQLITE_BUSY", "SQLITE_INTERRUPT", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_LOCKED")


@dataclass(frozen=True)
class Extent:
    """What an archive holds: zoom levels and [west, south, east, north] in degrees (WGS 84), None where not said."""

    low: int
    high: int
    bounds: tuple[float, float, float, float] | None


def archive(root: Path, name: str) -> Path:
    """The file of a layer inside the pack.

    Raises:
        WrongInput: the name leads out of the pack. NotFound: no such file.
    """
    path, home = (root / name).resolve(), root.resolve()
    if not path.is_relative_to(home):
        raise WrongInput(f"{name:.80} 不在地方包里；瓦片文件应放在 {root.name}/ 之下")
    if not path.is_file():
        raise NotFound(f"没有瓦片文件 {root.name}/{name:.80}；请放回原处或改 layers.yaml")
    return path


def version_of(path: Path) -> str:
    """Changes whenever the file does. Raises NotFound when it has gone."""
    try:
        found = path.stat()
    except OSError:
        raise NotFound(f"瓦片文件 {path.name} 不见了；请放回原处") from None
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def extent(path: Path) -> Extent:
    """What the archive says of itself.

    Raises:
        WrongInput: it is damaged, or holds no pictures. Unavailable: it cannot be read now.
    """
    with _spoken(path):
        return _pm_extent(path) if path.suffix == ".pmtiles" else _mb_extent(path)


def tile(path: Path, z: int, x: int, y: int) -> tuple[bytes, str] | None:
    """(bytes, media type) of a tile, rows counted from the north; None where the archive has none.

    Raises:
        NotFound: no such place in the grid, or the file has gone. WrongInput: the archive is damaged, or what it holds
        there is no PNG, JPEG or WebP, or too large. Unavailable: it cannot be read now.
    """
    if not 0 <= z <= MOST_ZOOM or not (0 <= x < 2**z and 0 <= y < 2**z):
        raise NotFound(f"没有 {z}/{x}/{y} 这块瓦片；行列号应在 0 与 2 的 z 次方之间")
    with _spoken(path):
        found = _pm_tile(path, z, x, y) if path.suffix == ".pmtiles" else _mb_tile(path, z, x, y)
    return None if found is None else (found, _media(path, found))


def _media(path: Path, body: bytes) -> str:
    if len(body) > MAX_TILE_BYTES:
        raise _too_large(path)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    for head, media in _PICTURES:
        if body.startswith(head):
            return media
    raise WrongInput(f"瓦片文件 {path.name} 里不是 PNG、JPEG 或 WebP 图片；矢量瓦片请先转成栅格")


def _too_large(path: Path) -> WrongInput:
    return WrongInput(f"瓦片文件 {path.name} 里有一块超过 {MAX_TILE_BYTES // 1_000_000} MB；请重新切片")


@contextmanager
def _spoken(path: Path) -> Iterator[None]:
    """What goes wrong with an archive, in words."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"瓦片文件 {path.name} 不见了；请放回原处") from None
    except _DAMAGES as error:
        why = str(error) or type(error).__name__
        if getattr(error, "sqlite_errorname", "").startswith(_PASSING):
            raise Unavailable(f"瓦片文件 {path.name} 现在读不了（{why:.60}）；请核对文件与权限") from error
        raise WrongInput(f"瓦片文件 {path.name} 不能用（{why:.60}）；请重新生成") from error
    except OSError as error:
        raise Unavailable(f"瓦片文件 {path.name} 现在读不了（{error!s:.60}）；请核对文件与权限") from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; a question that does not end is ended."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=PATIENCE_S)) as file:
        until = time.monotonic() + PATIENCE_S
        file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
        file.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
        yield file


def _mb_tile(path: Path, z: int, x: int, y: int) -> bytes | None:
    with _opened(path) as file:
        row = file.execute("SELECT CASE WHEN length(tile_data) <= ? THEN tile_data END, length(tile_data) FROM tiles"
                           " WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
                           (MAX_TILE_BYTES, z, x, 2**z - 1 - y)).fetchone()
    if row and (row[1] or 0) > MAX_TILE_BYTES:
        raise _too_large(path)
    return bytes(row[0]) if row and isinstance(row[0], bytes) else None


def _mb_extent(path: Path) -> Extent:
    with _opened(path) as file:
        told = {str(name): str(value) for name, value in file.execute("SELECT name, value FROM metadata LIMIT 200")}
        if told.get("format", "png") in ("pbf", "mvt"):
            raise ValueError("是矢量瓦片，请先转成 PNG、JPEG 或 WebP")
        # Each alone is one step in the index, both together a walk through all of it.
        low, high = file.execute("SELECT (SELECT min(zoom_level) FROM tiles), (SELECT max(zoom_level) FROM tiles)"
                                 ).fetchone()
    if low is None:
        raise ValueError("一块瓦片也没有")
    if not told.get("bounds"):
        return Extent(int(low), int(high), None)
    west, south, east, north = (float(part) for part in told["bounds"].split(","))
    if not (west < east and south < north):
        raise ValueError(f"范围 bounds 写成 {told['bounds']!r:.40}")
    return Extent(int(low), int(high), (west, south, east, north))


def _piece(path: Path, offset: int, length: int) -> bytes:
    """Reads by position, never by mapping: a file that shrinks meanwhile must not end the process."""
    if length > MOST_VALUE_BYTES:
        raise ValueError(f"一段有 {length} 字节")
    with path.open("rb") as file:
        found = os.pread(file.fileno(), length, offset)
    if len(found) < length:
        raise EOFError("文件不全")
    return found


def _pm_tile(path: Path, z: int, x: int, y: int) -> bytes | None:
    head, version, wanted = _header(path), version_of(path), zxy_to_tileid(z, x, y)
    offset, length = head["root_offset"], head["root_length"]
    for _ in range(DEPTH):
        found = find_tile(_directory(path, version, offset, length), wanted)
        if found is None:
            return None
        if found.run_length:
            return _piece(path, head["tile_data_offset"] + found.offset, found.length)
        offset, length = head["leaf_directory_offset"] + found.offset, found.length
    raise ValueError("目录层数过多")


def _directory(path: Path, version: str, offset: int, length: int) -> list[Entry]:
    found = _unpacked(path, version, offset, length)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@lru_cache(maxsize=32)
def _unpacked(path: Path, version: str, offset: int, length: int) -> list[Entry] | str:
    """A directory of an archive or what is wrong with it, unpacked once: reading one takes milliseconds, a bad one
    longer, and every tile asks for two.
    """
    try:
        packed = _piece(path, offset, length)
        flow = zlib.decompressobj(wbits=31)
        flow.decompress(packed, MAX_DIRECTORY_BYTES)
        if not flow.eof or flow.unused_data:
            return f"一段目录不全，或解开后超过 {MAX_DIRECTORY_BYTES // 1_000_000} MB"
        return deserialize_directory(packed)
    except _DAMAGES as error:
        return str(error) or type(error).__name__


def _header(path: Path) -> HeaderDict:
    return deserialize_header(_piece(path, 0, HEADER_BYTES))


def _pm_extent(path: Path) -> Extent:
    head = _header(path)
    _directory(path, version_of(path), head["root_offset"], head["root_length"])
    kind = int(head["tile_type"].value)
    if kind not in (2, 3, 4):
        raise ValueError(f"里面是{_TYPES.get(kind, '不明的')}瓦片，请先转成 PNG、JPEG 或 WebP")
    west, south, east, north = (head[name] / 1e7 for name in _EDGES)
    bounds = (west, south, east, north) if west < east and south < north else None
    return Extent(int(head["min_zoom"]), int(head["max_zoom"]), bounds)
