"""What becomes of a file: accepted, repaired or refused with one sentence; anything else fails the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.clock import Clock
from data.errors import WrongInput
from data.feed_mapping import Mapping
from data.formats.parts import Limits
from data.pack import Feed, FeedSource
from data.records import parse
from data.sources.files import read_columns, read_file

CLOCK = Clock()


def feed(form: str = "", rule: Mapping | None = None, kind: Any = "observation", **source: Any) -> Feed:
    return Feed(name="试验", topic="N1", department="部门", kind=kind, cadence="1h", map=rule or Mapping(),
                source=FeedSource(kind="file", format=form, **source))


def accepted(chunk: Any, kind: str = "observation") -> tuple[int, list[str]]:
    """Rows of a chunk that are records, and reasons for the others."""
    reasons = [reason for _, reason in chunk.rejected]
    if hasattr(chunk, "table"):
        return chunk.table.num_rows, reasons
    good = 0
    for row in chunk.rows:
        try:
            parse(kind, row)
            good += 1
        except ValueError as error:
            reasons.append(str(error))
    return good, reasons


def outcome(path: Path, of: Feed | None = None, limits: Limits | None = None, alike: bool = True) -> Any:
    """(accepted rows, refused rows) by both ways of reading, or the sentence of refusal."""
    found: list[Any] = []
    for read in (read_file, read_columns):
        try:
            chunks = list(read(path, of or feed(), CLOCK, limits))
        except WrongInput as error:
            found.append(str(error))
            continue
        counted = [accepted(chunk, (of or feed()).kind) for chunk in chunks]
        assert all(reason for _, reasons in counted for reason in reasons)
        found.append((sum(good for good, _ in counted), sum(len(reasons) for _, reasons in counted)))
    assert not alike or found[0] == found[1], found
    return found[0]


def refused(path: Path, *parts: str, of: Feed | None = None, limits: Limits | None = None) -> None:
    """The whole file is refused in one sentence that names it, what is wrong and the remedy."""
    said = outcome(path, of, limits)
    assert isinstance(said, str), said
    one_sentence(said, path.name, *parts)


def one_sentence(said: str, *parts: str) -> None:
    """File, fault and remedy in one line."""
    assert said.startswith("文件 ")
    assert said.endswith("。")
    assert "\n" not in said
    assert "；" in said
    for part in parts:
        assert part in said, said


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
