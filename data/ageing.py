"""Ages that no step of the wall clock makes false: what it jumped since a feed was heard is taken out of its age."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from data.clock import MICRO, standing_clock
from data.health import FeedHealth

log = logging.getLogger("yiping.clock")
# Slewing and the wait between two readings of the clocks are far below this, what a mark can hide far above.
JUMP_US = 2 * MICRO
# A state that is first seen so soon after a jump may have been written before it.
RECENT_S, SAID_S = 10.0, 60.0


@dataclass(frozen=True)
class _Heard:
    """What was heard of a feed, and how far the clock had jumped by then; instants in µs UTC."""

    last_time: int
    last_received: int
    stepped: int
    last_contact: int
    contact_stepped: int


class Ages:
    """One for each process and its own thread: no two processes need find a jump at the same moment, or at all.

    A jump is what the wall clock moved between two looks beyond `standing`, a clock in seconds that cannot be set and
    goes on while the machine sleeps.
    """

    def __init__(self, standing: Callable[[], float] = standing_clock) -> None:
        self._standing = standing
        self._seen: tuple[int, float] | None = None
        self._total = self._last = 0
        self._jumped_at = -RECENT_S - SAID_S
        self._heard: dict[str, _Heard] = {}

    def look(self, now_us: int) -> int:
        """µs that the wall clock jumped since the last look, 0 as a rule; said in the log."""
        now_s = self._standing()
        before, self._seen = self._seen, (now_us, now_s)
        if before is None:
            return 0
        jumped = now_us - before[0] - round((now_s - before[1]) * MICRO)
        if abs(jumped) <= JUMP_US:
            return 0
        self._total += jumped
        self._last, self._jumped_at = jumped, now_s
        log.warning("wall clock jumped by %+.1f s; ages are kept by the standing clock", jumped / MICRO)
        return jumped

    def words(self) -> str:
        """A minute long after a jump: how far; else ''."""
        if self._standing() - self._jumped_at > SAID_S:
            return ""
        way, size = "快" if self._last > 0 else "慢", abs(self._last) / MICRO
        unit, seconds = ("秒", 1) if size < 120 else ("分钟", 60) if size < 7200 else ("小时", 3600)
        length = f"{round(size / seconds)} {unit}"
        return f"时钟跳变：服务器时间拨{way}了 {length}，新鲜度不受影响；请检查对时服务"

    def of(self, states: Mapping[str, FeedHealth], now_us: int) -> dict[str, FeedHealth]:
        """The states with what the clock has jumped since each was heard (`stepped`, `contact_stepped`)."""
        return {feed: self._aged(state, now_us) for feed, state in states.items()}

    def _aged(self, state: FeedHealth, now_us: int) -> FeedHealth:
        known = self._heard.get(state.feed)
        if known is None or (known.last_time, known.last_received) != (state.last_time, state.last_received):
            stepped = self._then(state.last_received, now_us, known.stepped if known else None)
        else:
            stepped = known.stepped
        if known is None or known.last_contact != state.last_contact:
            contact = self._then(state.last_contact, now_us, known.contact_stepped if known else None)
        else:
            contact = known.contact_stepped
        if known is None or state.last_contact or state.last_received:
            self._heard[state.feed] = _Heard(state.last_time, state.last_received, stepped, state.last_contact, contact)
        return replace(state, stepped=self._total - stepped, contact_stepped=self._total - contact)

    def _then(self, stamp_us: int, now_us: int, before: int | None) -> int:
        """How far the clock had jumped when a state, seen just now, was stamped; `before`: the feed's last answer.

        A stamp from the future is one of before a jump back: what is first seen now is not younger than now. A feed's
        answer moves by jumps only: that of a collector whose clock is ahead would else move with every record.
        """
        lead = stamp_us - now_us
        if before is not None and lead > 0 and abs(self._total + lead - before) <= JUMP_US:
            return before
        if lead > JUMP_US:
            return self._total + lead
        recent = before is not None and self._standing() - self._jumped_at <= RECENT_S
        older = recent and abs(now_us - self._last - stamp_us) < abs(now_us - stamp_us)
        return self._total - self._last if older else self._total
