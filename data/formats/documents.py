"""JSON, JSON lines and GeoJSON: strict (no NaN, no endless depth), a record with a key twice is handed back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jmespath
import orjson
from jmespath.exceptions import JMESPathError

from data.formats.encoding import decode
from data.formats.parts import RAW_CHARS, Layout, Member, RawRows, refuse

CHUNK_ROWS = 5000
MAX_DOCUMENT = 50_000_000
MAX_VERTICES = 200_000
MAX_NESTING = 20
# No text, so that no document can hold it.
_TWICE: Any = object()
_LISTS = ("records", "data", "rows", "items", "features", "result", "results")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        made[_TWICE] = pairs
    return made


def _name(pairs: list[tuple[str, Any]]) -> str:
    """The first name that stands twice."""
    names = [name for name, _ in pairs]
    return next((name for name in names if names.count(name) > 1), "") or "（空名）"


def written(value: Any) -> str:
    """A value of `load` as JSON, with every key as often as it was written."""
    if isinstance(value, dict):
        pairs = value[_TWICE] if _TWICE in value else value.items()
        return f"{{{','.join(f'{json.dumps(name, ensure_ascii=False)}:{written(one)}' for name, one in pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _whole_number(text: str) -> int | float:
    return int(text) if len(text) < 19 else float(text)


_BETWEEN = re.compile(r"[\s,]*")
_RECORDS = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_whole_number)


def load(text: str) -> Any:
    """Strict JSON; an object with a key twice carries the marker `_TWICE`.

    Raises:
        ValueError: not JSON, too deep, NaN, or a number that is no finite double.
    """
    orjson.loads(text)
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("嵌套过深") from None


def each(text: str) -> Iterator[tuple[Any, str]]:
    """Each record of a JSON array that is known to be well formed, read as `load` does, with its text.

    Raises:
        RecursionError: too deep.
    """
    at = text.index("[") + 1
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if text[at] == "]":
            return
        start = at
        record, at = _RECORDS.raw_decode(text, at)
        yield record, text[start:at]


def twice(value: Any) -> str:
    """The first key written twice anywhere inside, '' if none."""
    if isinstance(value, dict):
        return _name(value[_TWICE]) if _TWICE in value else next(filter(None, map(twice, value.values())), "")
    if isinstance(value, list):
        return next(filter(None, map(twice, value)), "")
    return ""


def document(member: Member, encoding: str) -> tuple[Any, str]:
    """The value of a JSON text, strictly read, and the encoding it was in.

    Raises:
        WrongInput: no text, no JSON, cut off, too large.
    """
    if len(member.data) > MAX_DOCUMENT:
        raise refuse(member.name, f"JSON 超过 {MAX_DOCUMENT // 1_000_000} MB", "请改用 JSON lines 或拆成较小的文件")
    text, found = decode(member, encoding)
    try:
        return load(text), found
    except orjson.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip())
        wrong = "JSON 不完整，在末尾断掉了" if cut else f"第 {error.lineno} 行第 {error.colno} 列不是合法 JSON"
        raise refuse(member.name, wrong, "请重新导出或重新下载") from error
    except ValueError as error:
        raise refuse(member.name, f"不是可读的 JSON（{error}）", "请重新导出或重新下载") from error


def _chunks(listed: list[Any], size: int, encoding: str) -> Iterator[RawRows]:
    for start in range(0, len(listed), CHUNK_ROWS):
        part = listed[start:start + CHUNK_ROWS]
        chunk = RawRows([], read=len(part), done=size * len(part) // len(listed), encoding=encoding)
        for offset, record in enumerate(part):
            _sort(chunk, record, f"第 {start + offset + 1} 条")
        yield chunk
    if not listed:
        yield RawRows([], done=size, encoding=encoding)


def _deep_twice(record: Any) -> str:
    try:
        return twice(record)
    except RecursionError:
        return "（嵌套过深，无法检查）"


def _text(record: Any) -> str:
    """What the quarantine keeps of a record."""
    try:
        return written(record)[:RAW_CHARS]
    except RecursionError:
        return str(record)[:RAW_CHARS]


def _sort(chunk: RawRows, record: Any, where: str) -> None:
    if not isinstance(record, dict):
        chunk.bad.append((_text(record), f"{where}应为对象，得到 {type(record).__name__}"))
    elif name := _deep_twice(record):
        chunk.bad.append((_text(record), f"{where}的键 {name!r:.40} 写了两次，不知以哪个为准"))
    else:
        chunk.rows.append(record)


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Records of a JSON document: an array, or an object with the array under a usual name.

    Raises:
        WrongInput: no JSON, truncated, or no list of records in it.
    """
    found, encoding = document(member, layout.encoding)
    yield from records(member, found, encoding, layout)


def records(member: Member, found: Any, encoding: str, layout: Layout) -> Iterator[RawRows]:
    """The records of a document that is read already. Raises as `rows`."""
    path = layout.table.records
    listed = _at(member.name, found, path) if path else _listed(member, found)
    yield from _chunks(listed, len(member.data), encoding)


