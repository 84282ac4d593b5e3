"""Bytes that came from somewhere → raw rows, through the formats that files use."""

from __future__ import annotations

from collections.abc import Iterator

import jmespath
from jmespath.exceptions import JMESPathError
from orjson import JSONDecodeError

from data.errors import WrongInput
from data.formats import documents
from data.formats.encoding import decode
from data.formats.parts import Layout, Member, RawRows
from data.mapping import needed_columns
from data.pack import Feed
from data.sources.files import format_of

MOST_RAW = 2_000


def member_rows(member: Member, feed: Feed) -> Iterator[RawRows]:
    """Rows of one file, answer or payload as they came.

    Raises:
        WrongInput: it cannot be understood as a whole.
    """
    yield from format_of(member.name, feed).rows(member, Layout(needed_columns(feed), feed.source.encoding))


def bare_time(name: str, feed: Feed) -> str:
    """The unit of numbers in time columns where the format itself defines it."""
    return "us" if format_of(name, feed).name == "parquet" else ""


def document(member: Member, encoding: str) -> tuple[object, str]:
    """The value of a JSON text, strictly read, and the encoding it was in.

    Raises:
        WrongInput: no JSON, cut off, a web page, not text.
    """
    text, found = decode(member, encoding)
    try:
        return documents.load(text), found
    except JSONDecodeError as error:
        wrong = "JSON 不完整，在末尾断掉了" if error.pos >= len(text.rstrip()) else f"第 {error.lineno} 行不是合法 JSON"
        raise WrongInput(f"{member.name}：{wrong}；请让来源核对格式") from error
    except ValueError as error:
        raise WrongInput(f"{member.name}：不是可读的 JSON（{error}）；请让来源核对格式") from error


def records_at(value: object, path: str, name: str) -> RawRows:
    """The records that a JMESPath names in a JSON value; one object counts as a list of one, null as none.

    Raises:
        WrongInput: there is no list of records.
    """
    try:
        found = jmespath.search(path, value) if path else value
    except JMESPathError as error:
        raise WrongInput(f"{name}：rows 表达式 {path!r:.60} 算不出（{error!s:.80}）；请对照应答核对它") from error
    if isinstance(found, dict):
        found = [found]
    if found is None and path:
        keys = "、".join(map(str, value)) if isinstance(value, dict) else type(value).__name__
        raise WrongInput(f"{name}：在 {path!r:.60} 找不到记录（应答里有 {keys:.80}）；请核对 feeds.yaml 的 rows")
    if not isinstance(found, list):
        raise WrongInput(f"{name}：应为记录的列表，得到 {type(found).__name__}；请用 rows 指出列表的位置")
    out = RawRows([], read=len(found))
    for number, record in enumerate(found, 1):
        if not isinstance(record, dict):
            out.bad.append((str(record)[:MOST_RAW], f"第 {number} 条应为对象，得到 {type(record).__name__}"))
        elif twice := documents.twice(record):
            out.bad.append((str(record)[:MOST_RAW], f"第 {number} 条的键 {twice!r:.40} 写了两次，不知以哪个为准"))
        else:
            out.rows.append(record)
    return out
