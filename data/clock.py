"""The place's clock: real time plus an offset, so that a demo county can live at any date."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MICRO = 1_000_000


@dataclass(frozen=True)
class Clock:
    """Reads the time; `offset_s` seconds are added to the machine's clock (0 in production)."""

    offset_s: float = 0.0

    def now(self) -> datetime:
        """Aware UTC instant."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return int((time.time() + self.offset_s) * MICRO)


def standing_clock() -> float:
    """Seconds since the machine's start, its sleep included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def to_us(instant: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return round(instant.timestamp() * MICRO)


def from_us(micros: int) -> datetime:
    """Aware UTC instant of microseconds since the epoch."""
    return datetime.fromtimestamp(micros / MICRO, UTC)
