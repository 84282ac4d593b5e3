"""Acceptance: one thread takes what all doors hand in, in turn, and answers when it is on disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from data.acceptance import Lane, Prepared
from data.again import Again
from data.batches import Batch, Verdict
from data.clock import Clock
from data.errors import Unavailable, YipingError
from data.feedbook import FeedBook
from data.identity import IdentityIndex
from data.quarantine import Quarantine, Refused
from data.records import FIELDS, Row

log = logging.getLogger("yiping.collect")
MOST_WAITING = 256
GROUP_RECORDS = 20_000
NO_FEED = "已确认收到，但缓存遗失了它，而数据源已不在地区包里；把它写回 feeds.yaml 后可以重新送入"


@dataclass
class Handed:
    """Raw records of a feed that wait for acceptance.

    `lapsed` says why they may no longer be taken, '' = they may; `again`: what they were in quarantine, if they were;
    `forgotten`: they are rows that were accepted before.
    """

    feed: str
    raws: Sequence[Any]
    answer: Future[Verdict] = field(default_factory=Future)
    lapsed: Callable[[], str] = str
    again: Again | None = None
    forgotten: bool = False


@dataclass
class Order:
    """Work that must happen between two groups, in the acceptor's thread."""

    work: Callable[[], Any]
    answer: Future[Any] = field(default_factory=Future)


class Appends(Protocol):
    """What makes accepted batches safe."""

    def append(self, batches: Sequence[Batch]) -> None:
        """All of them or none. Raises Unavailable."""


@dataclass(frozen=True)
class Stores:
    """Where accepted and refused records go."""

    spool: Appends
    quarantine: Quarantine
    index: IdentityIndex
    book: FeedBook


