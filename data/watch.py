"""Says when a feed is lost and when it is back, once each: a log line, a spell in the ledger, an event in its list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from data.ageing import Ages
from data.batches import Verdict
from data.errors import Unavailable
from data.feedbook import FeedBook
from data.health import FeedHealth, freshness, seconds
from data.ledger import Ledger, Spell
from data.pack import Pack

log = logging.getLogger("yiping.feeds")
CHANNEL, CATEGORY = "feed", "feed_lost"
BEAT_US = 10_000_000
RETOLD_US = 7 * 86_400_000_000
Submit = Callable[[str, Sequence[Any]], Future[Verdict]]


class FeedWatch:
    """For the collector's ticker. Events go into the pack's feed of kind event whose source is `own`, if it has one.

    A feed is lost by silence only after the collector itself has listened that long: what it missed while it was away
    is not the source's fault.
    """

    def __init__(self, pack: Pack, book: FeedBook, ledger: Ledger, submit: Submit, demo: bool) -> None:
        # Whose sources this collector listens to: all, unless it is one of several.
        self.mine: Callable[[str], bool] = bool
        # What the clock jumps says nothing about a source; None: the clock is taken as it is.
        self.ages: Ages | None = None
        self._from: dict[str, int] = {}
        self._pack, self._book, self._ledger, self._submit, self._demo = pack, book, ledger, submit, demo
        self._own = own_feed(pack)
        self._open: dict[str, Spell] = {}
        self._untold: list[dict[str, Any]] = []
        self._began = self._beat = 0

    def tick(self, now_us: int) -> None:
        """Looks at every feed; what cannot be written now is tried again with the next tick."""
        if not self._began:
            self._begin(now_us)
        states = self._states(now_us)
        if self._own and self.mine(self._own) and abs(now_us - self._beat) >= BEAT_US:
            self._book.beat(self._own, now_us)
            self._beat = now_us
        for feed, health in states.items():
            if feed == self._own:
                continue
            if self.mine(feed):
                self._from.setdefault(feed, now_us)
                self._look(feed, health, now_us)
            else:
                self._from.pop(feed, None)
        self._tell()

    def _states(self, now_us: int) -> dict[str, FeedHealth]:
        if self.ages is None:
            return self._book.states()
        if jumped := self.ages.look(now_us):
            self._from = {feed: since + jumped for feed, since in self._from.items()}
        return self.ages.of(self._book.states(), now_us)

    def _begin(self, now_us: int) -> None:
        """After a start: what a crash may have left untold is told again; the same event is a duplicate."""
        for spell in self._ledger.spells(now_us - RETOLD_US):
            self._note(spell, spell.began, "received")
            if spell.ended:
                self._note(spell, spell.ended, "closed")
            else:
                self._open[spell.feed] = spell
        self._began = now_us

    def _look(self, feed: str, health: FeedHealth, now_us: int) -> None:
        why = self._why(feed, health, now_us)
        spell = self._open.get(feed)
        if why and spell is None:
            if not health.failing_since:
                log.warning("feed %s lost: %s", feed, why)
            spell = Spell(feed, now_us, 0, why)
            self._ledger.lost(feed, now_us, why)
            self._open[feed] = spell
            self._note(spell, now_us, "received")
        elif spell is not None and not why:
            if spell.why.startswith(SILENT):
                log.warning("feed %s back", feed)
            self._ledger.back(feed, now_us)
            del self._open[feed]
            self._note(spell, now_us, "closed")

    def _why(self, feed: str, health: FeedHealth, now_us: int) -> str:
        if health.failing_since:
            return health.error
        declared = self._pack.feeds[feed]
        cadence = seconds(declared.cadence)
        if freshness(cadence, bool(declared.release), health, now_us) != "down":
            return ""
        silent_s = (now_us - max(health.contact_us, self._from.get(feed, 0))) / 1e6
        return f"{SILENT}超过 {declared.cadence} 的十倍" if silent_s > max(10 * cadence, 3600.0) else ""

    def _note(self, spell: Spell, at: int, stage: str) -> None:
        feed = self._pack.feeds.get(spell.feed)
        if self._own and feed is not None:
            word = "中断" if stage == "received" else "恢复"
            self._untold.append({
                "id": f"{spell.feed}-{spell.began}", "time": spell.began, "category": CATEGORY, "channel": CHANNEL,
                "stage": stage, "stage_time": at, "division": self._pack.divisions.root.code,
                "title": f"数据源{word}：{feed.name}", "detail": spell.why, "department": feed.department,
                "demo": self._demo})

    def _tell(self) -> None:
        if not self._untold:
            return
        try:
            self._submit(self._own, self._untold)
            self._untold = []
        except Unavailable as error:
            log.info("events about feeds wait: %s", error)


SILENT = "没有消息，"


def own_feed(pack: Pack) -> str:
    """The feed of the program's own events, '' where the pack declares none."""
    return next((key for key, feed in pack.feeds.items() if feed.source.kind == "own" and feed.kind == "event"), "")
