"""Rows as the API tells them: instants in the place's local time with offset instead of counted microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.web import Web
from data.clock import from_us

COUNTED = "_us"
# Instants of the quarantine's rows, which its file names without a unit.
REFUSAL = ("first", "last", "settled")


def told(web: Web, rows: Iterable[dict[str, Any]], plain: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows with `<name>_us`, and the names in `plain`, as RFC 3339 under `<name>`; 0 = there was none: null."""
    zone = ZoneInfo(web.pack.place.timezone)
    return [_told(row, plain, zone) for row in rows]


def local(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the place's offset; an instant of before time zones, whose offset has seconds, in UTC."""
    told = instant.astimezone(zone)
    offset = told.utcoffset() or timedelta()
    return (told if offset % timedelta(minutes=1) == timedelta() else instant.astimezone(UTC)).isoformat()


def _told(row: dict[str, Any], plain: tuple[str, ...], zone: ZoneInfo) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith(COUNTED) or name in plain:
            found[name.removesuffix(COUNTED)] = local(from_us(value), zone) if value else None
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found[name] = [_told(part, plain, zone) for part in value]
        else:
            found[name] = value
    return found
