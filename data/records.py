"""Canonical records: five kinds, one table of fields from which parsing, Parquet schemas and documents are made."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from data.times import parse_instant, parse_period

KINDS = ("observation", "event", "indicator", "asset", "warning")
STAGES = ("received", "filed", "dispatched", "handling", "reported", "checked", "closed", "rated")
STAGE_WORDS = dict(zip(STAGES, ("受理", "立案", "派遣", "处置", "反馈", "核查", "结案", "评价"), strict=True))
LEVELS = ("red", "orange", "yellow", "blue")
BASES = ("current", "cumulative", "balance", "annual")


class RecordError(ValueError):
    """One record cannot be taken; the text is the reason shown to the sender."""


@dataclass(frozen=True)
class Field:
    """A column: `type` is text | real | time (µs UTC) | flag | json; `one_of` lists allowed words."""

    name: str
    type: str = "text"
    required: bool = False
    one_of: tuple[str, ...] = ()


# Columns that acceptance adds to every kind. seq: number given at acceptance, ascending over all kinds; prev: seq of
# the version this one replaces, 0 if none; code: the deepest division that holds the record, '' if unlocated.
META = (
    Field("seq", "int"), Field("prev", "int"), Field("received", "time"), Field("feed"), Field("code"),
    Field("demo", "flag"),
)

FIELDS: dict[str, tuple[Field, ...]] = {
    "observation": (
        Field("station", required=True), Field("metric", required=True), Field("time", "time", True),
        Field("value", "real", True), Field("quality"),
    ),
    "event": (
        Field("id", required=True), Field("time", "time", True), Field("category", required=True),
        Field("channel", required=True), Field("stage", required=True, one_of=STAGES),
        Field("stage_time", "time", True), Field("lon", "real"), Field("lat", "real"), Field("division"),
        Field("title"), Field("detail"), Field("department"), Field("due", "time"), Field("level"),
        Field("act", one_of=("", "delay", "pause", "merge", "return", "supervise")),
        Field("satisfaction", "real"), Field("reporter"),
    ),
    "indicator": (
        Field("indicator", required=True), Field("division", required=True), Field("period", required=True),
        Field("basis", required=True, one_of=BASES), Field("value", "real"), Field("yoy", "real"), Field("yoy_kind"),
        Field("mom", "real"), Field("status"), Field("released", "time"), Field("unit"), Field("target", "real"),
        Field("rank", "real"), Field("note"),
    ),
    "asset": (
        Field("id", required=True), Field("layer", required=True), Field("name", required=True), Field("lon", "real"),
        Field("lat", "real"), Field("geometry", "json"), Field("properties", "json"),
    ),
    "warning": (
        Field("id", required=True), Field("kind", required=True), Field("level", required=True, one_of=LEVELS),
        Field("sent", "time", True), Field("expires", "time", True), Field("divisions", "json"),
        Field("polygon", "json"), Field("headline"), Field("detail"), Field("references", "json"), Field("status"),
    ),
}

# The identity of a record within its feed: two records with equal identity are versions of one another.
IDENTITY: dict[str, tuple[str, ...]] = {
    "observation": ("station", "metric", "time"),
    "event": ("id", "stage", "stage_time"),
    "indicator": ("indicator", "division", "period", "basis"),
    "asset": ("id",),
    "warning": ("id",),
}
# The column whose day decides in which partition of history (and which bucket of the identity index) a record lies.
# Kinds without one ('') are small and lie in one partition.
DAY_OF = {"observation": "time", "event": "stage_time", "indicator": "", "asset": "", "warning": ""}

# Our flag on a reading whose station has said the same for longer than its check allows.
FROZEN = "frozen"
# … and on one whose number came in full-width digits or with blanks around it.
REPAIRED = "repaired"
Row = dict[str, Any]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise RecordError(f"应为文字，得到 {type(value).__name__}")


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise RecordError(f"应为数，得到 {type(value).__name__}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise RecordError(f"应为数，得到 {str(value)[:40]!r}") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise RecordError("不是有限的数")
    return number


def _convert(spec: Field, value: Any) -> Any:
    if spec.type == "text":
        return _text(value)
    if spec.type == "real":
        return _real(value)
    if spec.type == "time":
        return value if isinstance(value, int) else parse_instant(value)
    return value


def parse(kind: str, raw: Mapping[str, Any]) -> Row:
    """A canonical row of `kind` from a mapping of its fields (times as RFC 3339 text or µs UTC).

    The row holds exactly the kind's fields; an absent optional field is None. Unknown fields are refused, because a
    misspelt name would silently lose a value.

    Raises:
        RecordError: first field that is missing, unknown, of the wrong type or not an allowed word.
    """
    row: Row = {}
    fields = FIELDS[kind]
    for spec in fields:
        value = raw.get(spec.name)
        if value is None or value == "":
            if spec.required:
                raise RecordError(f"缺少 {spec.name}")
            row[spec.name] = None
            continue
        try:
            row[spec.name] = _convert(spec, value)
        except ValueError as error:
            raise RecordError(f"{spec.name}: {error}") from None
        if spec.one_of and row[spec.name] not in spec.one_of:
            raise RecordError(f"{spec.name}: {row[spec.name]!r:.40} 不在 {'/'.join(filter(None, spec.one_of))} 之中")
    unknown = set(raw) - row.keys() - {"demo"}
    if unknown:
        raise RecordError(f"不认识的字段 {sorted(unknown)[0]!r:.40}")
    _together(kind, row)
    if "quality" in row:
        row["quality"] = _judged(raw["value"], row["quality"])
    row["demo"] = bool(raw.get("demo"))
    return row


def _together(kind: str, row: Row) -> None:
    if kind == "event" and row["division"] is None and (row["lon"] is None or row["lat"] is None):
        raise RecordError("需要 lon 与 lat，或 division")
    if kind == "indicator":
        if row["value"] is None and row["yoy"] is None:
            raise RecordError("需要 value 或 yoy")
        parse_period(row["period"])
    if kind == "warning" and not row["divisions"] and not row["polygon"]:
        raise RecordError("需要 divisions 或 polygon")


def _judged(value: Any, quality: str | None) -> str | None:
    """The sender's word on quality, flagged where the number had to be read kindly (３.２)."""
    kindly = isinstance(value, str) and unicodedata.normalize("NFKC", value).strip() != value
    return flagged(quality, REPAIRED) if kindly else quality


def flagged(quality: str | None, flag: str) -> str:
    """The sender's word on quality with a flag of our own behind it."""
    return f"{quality or ''}+{flag}"


def said_quality(quality: str | None) -> str | None:
    """The sender's own word: without the flags that depend on what came before, so that a resent record is equal."""
    return None if quality is None else quality.removesuffix(f"+{FROZEN}").removesuffix(f"+{REPAIRED}") or None


def identity(kind: str, feed: str, row: Row) -> bytes:
    """16-byte digest of feed and identity fields."""
    key = "\x1f".join([feed, *[str(row[name]) for name in IDENTITY[kind]]])
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def content(kind: str, row: Row) -> bytes:
    """8-byte digest of everything the sender said; equal to the current version's = a duplicate."""
    said = [row[spec.name] for spec in FIELDS[kind]]
    if kind == "observation":
        said[-1] = said_quality(said[-1])
    return hashlib.blake2b(orjson.dumps(said), digest_size=8).digest()
