"""Two values of the same places: what rose, what fell, by how much, and classes around nothing for the map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Differences:
    """`of`: code → now − then in the metric's unit, None where one of the two is unknown.

    A difference that rounds to nothing at the metric's decimals counts as equal and is 0.
    """

    of: dict[str, float | None]

    @property
    def rises(self) -> tuple[tuple[str, float], ...]:
        """(code, difference) of what rose, the most first."""
        return tuple(sorted(((code, step) for code, step in self.of.items() if step is not None and step > 0),
                            key=lambda one: -one[1]))

    @property
    def falls(self) -> tuple[tuple[str, float], ...]:
        """(code, difference) of what fell, the most first."""
        return tuple(sorted(((code, step) for code, step in self.of.items() if step is not None and step < 0),
                            key=lambda one: one[1]))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """How many rose, fell, stayed equal, are unknown; together every place."""
        unknown = sum(step is None for step in self.of.values())
        rises, falls = len(self.rises), len(self.falls)
        return rises, falls, len(self.of) - rises - falls - unknown, unknown


def differences(now: Mapping[str, float | None], then: Mapping[str, float | None], decimals: int) -> Differences:
    """Now − then of every place of either side; no places give no differences.

    Args:
        now: code → value, None = unknown.
        then: the same of the other side.
        decimals: of the metric's figures; smaller differences are none.
    """
    return Differences({code: _step(now.get(code), then.get(code), decimals) for code in [
        *now, *(code for code in then if code not in now)]})


def _step(now: float | None, then: float | None, decimals: int) -> float | None:
    if now is None or then is None or not math.isfinite(now - then):
        return None
    # What a reader subtracts are the figures that stand there, so that sum and parts agree for the eye.
    step = round(round(now, decimals) - round(then, decimals), decimals)
    return step or 0.0


def middle_step(found: Differences, decimals: int) -> float:
    """Where a large change begins: half of the largest one, two digits, above the smallest step; 0 = no change at all.

    One border for both sides, so that the same shade means the same amount up and down.
    """
    reach = max((abs(step) for step in found.of.values() if step is not None), default=0.0)
    least = 10.0 ** -decimals
    if reach <= least:
        return 0.0
    power = 10.0 ** (math.floor(math.log10(reach / 2)) - 1)
    half = round(math.floor(round(reach / 2 / power, 6)) * power, max(decimals, 0))
    return max(half, round(2 * least, decimals))
