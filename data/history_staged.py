"""The form of staged files: canonical Parquet that a bulk publish takes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from data.errors import WrongInput
from data.records import FIELDS, META

OPTIONAL = ("feed", "code", "demo", "received")
_WANTED = {"text": "文字", "real": "数", "time": "int64 微秒或时间戳", "flag": "真假", "json": "JSON 文字"}


def check_staged(kind: str, path: Path) -> None:
    """Refuses a file that is no Parquet, lacks a required column, or has an unknown one or one of a wrong type.

    Raises:
        WrongInput: with the first thing that is wrong.
    """
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise WrongInput(f"文件 {path} 不是可读的 Parquet（{error!s:.80}）；请重新导出") from error
    wrong = first_wrong(kind, schema)
    if wrong:
        raise WrongInput(f"文件 {path} {wrong}；{kind} 的列见文档“标准记录”")


def first_wrong(kind: str, schema: pa.Schema) -> str:
    """What keeps a schema from being canonical columns of a kind; '' if nothing does."""
    known = {spec.name: spec for spec in (*FIELDS[kind], *(spec for spec in META if spec.name in OPTIONAL))}
    for name in schema.names:
        if name not in known:
            return f"有不认识的列 {name!r:.40}"
        if not _fits(known[name].type, schema.field(name).type):
            return f"的列 {name} 应为{_WANTED[known[name].type]}，却是 {schema.field(name).type}"
    for spec in FIELDS[kind]:
        if spec.required and spec.name not in schema.names:
            return f"缺少列 {spec.name}"
    return ""


def _fits(wanted: str, found: pa.DataType) -> bool:
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_null(found):
        return True
    if wanted == "time":
        # DuckDB has no instant of nanoseconds with a zone.
        return bool(types.is_integer(found) or (types.is_timestamp(found) and not (found.unit == "ns" and found.tz)))
    if wanted == "real":
        return bool(types.is_integer(found) or types.is_floating(found) or types.is_decimal(found))
    if wanted == "flag":
        return bool(types.is_boolean(found))
    return bool(types.is_string(found) or types.is_large_string(found))