class Acceptor(threading.Thread):
    """Numbers rows, writes the spool with one fsync for all that wait, then answers and passes the batches on.

    `pass_on` receives accepted batches in order; `fatal` is called if the thread ends by an exception.
    """

    def __init__(self, lanes: Mapping[str, Lane], stores: Stores, clock: Clock,
                 pass_on: Callable[[Sequence[Batch]], None], fatal: Callable[[], None]) -> None:
        super().__init__(name="acceptor", daemon=True)
        self._lanes, self._stores, self._clock, self._pass_on, self._fatal = lanes, stores, clock, pass_on, fatal
        self._queue: queue.Queue[Handed | Order | None] = queue.Queue()
        self._busy: set[str] = set()
        self._parked: list[Handed] = []
        self._received = 0
        self.next_seq = 1

    def submit(self, feed: str, raws: Sequence[Any], lapsed: Callable[[], str] = str,
               again: Again | None = None, forgotten: bool = False) -> Future[Verdict]:
        """Hands in raw records of a known feed; `lapsed` is asked when their turn comes.

        With `again` they are those of quarantined rows that still wait, `forgotten` rows that were accepted before.

        Raises:
            Unavailable: too much waits already; the same comes out of the future when the disk refuses.
        """
        if self._queue.qsize() > MOST_WAITING:
            raise Unavailable("等待接收的数据太多；请过几秒再发送")
        handed = Handed(feed, raws, lapsed=lapsed, again=again, forgotten=forgotten)
        self._queue.put(handed)
        return handed.answer

    def take_up(self, batch: Batch) -> Future[Verdict] | None:
        """A batch that was accepted before and then forgotten comes in once more; None while that cannot be.

        Rows of a feed that the pack has no more go into quarantine. Raises Unavailable: the disk refuses, or as submit.
        """
        if batch.feed in self._lanes:
            return self.submit(batch.feed, batch.rows, forgotten=True)
        self._stores.quarantine.put([Refused(batch.feed, NO_FEED, self._clock.now_us(), _said(batch.kind, row))
                                     for row in batch.rows])
        answer: Future[Verdict] = Future()
        answer.set_result(Verdict(0, 0, tuple((place, NO_FEED) for place in range(len(batch.rows)))))
        return answer

    def order(self, work: Callable[[], Any]) -> Future[Any]:
        """Runs `work` in the acceptor's thread between two groups."""
        order = Order(work)
        self._queue.put(order)
        return order.answer

    def stop(self) -> None:
        """Ends the thread when everything handed in so far is answered."""
        self._queue.put(None)

    def reserve(self, feed: str, rows: int) -> int:
        """Sets numbers aside for a bulk publish and parks the feed's records until `resume`. By `order` only.

        Raises:
            Unavailable: the feed is busy with another bulk publish.
        """
        if feed in self._busy:
            raise Unavailable(f"数据源 {feed} 正在批量导入；请等它完成")
        self._busy.add(feed)
        first, self.next_seq = self.next_seq, self.next_seq + rows
        return first

    def resume(self, feed: str, changed: bool) -> None:
        """Ends a bulk publish: the index reads again, readers hear of it, parked records go on. By `order` only."""
        self._busy.discard(feed)
        for handed in [item for item in self._parked if item.feed == feed]:
            self._parked.remove(handed)
            self._queue.put(handed)
        if changed:
            kind = self._lanes[feed].kind
            self._stores.index.forget(kind, feed)
            sign = Batch(self.next_seq, self.next_seq, feed, kind, self._now(), [])
            self._stores.spool.append([sign])
            self.next_seq += 1
            self._pass_on([sign])

    def run(self) -> None:
        """Takes groups until told to stop."""
        ends = False
        try:
            while not ends:
                group, order, ends = self._take()
                if group:
                    self._accept(group)
                if order is not None:
                    _obey(order)
        finally:
            if not ends:
                self._fatal()

    def _take(self) -> tuple[list[Handed], Order | None, bool]:
        group: list[Handed] = []
        records = 0
        item = self._queue.get()
        while True:
            if item is None or isinstance(item, Order):
                return group, item, item is None
            if item.feed in self._busy:
                self._parked.append(item)
            else:
                group.append(item)
                records += len(item.raws)
            if records >= GROUP_RECORDS:
                return group, None, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, None, False

    def _now(self) -> int:
        # The clock may step back; what is known later must not look as if it had come earlier.
        self._received = max(self._received + 1, self._clock.now_us())
        return self._received

    def _accept(self, group: list[Handed]) -> None:
        first, now = self.next_seq, self._now()
        prepared = [(handed, found) for handed in group if (found := self._prepare(handed, now)) is not None]
        batches = [Batch(found.rows[0]["seq"], found.rows[-1]["seq"], handed.feed, self._lanes[handed.feed].kind, now,
                         found.rows) for handed, found in prepared if found.rows]
        refused = [one for handed, found in prepared for one in _refused(handed, found, now)]
        judged = [one for handed, found in prepared if handed.again for one in handed.again.judge(found, now)]
        try:
            # What became of quarantined rows is written first and names their numbers: after a crash `take_back`
            # knows by those that never reached the spool, so that no row is lost and none comes twice.
            self._stores.quarantine.put(refused, judged)
            self._stores.spool.append(batches)
        except Unavailable as error:
            self._stores.index.roll_back()
            self.next_seq = first
            if judged:
                # Where even this is refused the thread ends, and a fresh start takes them back.
                self._stores.quarantine.take_back(first)
            log.error("not accepted: %s", error)
            for handed, _ in prepared:
                handed.answer.set_exception(error)
            return
        self._stores.index.settle()
        self._pass_on(batches)
        heard = self._clock.now_us()
        for handed, found in prepared:
            if not handed.forgotten:
                self._stores.book.took(handed.feed, found, heard)
            handed.answer.set_result(Verdict(len(found.rows), found.duplicate, tuple(found.rejected)))

    def _prepare(self, handed: Handed, now: int) -> Prepared | None:
        mark = self._stores.index.mark()
        try:
            if why := handed.lapsed():
                raise Unavailable(why)
            if handed.again is not None:
                handed.raws = handed.again.left(handed.raws, self._stores.quarantine.waiting(handed.again.items))
            lane = self._lanes[handed.feed]
            found = (lane.again if handed.forgotten else lane.prepare)(handed.raws, self.next_seq, now)
        except Exception as error:
            # Records that break the program must not stop the other feeds.
            self._stores.index.roll_back(mark)
            if not isinstance(error, YipingError):
                log.exception("feed %s: acceptance failed", handed.feed)
            handed.answer.set_exception(error)
            return None
        self.next_seq += len(found.rows)
        return found


def _refused(handed: Handed, found: Prepared, now: int) -> list[Refused]:
    """What goes into quarantine; a row that came from there and is refused again is there already."""
    fresh = None if handed.again is None else handed.again.fresh(found)
    return [Refused(handed.feed, reason, now, _text(handed.raws[position])) for position, reason in found.rejected
            if fresh is None or position in fresh]


def _said(kind: str, row: Row) -> str:
    """What the sender said of a row, so that it can be sent in again."""
    return orjson.dumps({spec.name: row[spec.name] for spec in FIELDS[kind]}).decode()


def _obey(order: Order) -> None:
    try:
        order.answer.set_result(order.work())
    except Exception as error:  # noqa: BLE001 - whoever gave the order hears of it
        order.answer.set_exception(error)


def _text(raw: Any) -> str:
    try:
        return orjson.dumps(raw).decode()
    except TypeError:
        return repr(raw)
