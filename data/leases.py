"""Leases of feeds: of several collectors with one Redis exactly one pulls a feed, and its successor takes over soon.

A lease lives TTL_S in Redis and is lengthened every second. Its holder trusts it for MARGIN_S less, by a clock that
goes on while the process or the machine stands still: whoever stalled finds the lease lapsed before another has it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from data.clock import standing_clock
from data.errors import Unavailable
from data.state import State

log = logging.getLogger("yiping.leases")
TTL_S = 6.0
MARGIN_S = 1.5
EVERY_S = 1.0
LAPSED = "这个数据源已由另一个采集器接手，这一批不再接收"


class Held(NamedTuple):
    """A lease of ours: its turn, and until when we trust it (seconds of the clock that never stands still)."""

    turn: int
    until: float


class Leases(threading.Thread):
    """Takes and keeps the leases of feeds. Without a shared state (one machine, one state folder) all are ours.

    `after(feed)`: the turn that our own notes know; a new one must be greater. `says`: what others may read of us
    in the lease, words parted by blanks (the name and the address of a collector).
    """

    def __init__(self, state: State | None, feeds: Iterable[str], after: Callable[[str], int],
                 now: Callable[[], float] = standing_clock, says: str = "") -> None:
        super().__init__(name="leases", daemon=True)
        self._state, self._feeds, self._after, self._now = state, sorted(feeds), after, now
        self._owner = " ".join(filter(None, (secrets.token_hex(8), says)))
        self._held: dict[str, Held] = {}
        self._ends = threading.Event()

    def turn(self, feed: str) -> int:
        """The turn of the lease that we hold now, -1 if we do not; 0 where no leases are needed."""
        if self._state is None:
            return 0
        held = self._held.get(feed)
        return held.turn if held is not None and self._now() < held.until else -1

    def value(self, feed: str) -> str:
        """What the lease says in Redis while we hold it, '' if we do not."""
        turn = self.turn(feed)
        return f"{turn} {self._owner}" if turn > 0 else ""

    def run(self) -> None:
        """Keeps and takes until stopped."""
        while self._state is not None and not self._ends.is_set():
            self.look()
            self._ends.wait(EVERY_S)

    def look(self) -> None:
        """One round over all feeds."""
        for feed in self._feeds:
            if self._ends.is_set() or self._state is None:
                return
            try:
                self._one(self._state, feed)
            except Unavailable:
                # Said once by the state's own log line; what we hold lapses by itself.
                return

    def _one(self, state: State, feed: str) -> None:
        begun, held = self._now(), self._held.get(feed)
        if held is not None:
            if state.keep_lease(feed, self._owner, held.turn, TTL_S):
                self._held[feed] = held._replace(until=begun + TTL_S - MARGIN_S)
                return
            del self._held[feed]
            log.warning("lease of %s lost", feed)
        turn = state.take_lease(feed, self._owner, TTL_S, self._after(feed))
        if turn:
            self._held[feed] = Held(turn, begun + TTL_S - MARGIN_S)
            log.warning("lease of %s taken (turn %d)", feed, turn)

    def stop(self) -> None:
        """Ends the thread and gives all leases back, so that a successor need not wait."""
        self._ends.set()
        if self.ident is not None:
            self.join(EVERY_S)
        held, self._held = self._held, {}
        for feed, lease in held.items():
            try:
                if self._state is not None:
                    self._state.keep_lease(feed, self._owner, lease.turn, 0)
            except Unavailable as error:
                log.warning("lease of %s not given back: %s", feed, error)
                return
