"""How fresh an answer is: now by the states of its feeds, for a view of the past by what was known then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

from data.answers import Answer, Freshness, Window
from data.clock import from_us, to_us
from data.errors import Unavailable
from data.health import FeedHealth, freshness, seconds
from data.latest import time_of
from data.live import Live
from data.pack import Metric, Pack
from data.tables import FAR, MemoryTables

log = logging.getLogger(__name__)
_WORST: tuple[Freshness, ...] = ("down", "unknown", "late", "scheduled", "live")
States = Mapping[str, FeedHealth]
Lost = Callable[[int], Mapping[str, str]]


class Judge:
    """For the gate. `lost_at`: feed → why, of the feeds that were lost at an instant (µs UTC).

    Of the past no contacts are kept: a feed is live, late or scheduled then by the newest record that was known, and
    down where it is noted as lost. Of an instant to come nobody can say that it is fresh.
    """

    def __init__(self, pack: Pack, live: Live, lost_at: Lost | None = None) -> None:
        self._pack, self._live, self._lost_at = pack, live, lost_at
        self._then: WeakKeyDictionary[MemoryTables, dict[str, FeedHealth]] = WeakKeyDictionary()

    def states(self, window: Window, past: MemoryTables | None) -> tuple[States, int]:
        """The feeds' states and the instant they are judged at: now, or that of the view."""
        if past is None or window.at is None:
            return self._live.health, self._live.clock.now_us()
        at = to_us(window.at)
        if past not in self._then:
            self._then[past] = self._states_then(past, at)
        return self._then[past], at

    def _states_then(self, past: MemoryTables, at: int) -> dict[str, FeedHealth]:
        lost: Mapping[str, str] = {}
        try:
            lost = self._lost_at(at) if self._lost_at is not None else lost
        except Unavailable as error:
            log.warning("which feeds were lost then is not readable: %s", error)
        feeds = self._pack.feeds
        newest = {feed: newest_then(past, feed, declared.kind, at) for feed, declared in feeds.items()}
        found = {}
        for feed, declared in feeds.items():
            told = newest[feed]
            if declared.source.kind == "own":
                # The program's own feed is there while the program is: when anything came.
                told = max(newest.values())
                told = at if told > at - round(1e6 * max(3 * seconds(declared.cadence), 30.0)) else told
            # Memory reaches back some days; history and the notes of losses say who had delivered before.
            known = at if told or feed in lost or past.begun.get(feed, FAR) <= at else 0
            found[feed] = FeedHealth(feed, told, known, known, at if feed in lost else 0, lost.get(feed, ""))
        return found

    def word(self, feed: str, states: States, at_us: int) -> Freshness:
        """Freshness of one feed at an instant; at one to come what is known now is late, never live."""
        declared = self._pack.feeds[feed]
        found = freshness(seconds(declared.cadence), bool(declared.release), states.get(feed), at_us)
        return "late" if found == "live" and at_us > self._live.clock.now_us() else found

    def fresh(self, answer: Answer, feeds: tuple[str, ...], window: Window, past: MemoryTables | None) -> Answer:
        """Freshness of the worst feed, the department(s), the cadence and, where missing, the data time."""
        states, at_us = self.states(window, past)
        found = [self.word(feed, states, at_us) for feed in feeds]
        ageing = self._ageing(feeds)
        scheduled = any(self._pack.feeds[feed].release for feed in ageing)
        # Beside a feed that moves, a yearly figure that is as it should be says nothing about age.
        judged = found if scheduled else [state for state in found if state != "scheduled"]
        worst: Freshness = min(judged, key=_WORST.index, default="unknown")
        held = [states[feed] for feed in ageing if feed in states]
        newest = max((state.last_time for state in held), default=0)
        time = answer.time or (from_us(newest) if newest else None)
        return replace(answer, freshness=worst, time=time, scheduled=scheduled, cadence_s=self.cadence_s(feeds),
                       source="·".join(dict.fromkeys(self._pack.feeds[feed].department for feed in feeds)),
                       contact_us=max((state.contact_us for state in held), default=0) if past is None else 0,
                       stepped_us=_stepped(held, to_us(time)) if time is not None else 0,
                       demo=answer.demo or self.demo(feeds))

    def beside(self, answer: Answer, metric: Metric) -> Answer:
        """A metric's own department and rhythm, where it declares them."""
        own = seconds(metric.cadence) if metric.cadence else answer.cadence_s
        return replace(answer, source=metric.department or answer.source, cadence_s=own)

    def settled(self, answer: Answer, window: Window) -> Answer:
        """A window that lies in the past is judged at its end, and does not age any more: it is finished, not stale."""
        end_us, follows = to_us(window.end), window.name and window.at is None
        if window.at is not None and answer.time is not None and answer.time > window.at:
            # The feed's newest record, which nobody had then.
            answer = replace(answer, time=None, freshness="unknown" if answer.value is None else answer.freshness)
        if not follows and answer.time is not None and answer.time > window.end:
            # What came after the window says nothing about it.
            answer = replace(answer, time=window.end)
        now_us = self._live.clock.now_us()
        asked_us = now_us if window.at is None else min(now_us, to_us(window.at))
        if follows or answer.time is None or end_us > asked_us - int(3e6 * answer.cadence_s):
            return answer
        age_s = (end_us - to_us(answer.time)) / 1e6
        late = age_s > max(3 * answer.cadence_s, 30.0)
        return replace(answer, freshness="late" if late else "scheduled", scheduled=True, contact_us=0, stepped_us=0)

    def demo(self, feeds: tuple[str, ...]) -> bool:
        """True when the newest records of a feed are marked as simulated."""
        return any(self._live.tables.demo.get(feed, False) for feed in feeds)

    def cadence_s(self, feeds: tuple[str, ...]) -> float:
        """Seconds between figures: the slowest feed that moves."""
        return max((seconds(self._pack.feeds[feed].cadence) for feed in self._ageing(feeds)), default=0.0)

    def _ageing(self, feeds: tuple[str, ...]) -> tuple[str, ...]:
        """Feeds whose news make a figure young or old: an asset list or a yearly figure beside them does not."""
        declared = self._pack.feeds
        return tuple(feed for feed in feeds if declared[feed].kind != "asset" and not declared[feed].release) or feeds


def _stepped(held: list[FeedHealth], time_us: int) -> int:
    """What brings a figure's time to the present clock; after a jump back it is no younger than its newest record."""
    newest = max(held, key=lambda state: state.heard_us, default=None)
    if newest is None or newest.stepped >= 0:
        return newest.stepped if newest is not None else 0
    return min(0, newest.heard_us - time_us)


def newest_then(tables: MemoryTables, feed: str, kind: str, at_us: int) -> int:
    """Time of the newest record of a feed, not after an instant, in what was known then; µs UTC, 0 = none."""
    if kind == "observation":
        columns = tables.observed(feed).columns
        times = columns["time"][columns["valid"]]
    elif kind == "event":
        mine = tables.events.columns["feed"] == tables.events.feed.find(feed)
        times = tables.events.columns["stage_time"][mine]
    else:
        rows = (tables.indicators.current() if kind == "indicator" else
                (tables.assets if kind == "asset" else tables.warnings).rows.values())
        return max((told for row in rows if row["feed"] == feed and (told := time_of(kind, row)) <= at_us), default=0)
    return int(times[times <= at_us].max(initial=0))
