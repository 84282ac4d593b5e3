"""State of a feed and the one definition of freshness (interfaces.md) for screens, API and papers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from data.answers import Freshness

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "mo": 2678400.0, "q": 7948800.0,
          "y": 31622400.0}


# Monthly figures come about three weeks after the month.
LAG = 0.65


@dataclass(frozen=True)
class FeedHealth:
    """What the collector knows of a feed; instants in µs UTC, 0 = never.

    last_time: newest record's own time; last_received: newest acceptance; last_contact: last answer of the source,
    also without news; failing_since: start of the present failure, 0 if none; error: its sentence; read_as: format and
    encoding of the last file, such as "csv gb18030". Counts are since midnight. stepped, contact_stepped: µs that the
    reading process saw the wall clock jump since the record and the contact (data.ageing); 0 in what is kept.
    """

    feed: str
    last_time: int = 0
    last_received: int = 0
    last_contact: int = 0
    failing_since: int = 0
    error: str = ""
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    read_as: str = ""
    stepped: int = 0
    contact_stepped: int = 0

    @property
    def heard_us(self) -> int:
        """The newest record's time by the present clock: no record is younger than its coming."""
        return min(self.last_time, self.last_received) + self.stepped

    @property
    def contact_us(self) -> int:
        """When the source last answered, by the present clock; 0 = never."""
        came = self.last_received + self.stepped if self.last_received else 0
        return max(came, self.last_contact + self.contact_stepped if self.last_contact else 0)

    @property
    def mark(self) -> tuple[bool, bool, int]:
        """(ever delivered, failing, jumped): what changes a feed's mark at once, not only with time."""
        return self.last_received > 0, self.failing_since > 0, self.stepped

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> FeedHealth:
        """From kept fields; those of a newer program are left out, so that going back a version does not stop it."""
        known = {spec.name for spec in fields(cls)}
        return cls(**{name: value for name, value in raw.items() if name in known})


def seconds(text: str) -> float:
    """Seconds of a cadence such as 30s, 5min, 1h, 35d, 1mo, 1q.

    Raises:
        ValueError: not of that form.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w|mo|q|y)", text.strip())
    if match is None:
        raise ValueError(f"不是时长 {text!r:.20}(如 30s、5min、1h、35d、1mo)")
    return float(match[1]) * _UNITS[match[2]]


def freshness(cadence_s: float, scheduled: bool, health: FeedHealth | None, now_us: int) -> Freshness:
    """live: age ≤ max(3 × cadence, 30 s); late: older, source answers; down: refuses, or silent > 10 × cadence, ≥ 1 h.

    `scheduled` feeds (monthly figures): scheduled until the release after the newest period is overdue, then late; a
    figure is released up to LAG of a cadence after its period, and the same period sent again makes it no newer.
    """
    if health is None or not health.last_received:
        return "unknown"
    if health.failing_since:
        return "down"
    if scheduled:
        due_us = (health.last_time or health.last_received) + round((1.5 + LAG) * 1e6 * cadence_s)
        return "scheduled" if now_us <= due_us else "late"
    age_s = (now_us - health.heard_us) / 1e6
    if age_s <= max(3 * cadence_s, 30.0):
        return "live"
    silent_s = (now_us - health.contact_us) / 1e6
    return "down" if silent_s > max(10 * cadence_s, 3600.0) else "late"


def read_health(path: Path) -> tuple[dict[str, FeedHealth], str]:
    """(feed states, why Redis takes nothing or '') of the collector's file; empty when there is none or it is torn."""
    try:
        raw = orjson.loads(path.read_bytes())
        return {feed: FeedHealth.of(told) for feed, told in raw["feeds"].items()}, str(raw.get("redis", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, ""
