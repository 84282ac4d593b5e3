"""Quarantined rows on their second way through the collector's door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.acceptance import Prepared
from data.quarantine import Judged


@dataclass
class Again:
    """Which quarantined row each record comes from (one row may hold several), who sends them in, and the new text.

    items[i] belongs to record i; `sent`: row → corrected text, for those that were corrected.
    """

    items: list[int]
    who: str
    sent: dict[int, str]

    def left(self, raws: Sequence[Any], waiting: set[int]) -> list[Any]:
        """The records of rows that still wait: somebody else may have settled the others meanwhile."""
        kept = [(item, raw) for item, raw in zip(self.items, raws, strict=True) if item in waiting]
        self.items = [item for item, _ in kept]
        return [raw for _, raw in kept]

    def fresh(self, found: Prepared) -> set[int]:
        """Positions refused of rows of which another record was taken: those are new rows of the quarantine."""
        refused = {place for place, _ in found.rejected}
        taken = {item for place, item in enumerate(self.items) if place not in refused}
        return {place for place in refused if self.items[place] in taken}

    def judge(self, found: Prepared, now_us: int) -> list[Judged]:
        """What became of each row: taken when any of its records was, else the first reason."""
        refused, doubles = dict(found.rejected), set(found.doubles)
        numbers = iter(found.rows)
        taken: dict[int, int] = {}
        reasons: dict[int, str] = {}
        for place, item in enumerate(self.items):
            if place in refused:
                reasons.setdefault(item, refused[place])
            else:
                taken[item] = max(taken.get(item, 0), 0 if place in doubles else int(next(numbers)["seq"]))
        return [Judged(item, self.who, now_us, taken.get(item, 0), "" if item in taken else reasons[item],
                       self.sent.get(item, "")) for item in dict.fromkeys(self.items)]
