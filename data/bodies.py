"""What a sender's body says: JSON array or JSON lines → raw records, with one sentence for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from data.formats.documents import each, load, twice

COLON, QUOTE, BLANK, LIST, OBJECT = b':" [{'
MOST_BYTES = 10_000_000
MOST_RECORDS = 10_000
# Lists and objects of a body: as many empty ones as fit into its bytes take seconds to build.
MOST_PARTS = 1_000_000
CROWDED = f"列表与对象超过 {MOST_PARTS:,} 个；请分批发送"
DEEP = "JSON 嵌套过深，看不出键有没有写两次；请来源减少嵌套"


class TooLarge(ValueError):
    """More bytes or records than a push may have."""


class BadBody(ValueError):
    """The body as a whole cannot be understood."""


@dataclass
class Body:
    """Raw records with their position in what was sent, and broken lines as (position, text, reason).

    repaired: cells of a mapped body whose number was written in full-width digits or with blanks around it.
    """

    raws: list[Any] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    repaired: int = 0


def too_large() -> TooLarge:
    """The sentence for a push over the limits."""
    return TooLarge(f"一次最多 {MOST_BYTES // 1_000_000} MB、{MOST_RECORDS} 条；请分批发送")


def read_body(body: bytes, lines: bool) -> Body:
    """Records of a body; `lines`: JSON lines instead of one array.

    Raises:
        TooLarge: more than 10 MB or 10,000 records.
        BadBody: a web page, cut off, not UTF-8, or no array.
    """
    if len(body) > MOST_BYTES:
        raise too_large()
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] == b"<":
        raise BadBody("收到的是网页（HTML 或 XML），不是记录；请检查来源的地址与登录状态")
    found = _lines(text) if lines else _array(text)
    if len(found.raws) + len(found.broken) > MOST_RECORDS:
        raise too_large()
    return found


def _parts(text: bytes) -> int:
    """Opening brackets in a text: never fewer than the lists and objects that it would become."""
    signs = np.frombuffer(text, np.uint8)
    return int(np.count_nonzero((signs == LIST) | (signs == OBJECT)))


def _array(text: bytes) -> Body:
    if _parts(text) > MOST_PARTS:
        raise BadBody(CROWDED)
    try:
        raws = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadBody(_why(text, error)) from error
    if not isinstance(raws, list):
        raise BadBody("应为 JSON 数组 [ … ]；一行一条的数据请用 Content-Type: application/x-ndjson")
    if len(raws) > MOST_RECORDS:
        raise too_large()
    return _singled(raws, text)


def key_twice(text: bytes, value: Any) -> str:
    """What is wrong with a text that has a key twice, '' for one that has not; `value` is what orjson read in it.

    Which value was meant nobody can know; orjson keeps the last.
    """
    if not _suspect(text, value):
        return ""
    try:
        return _said(twice(load(text.decode())))
    except (ValueError, RecursionError):
        return DEEP


def _suspect(text: bytes, value: Any) -> bool:
    """Whether a JSON text may hold a key twice.

    Every key leaves its mark `":` in the text, so as many marks as keys mean that none was lost. A text with the mark
    inside a word, or with blanks before a colon, must be read again to know.
    """
    signs = np.frombuffer(text, np.uint8)
    before = signs[:-1][signs[1:] == COLON]
    blanks, marks = bool((before <= BLANK).any()), np.count_nonzero(before == QUOTE)
    flat = sum([len(raw) for raw in value if type(raw) is dict]) if isinstance(value, list) else 0
    if marks == flat and not blanks:
        return False
    return blanks or bool(marks != _keys(value))


def _keys(value: Any) -> int:
    count, rest = 0, [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            count += len(one)
            rest += [inner for inner in one.values() if isinstance(inner, (dict, list))]
        elif isinstance(one, list):
            rest += [inner for inner in one if isinstance(inner, (dict, list))]
    return count


def _singled(raws: list[Any], text: bytes) -> Body:
    """The records of an array, but for those with a key twice."""
    positions = list(range(len(raws)))
    if not _suspect(text, raws):
        return Body(raws, positions)
    broken = [(position, raw, said) for position, (raw, said) in enumerate(_judged(text)) if said]
    bad = {position for position, _, _ in broken}
    positions = [position for position in positions if position not in bad]
    return Body([raws[position] for position in positions], positions, broken)


def _judged(text: bytes) -> Iterator[tuple[str, str]]:
    """(text, what is wrong or '') of each record of an array."""
    try:
        for record, raw in each(text.decode()):
            yield raw, _said(twice(record))
    except RecursionError:
        raise BadBody(DEEP) from None


def _said(name: str) -> str:
    """The sentence for a key that was written twice, '' for none."""
    return f"键 {name!r:.40} 写了两次，不知以哪个为准；请来源只写一次" if name else ""


def _why(text: bytes, error: orjson.JSONDecodeError) -> str:
    if not text:
        return "内容是空的；应为 JSON 数组"
    try:
        whole = text.decode()
    except UnicodeDecodeError:
        return "不是 UTF-8 文字；请把来源改为 UTF-8 编码"
    if error.pos >= len(whole) - 1 or whole[-1] not in "]}":
        return f"JSON 不完整，在第 {len(text)} 字节处断开；请重新发送整批数据"
    why = "嵌套超过 1,024 层" if "depth" in error.msg else "写法不对，如 NaN、多余的逗号"
    return f"不是正确的 JSON（第 {error.pos} 字符处{why}）；请检查来源的格式"


def _lines(text: bytes) -> Body:
    found, rest = Body(), MOST_PARTS
    lines = [line for line in text.split(b"\n") if line.strip()]
    for position, line in enumerate(lines):
        if position >= MOST_RECORDS:
            raise too_large()
        if (parts := _parts(line)) > rest:
            found.broken.append((position, line.decode("utf-8", "replace"), CROWDED))
            continue
        rest -= parts
        try:
            raw = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            found.broken.append((position, line.decode("utf-8", "replace"), _why(line, error)))
            continue
        found.raws.append(raw)
        found.positions.append(position)
    return _single_lines(found, lines) if _suspect(text, found.raws) else found


def _single_lines(found: Body, lines: list[bytes]) -> Body:
    kept = Body(broken=found.broken)
    for raw, position in zip(found.raws, found.positions, strict=True):
        if why := key_twice(lines[position], raw):
            kept.broken.append((position, lines[position].decode(), why))
        else:
            kept.raws.append(raw)
            kept.positions.append(position)
    return kept
