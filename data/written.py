"""Numbers, instants and flags as departments write them: one function each, used by rows and by columns alike."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data.errors import WrongInput
from data.times import fixed_offset, parse_instant

MICRO = 1_000_000
UNIT_US = {"s": MICRO, "ms": 1000, "us": 1}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})", re.ASCII)
_SPOKEN = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T\s]*(\d{1,2})[:时](?:(\d{1,2})分?(?:[:]?(\d{1,2})秒?)?)?)?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2})(\d{2})?)?)?", re.ASCII)
_FLAGS = {"1": True, "true": True, "yes": True, "是": True, "0": False, "false": False, "no": False, "否": False}
_TOKENS = {"YYYY": r"(?P<Y>\d{4})", "MM": r"(?P<M>\d{2})", "M": r"(?P<M>\d{1,2})", "DD": r"(?P<D>\d{2})",
           "D": r"(?P<D>\d{1,2})", "HH": r"(?P<h>\d{2})", "H": r"(?P<h>\d{1,2})", "mm": r"(?P<m>\d{2})",
           "ss": r"(?P<s>\d{2})"}
_TOKEN = re.compile("|".join(_TOKENS))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name or an offset such as +08:00; '' = none.

    Raises:
        WrongInput: no such zone.
    """
    if not name:
        return None
    offset = _OFFSET.fullmatch(name)
    if offset:
        hours = int(offset[2]) + int(offset[3]) / 60
        return fixed_offset(-hours if offset[1] == "-" else hours)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise WrongInput(f"时区 {name!r:.40} 不存在；请在 feeds.yaml 中写成 Asia/Shanghai 或 +08:00") from None


def number(value: Any) -> tuple[float, bool]:
    """The number a cell holds, and whether it had to be repaired (full-width digits, blanks around).

    Raises:
        ValueError: not a number, or not a finite one; nothing is guessed (no thousands separators, no units).
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(value), False
    if not isinstance(value, str):
        raise ValueError(f"应为数，得到 {type(value).__name__}")
    if _NUMBER.fullmatch(value):
        return _finite(value), False
    plain = unicodedata.normalize("NFKC", value).strip()
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"应为数，得到 {value!r:.40}")
    return _finite(plain), True


def _finite(value: float | int | str) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if not isfinite(result):
        raise ValueError("不是有限的数")
    return result


def scaled(value: float, scale: float, offset: float) -> float:
    """`value` × scale + offset, freed of binary dust beyond 9 decimals (700 × 0.001 is 0.7)."""
    if scale == 1.0 and offset == 0.0:
        return value
    return round((value * scale + offset) * 1e9) / 1e9


def flag(value: Any) -> bool:
    """True or False of 1/0, true/false, yes/no, 是/否.

    Raises:
        ValueError: none of these.
    """
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _FLAGS:
        raise ValueError(f"应为 是/否，得到 {word!r:.20}")
    return _FLAGS[word]


def instant(value: Any, zone: tzinfo | None, unit: str = "") -> int:
    """Microseconds since the epoch of a cell: text in the usual forms, a datetime, or a number of declared `unit`.

    Raises:
        ValueError: not a time; no offset and no zone; a bare number without a declared unit.
    """
    if isinstance(value, datetime):
        return to_micros(value, zone)
    if isinstance(value, date):
        return to_micros(datetime(value.year, value.month, value.day), zone)
    if unit:
        count = number(value)[0]
        return round(count * UNIT_US[unit])
    if not isinstance(value, str):
        raise ValueError(f"应为时间文字，得到 {type(value).__name__}（数字时间须在 feeds.yaml 写明 time_unit）")
    return _text_instant(unicodedata.normalize("NFKC", value).strip(), zone)


@lru_cache(maxsize=200_000)
def _text_instant(text: str, zone: tzinfo | None) -> int:
    match = _SPOKEN.fullmatch(text) or _COMPACT.fullmatch(text)
    if match:
        return civil(tuple(part or "0" for part in match.groups()), zone)
    return parse_instant(text, zone)


@lru_cache(maxsize=200_000)
def civil(parts: tuple[str, ...], zone: tzinfo | None) -> int:
    """Microseconds of year, month, day[, hour[, minute[, second]]] in `zone`; hour 24 is the next day's 0.

    Raises:
        ValueError: no such date or hour, or no zone.
    """
    year, month, day, hour, minute, second = (*(_whole(part) for part in parts), 0, 0, 0)[:6]
    midnight = hour == 24 and minute == 0 and second == 0
    try:
        moment = datetime(year, month, day, 0 if midnight else hour, minute, second)
    except ValueError:
        raise ValueError(f"没有这个时刻 {'-'.join(parts)!r:.40}") from None
    return to_micros(moment + timedelta(days=1) if midnight else moment, zone)


@lru_cache(maxsize=256)
def format_parts(written: str) -> re.Pattern[str]:
    """The pattern of a declared form such as M/D/YYYY HH:mm:ss or YYYY年M月.

    Raises:
        ValueError: no year in it, or a part named twice.
    """
    pieces, last = [], 0
    for token in _TOKEN.finditer(written):
        pieces += [re.escape(written[last:token.start()]), _TOKENS[token[0]]]
        last = token.end()
    try:
        made = re.compile("".join(pieces) + re.escape(written[last:]), re.ASCII)
    except re.error:
        raise ValueError(f"{written!r:.40} 里同一部分写了两次") from None
    if "Y" not in made.groupindex:
        raise ValueError(f"{written!r:.40} 里没有年份 YYYY")
    return made


@lru_cache(maxsize=200_000)
def dated(text: str, written: str, trimmed: bool = False) -> tuple[str, ...]:
    """Year, month, … of a text in the declared form, as many as it has; `trimmed`: its last zeros were dropped.

    Raises:
        ValueError: not of that form.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    match = format_parts(written).fullmatch(plain.ljust(len(written), "0") if trimmed else plain)
    if match is None:
        raise ValueError(f"应写作 {written}，得到 {text!r:.40}")
    return tuple(match[part] for part in "YMDhms" if part in match.groupdict())


def written_period(text: str, written: str, trimmed: bool = False) -> str:
    """The period (year, month or day) of a text in the declared form.

    Raises:
        ValueError: not of that form, or a time of day.
    """
    parts = dated(text, written, trimmed)
    if len(parts) > 3:
        raise ValueError(f"{written} 是时刻，不是时段")
    return "-".join(part.zfill(2) for part in parts)


def written_instant(text: str, written: str, zone: tzinfo | None, trimmed: bool = False) -> int:
    """Microseconds of a text in the declared form; a missing month or day is the first.

    Raises:
        ValueError: not of that form, no such moment, or no zone.
    """
    parts = dated(text, written, trimmed)
    return civil((*parts, *("1", "1")[len(parts) - 1:]) if len(parts) < 3 else parts, zone)


def _whole(text: str) -> int:
    value = number(text)[0]
    if value != int(value):
        raise ValueError(f"应为整数，得到 {text!r:.20}")
    return int(value)


def to_micros(moment: datetime, zone: tzinfo | None) -> int:
    """Exact microseconds of a datetime; a naive one is taken in `zone`.

    Raises:
        ValueError: naive, and no zone.
    """
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(f"时间 {moment:%Y-%m-%d %H:%M} 缺少时区偏移（请在 feeds.yaml 的 map 写 timezone）")
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // timedelta(microseconds=1)