def _at(name: str, found: Any, path: str) -> list[Any]:
    """The records that a JMESPath names in a JSON value: a list, or one object alone.

    Raises:
        WrongInput: there are none; a key on the way is written twice.
    """
    if doubled := _twice_around(found):
        raise refuse(name, f"键 {doubled!r:.40} 写了两次", "请重新导出")
    try:
        listed = jmespath.search(path, found)
    except JMESPathError as error:
        raise refuse(name, f"位置 {path!r:.60} 算不出（{error!s:.80}）", "请对照来源的答复核对 feeds.yaml") from error
    if listed is None:
        keys = "、".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise refuse(name, f"在 {path!r:.60} 找不到记录（里面有 {keys:.80}）", "请核对 feeds.yaml 的 records 或 rows")
    if not isinstance(listed, (list, dict)):
        wrong = f"{path!r:.60} 应为记录的列表，得到 {type(listed).__name__}"
        raise refuse(name, wrong, "请核对 feeds.yaml 的 records 或 rows")
    return listed if isinstance(listed, list) else [listed]


def _twice_around(value: Any) -> str:
    """The first key written twice outside of lists: of the objects that lead to the records."""
    if not isinstance(value, dict):
        return ""
    return _name(value[_TWICE]) if _TWICE in value else next(filter(None, map(_twice_around, value.values())), "")


def _listed(member: Member, found: Any) -> list[Any]:
    if isinstance(found, dict):
        if _TWICE in found:
            raise refuse(member.name, f"顶层的键 {_name(found[_TWICE])!r:.40} 写了两次", "请重新导出")
        lists = [found[name] for name in _LISTS if isinstance(found.get(name), list)]
        found = lists[0] if lists else found
    if not isinstance(found, list):
        raise refuse(member.name, "JSON 里没有记录列表",
                     f"应为数组，或在 {'、'.join(_LISTS[:4])} 之一下给出数组，或在 feeds.yaml 写明 records")
    return found


def lines(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Records of JSON lines; a bad line is handed back alone.

    Raises:
        WrongInput: no text, or not one readable line.
    """
    text, encoding = decode(member, layout.encoding)
    written = text.split("\n")
    readable = 0
    for start in range(0, len(written), CHUNK_ROWS):
        part = written[start:start + CHUNK_ROWS]
        chunk = RawRows([], done=len(member.data) * len(part) // len(written), encoding=encoding)
        for offset, line in enumerate(part):
            _line(chunk, line.strip(), f"第 {start + offset + 1} 行")
        readable += len(chunk.rows)
        if not readable and chunk.read and start == 0:
            raise refuse(member.name, "没有一行是合法的 JSON 记录", f"请核对格式；{chunk.bad[0][1]}")
        yield chunk


def _line(chunk: RawRows, line: str, where: str) -> None:
    if not line:
        return
    chunk.read += 1
    try:
        record = load(line)
    except ValueError as error:
        chunk.bad.append((line[:500], f"{where}不是合法 JSON（{str(error)[:60]}）"))
        return
    _sort(chunk, record, where)


def features(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Features of a GeoJSON collection, as {properties…, id, lon, lat, geometry, properties}; lon/lat of points only.

    Raises:
        WrongInput: no JSON, or no FeatureCollection.
    """
    found, encoding = document(member, layout.encoding)
    listed = found.get("features") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise refuse(member.name, "不是 GeoJSON 要素集（FeatureCollection）", "请导出为 GeoJSON 再导入")
    for chunk in _chunks(listed, len(member.data), encoding):
        flat, chunk.rows = chunk.rows, []
        for feature in flat:
            try:
                chunk.rows.append(_feature(feature))
            except ValueError as error:
                chunk.bad.append((_text(feature), str(error)))
        yield chunk


def _feature(feature: dict[str, Any]) -> dict[str, Any]:
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if not isinstance(properties, dict) or not (geometry is None or isinstance(geometry, dict)):
        raise ValueError("不是 GeoJSON 要素（缺少 properties 或 geometry）")
    row = dict(properties)
    if feature.get("id") is not None:
        row["id"] = str(feature["id"])
    if geometry and _vertices(geometry, 0) > MAX_VERTICES:
        raise ValueError(f"一个要素的顶点超过 {MAX_VERTICES} 个；请先简化图形")
    if geometry and geometry.get("type") == "Point":
        place = geometry.get("coordinates")
        if not isinstance(place, list) or len(place) < 2:
            raise ValueError("点要素没有经纬度")
        row["lon"], row["lat"] = place[0], place[1]
    row["geometry"], row["properties"] = geometry, properties
    return row


def _vertices(shape: Any, depth: int) -> int:
    """Positions in a geometry or its coordinates."""
    if depth > MAX_NESTING:
        raise ValueError(f"要素嵌套超过 {MAX_NESTING} 层；请核对文件")
    if isinstance(shape, dict):
        return sum(_vertices(inner, depth + 1) for inner in shape.values())
    if not isinstance(shape, list):
        return 0
    if shape and not isinstance(shape[0], (list, dict)):
        return 1
    return sum(_vertices(inner, depth + 1) for inner in shape)
