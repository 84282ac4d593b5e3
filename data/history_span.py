"""Which stretch of time a question to the history covers, in which buckets, and as known when."""

from __future__ import annotations

from dataclasses import dataclass

MONTH = -1


@dataclass(frozen=True)
class Span:
    """Half-open [start_us, end_us), µs UTC.

    step_us: length of a bucket; 0 = one bucket for all; MONTH = calendar months. offset_us: the place's distance from
    UTC, so that buckets begin at local midnights. known_at_us: only what was received up to then; None = all.
    """

    start_us: int
    end_us: int
    step_us: int = 0
    offset_us: int = 0
    known_at_us: int | None = None
