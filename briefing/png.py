"""Words inside a PNG file: what a picture shows and of when travels with it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = len(SIGNATURE) + 25


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels.

    Raises:
        ValueError: not a PNG file.
    """
    if not png.startswith(SIGNATURE) or png[12:16] != b"IHDR":
        raise ValueError("不是 PNG 图片")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def with_text(png: bytes, words: Mapping[str, str]) -> bytes:
    """The picture with the words as text chunks after its head: tEXt, or iTXt (UTF-8) where Latin-1 does not do."""
    size_of(png)
    return png[:_HEAD] + b"".join(_chunk(key, text) for key, text in words.items()) + png[_HEAD:]


def text_of(png: bytes) -> dict[str, str]:
    """The words of the uncompressed text chunks."""
    found: dict[str, str] = {}
    for kind, body in _chunks(png):
        key, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            found[key.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:1] == b"\0":
            found[key.decode("latin-1")] = rest[2:].split(b"\0", 2)[2].decode("utf-8")
    return found


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        (length,) = struct.unpack(">I", png[at:at + 4])
        yield png[at + 4:at + 8], png[at + 8:at + 8 + length]
        at += 12 + length


def _chunk(key: str, text: str) -> bytes:
    name = key.encode("latin-1")
    try:
        kind, body = b"tEXt", name + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        kind, body = b"iTXt", name + b"\0\0\0\0\0" + text.encode("utf-8")
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
