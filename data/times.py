"""Instants and periods as departments write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

MICRO = 1_000_000
_PERIODS = (
    (re.compile(r"(\d{4})"), "year"),
    (re.compile(r"(\d{4})H([12])"), "half"),
    (re.compile(r"(\d{4})Q([1-4])"), "quarter"),
    (re.compile(r"(\d{4})Q1\.\.Q([2-4])"), "quarters"),
    (re.compile(r"(\d{4})-(\d{2})"), "month"),
    (re.compile(r"(\d{4})-01\.\.(\d{2})"), "months"),
    (re.compile(r"(\d{4})-W(\d{2})"), "week"),
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})"), "day"),
)


def parse_instant(text: Any, zone: tzinfo | None = None) -> int:
    """Microseconds since the epoch of an RFC 3339 text; without an offset it needs `zone`.

    Raises:
        ValueError: not a time, or no offset and no zone.
    """
    if not isinstance(text, str):
        raise ValueError(f"应为 RFC 3339 时间文字，得到 {type(text).__name__}")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"不是时间 {text!r:.40}") from None
    if instant.tzinfo is None:
        if zone is None:
            raise ValueError(f"时间 {text!r:.40} 缺少时区偏移")
        instant = instant.replace(tzinfo=zone)
    return round(instant.timestamp() * MICRO)


def _start(kind: str, numbers: list[int]) -> datetime:
    year = numbers[0]
    if kind == "half":
        return datetime(year, 6 * numbers[1] - 5, 1, tzinfo=UTC)
    if kind == "quarter":
        return datetime(year, 3 * numbers[1] - 2, 1, tzinfo=UTC)
    if kind == "month":
        return datetime(year, numbers[1], 1, tzinfo=UTC)
    if kind == "week":
        return datetime.fromisocalendar(year, numbers[1], 1).replace(tzinfo=UTC)
    if kind == "day":
        return datetime(year, numbers[1], numbers[2], tzinfo=UTC)
    return datetime(year, 1, 1, tzinfo=UTC)


def _end(kind: str, start: datetime, numbers: list[int]) -> datetime:
    if kind in ("week", "day"):
        return start + timedelta(days=7 if kind == "week" else 1)
    months = {"year": 12, "half": 6, "quarter": 3, "month": 1}.get(kind)
    if months is None:
        months = 3 * numbers[1] if kind == "quarters" else numbers[1]
    after = start.month - 1 + months
    return start.replace(year=start.year + after // 12, month=after % 12 + 1)


@lru_cache(maxsize=65536)
def parse_period(text: str) -> tuple[datetime, datetime, str]:
    """Half-open [start, end) and kind of a period such as 2026-09, 2026-01..02, 2026Q1..Q3, 2026-W46, 2026-11-22.

    The instants stand for calendar days; their zone is nominally UTC.

    Raises:
        ValueError: not one of the forms, or no such month, week or day.
    """
    for pattern, kind in _PERIODS:
        match = pattern.fullmatch(text)
        if match:
            numbers = [int(group) for group in match.groups()]
            try:
                start = _start(kind, numbers)
                return start, _end(kind, start, numbers), kind
            except ValueError:
                break
    raise ValueError(f"不是时段 {text!r:.40}(如 2026-09、2026-01..02、2026Q3、2026Q1..Q3、2026H1、2026、2026-W46)")


def fixed_offset(hours: float) -> timezone:
    """A fixed zone of so many hours east of Greenwich."""
    return timezone(timedelta(hours=hours))
