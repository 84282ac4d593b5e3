"""What the collector knows of each feed: counts since midnight, last news, present failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from data.acceptance import Prepared
from data.clock import from_us
from data.durable import replace_file
from data.errors import Unavailable
from data.health import FeedHealth
from data.ledger import HOUR_US, Ledger

log = logging.getLogger("yiping.feeds")
FILE_EVERY_US = 5_000_000


class FeedBook:
    """Health of the feeds; safe to use from several threads.

    `folder` holds health.json; `zone` says when midnight is, from when counts run; `ledger` keeps them by the hour.
    """

    def __init__(self, folder: Path, zone: ZoneInfo, feeds: Iterable[str], ledger: Ledger | None = None) -> None:
        # What a process of before wrote may not be true any more.
        self._redis: str | None = None
        self._path, self._zone, self._ledger = folder / "health.json", zone, ledger
        self._lock = threading.Lock()
        self._states = {feed: FeedHealth(feed) for feed in feeds}
        self._late: dict[str, int] = {}
        self._day = ""
        self._unsent: set[str] = set()
        self._unwritten, self._written_us = False, 0
        self._load()

    def _load(self) -> None:
        try:
            kept = orjson.loads(self._path.read_bytes())
            states = {name: FeedHealth.of(state) for name, state in kept["feeds"].items() if name in self._states}
            day = str(kept["day"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read, counts begin anew: %s", self._path, error)
            return
        self._day = day
        self._states |= states
        self._unsent = set(self._states)

    def took(self, feed: str, found: Prepared, now_us: int) -> None:
        """Records of a feed came in."""
        with self._lock:
            self._roll(now_us)
            old = self._states[feed]
            new = replace(old, last_contact=now_us, accepted=old.accepted + len(found.rows),
                          duplicate=old.duplicate + found.duplicate, rejected=old.rejected + len(found.rejected))
            if found.rows:
                new = replace(new, last_time=_newest(old, found.newest, now_us), last_received=now_us)
                self._late[feed] = self._late.get(feed, 0) + found.late
            self._set(new)
        if self._ledger is not None:
            others = (found.duplicate, len(found.rejected), found.late)
            self._ledger.count(feed, found.hours or {now_us // HOUR_US: len(found.rows)}, others, now_us)

    def loaded(self, feed: str, hours: Mapping[int, int], counts: tuple[int, int, int], now_us: int) -> None:
        """A bulk of (accepted, duplicate) rows was published, the newest record's time in µs (0 = none) third.

        hours: rows by the hour of their own time.
        """
        newest_us = counts[2]
        with self._lock:
            self._roll(now_us)
            old = self._states[feed]
            new = replace(old, last_contact=now_us, accepted=old.accepted + counts[0],
                          duplicate=old.duplicate + counts[1])
            if counts[0]:
                new = replace(new, last_time=_newest(old, newest_us or now_us, now_us), last_received=now_us)
            self._set(new)
        if self._ledger is not None and counts[0]:
            self._ledger.count(feed, hours, (0, 0, 0), now_us)

    def refused(self, feed: str, number: int, now_us: int) -> None:
        """So many records were refused before they became canonical."""
        with self._lock:
            self._roll(now_us)
            self._set(replace(self._states[feed], rejected=self._states[feed].rejected + number, last_contact=now_us))
        if self._ledger is not None:
            self._ledger.count(feed, {}, (0, number, 0), now_us)

    def adopt(self, states: Iterable[FeedHealth]) -> None:
        """What another collector knew of feeds when it had them, where that is newer."""
        with self._lock:
            for state in states:
                if state.feed in self._states and state.last_contact > self._states[state.feed].last_contact:
                    self._set(state)

    def beat(self, feed: str, now_us: int) -> None:
        """The program's own feed stands: it has nothing to tell, and says so by being there."""
        with self._lock:
            self._set(replace(self._states[feed], last_time=now_us, last_received=now_us, last_contact=now_us))

    def failed(self, feed: str, error: str, now_us: int) -> None:
        """The source of a feed fails; said once in the log."""
        with self._lock:
            old = self._states[feed]
            if not old.failing_since:
                log.warning("feed %s lost: %s", feed, error)
            self._set(replace(old, failing_since=old.failing_since or now_us, error=error))

    def answered(self, feed: str, now_us: int, read_as: str = "") -> None:
        """The source of a feed answers, with or without news; `read_as`: format and encoding of what it sent."""
        with self._lock:
            old = self._states[feed]
            if old.failing_since:
                log.warning("feed %s back", feed)
            self._set(replace(old, failing_since=0, error="", last_contact=now_us, read_as=read_as or old.read_as))

    def _set(self, new: FeedHealth) -> None:
        if new != self._states[new.feed]:
            self._states[new.feed] = new
            self._unsent.add(new.feed)
            self._unwritten = True

    def _roll(self, now_us: int) -> None:
        day = from_us(now_us).astimezone(self._zone).date().isoformat()
        if day != self._day:
            self._day = day
            self._late.clear()
            for state in self._states.values():
                self._set(replace(state, accepted=0, duplicate=0, rejected=0))

    def states(self) -> dict[str, FeedHealth]:
        """Health of every feed."""
        with self._lock:
            return dict(self._states)

    def late(self) -> dict[str, int]:
        """Records accepted today that were older than their feed's late_window."""
        with self._lock:
            return dict(self._late)

    def tick(self, send: Callable[[list[FeedHealth]], None], now_us: int, force: bool = False,
             redis: str = "") -> None:
        """Once a second: sends what changed, and writes the file at most every 5 s (at once with `force`).

        redis: why Redis takes nothing, '' while it does; a change is written at once, for it cannot be sent.
        """
        with self._lock:
            self._roll(now_us)
            if redis != self._redis:
                self._redis, self._unwritten, force = redis, True, True
            states = [self._states[feed] for feed in sorted(self._unsent)]
            self._unsent.clear()
            due = self._unwritten and (force or abs(now_us - self._written_us) >= FILE_EVERY_US)
            feeds = {name: asdict(state) for name, state in self._states.items()}
            kept = {"day": self._day, "redis": redis, "feeds": feeds}
        try:
            if states:
                send(states)
        except Unavailable:
            # Told by the state's own log line; sent again with the next tick.
            with self._lock:
                self._unsent.update(state.feed for state in states)
        if due:
            self._write(orjson.dumps(kept), now_us)
            self._flush(now_us)

    def _flush(self, now_us: int) -> None:
        try:
            if self._ledger is not None:
                self._ledger.flush(now_us)
        except Unavailable as error:
            log.error("counts by the hour wait: %s", error)

    def _write(self, text: bytes, now_us: int) -> None:
        try:
            replace_file(self._path, text)
            self._unwritten, self._written_us = False, now_us
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error)
            self._written_us = now_us


def _newest(old: FeedHealth, newest_us: int, now_us: int) -> int:
    """The newest record's time; what came before the clock stepped back does not hide what comes after."""
    return newest_us if old.last_received > now_us else max(old.last_time, newest_us)
