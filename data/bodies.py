"""What a sender's body says: JSON array or JSON lines → raw records, with one sentence for everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_BYTES = 10_000_000
MOST_RECORDS = 10_000


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


def _array(text: bytes) -> Body:
    try:
        raws = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadBody(_why(text, error)) from error
    if not isinstance(raws, list):
        raise BadBody("应为 JSON 数组 [ … ]；一行一条的数据请用 Content-Type: application/x-ndjson")
    return Body(raws, list(range(len(raws))))


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
    found = Body()
    for position, line in enumerate(line for line in text.split(b"\n") if line.strip()):
        if position >= MOST_RECORDS:
            raise too_large()
        try:
            found.raws.append(orjson.loads(line))
            found.positions.append(position)
        except orjson.JSONDecodeError as error:
            found.broken.append((position, line.decode("utf-8", "replace"), _why(line, error)))
    return found
