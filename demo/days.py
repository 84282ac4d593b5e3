"""Days of the demo county: workdays, holidays, and how far it is to the Spring Festival."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from demo.chance import Flags, Ints, Reals

DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_FIRST = (date(2015, 1, 1) - _EPOCH).days
_LAST = (date(2040, 1, 1) - _EPOCH).days


def day_number(text: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    return (date.fromisoformat(text) - _EPOCH).days


def date_of(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(day + _EPOCH.toordinal())


class Days:
    """The pack's calendar as arrays over day numbers (local days since 1970-01-01, 2015–2039)."""

    def __init__(self, calendar: dict[str, Any], zone_s: int):
        numbers = np.arange(_FIRST, _LAST)
        self.zone_s = zone_s
        self._off: Flags = (numbers + 3) % 7 >= 5
        self._holiday: Flags = np.zeros(len(numbers), bool)
        self._spring: Ints = np.full(len(numbers), 999, np.int64)
        for year in (calendar.get("years") or {}).values():
            for span in year.get("holidays", ()):
                first, last = day_number(str(span["from"])) - _FIRST, day_number(str(span["to"])) - _FIRST
                self._off[first:last + 1] = self._holiday[first:last + 1] = True
            for text in year.get("workdays", ()):
                self._off[day_number(str(text)) - _FIRST] = False
            away = numbers - day_number(str(year["spring_festival"]))
            self._spring = np.where(np.abs(away) < np.abs(self._spring), away, self._spring)

    def local_day(self, times: Ints) -> Ints:
        """Local day numbers of instants (s since the epoch)."""
        return np.asarray((times + self.zone_s) // DAY_S)

    def local_hour(self, times: Ints) -> Reals:
        """Local hour 0–24 with its fraction."""
        return np.asarray(((times + self.zone_s) % DAY_S) / 3600.0)

    def start(self, day: int) -> int:
        """Instant (s) when a local day begins."""
        return day * DAY_S - self.zone_s

    def off(self, days: Ints) -> Flags:
        """Weekend (not worked) or holiday."""
        return self._off[days - _FIRST]

    def holiday(self, days: Ints) -> Flags:
        """Statutory holiday."""
        return self._holiday[days - _FIRST]

    def spring(self, days: Ints) -> Ints:
        """Days after (before: negative) the nearest Spring Festival; 999 when the calendar does not know it."""
        return self._spring[days - _FIRST]

    def homecoming(self, days: Ints) -> Reals:
        """0–1: how much the county lives in the Spring Festival: rises over 12 days, full for 7, fades over 9."""
        away = self.spring(days).astype(float)
        return np.clip(np.minimum((away + 12.0) / 11.0, (16.0 - away) / 9.0), 0.0, 1.0)

    def month(self, days: Ints) -> Reals:
        """Place in the year, 0–12 (0 = 1 January)."""
        return np.asarray(((days % 365.2425) / 365.2425) * 12.0)


def season(month: Reals, peak: float) -> Reals:
    """1 at month `peak` (0–12), -1 half a year away."""
    return np.asarray(np.cos(2 * np.pi * (month - peak) / 12.0))


def bump(hour: Reals, centre: float, width: float) -> Reals:
    """A bell over the hours of a day (wraps at midnight)."""
    away = (hour - centre + 12.0) % 24.0 - 12.0
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))
