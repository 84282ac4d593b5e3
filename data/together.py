"""One of several collectors of a place: whose turn it is to number, and what must be true before it acknowledges.

All write into one tail in Redis, under numbers that ascend over all of them: each number is claimed in the history's
database first, then the batches become visible in one transaction that holds only while the tail ends where this
collector saw it end and the leases of the feeds are still its own. Only then is anything acknowledged.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from data.acceptance import Lane, Prepared
from data.acceptor import Acceptor, Appends, Handed, Stores
from data.batches import Batch, Verdict
from data.clock import Clock
from data.collector_line import address_of
from data.cursors import Cursors
from data.errors import Unavailable, WrongInput
from data.feedbook import FeedBook
from data.history import Writer
from data.history_postgres_write import PostgresWriter
from data.identity import IdentityIndex
from data.leases import Leases
from data.owed import Owed
from data.pack import Pack
from data.settings import Settings
from data.shared_leases import SharedLeases
from data.spool import Spool
from data.state import State

log = logging.getLogger("yiping.collect")
# Whose lease lets a collector bring the tail into the history: no feed's name can look like this.
HISTORY = "~history"
PEN_S, PATIENCE_S, LOOK_S = 1.5, 2.0, 0.002
ELSEWHERE = "这个数据源现在由另一个采集器接收；请过几秒重新发送"
TAKEN = "另一个采集器抢先用了序号；请过几秒重新发送"
NO_BULK = "有几个采集器时不做批量导入（YIPING_COLLECTOR）；请停下它们，用不带名字的一个导入后再启动"


def named(settings: Settings) -> bool:
    """Whether this collector is one of several.

    Raises:
        WrongInput: it is, but what they share has no address.
    """
    if not settings.collector:
        return False
    history = settings.history_url.partition("://")[0] in ("postgresql", "postgres")
    if not (settings.redis_url and history and settings.collect_listen):
        raise WrongInput("设置 YIPING_COLLECTOR 是几个采集器之一的名字，它们还需要共用的 YIPING_REDIS_URL、"
                         "YIPING_HISTORY_URL（postgresql://…），以及各自的 YIPING_COLLECT_LISTEN")
    if address_of(settings.collect_listen, "YIPING_COLLECT_LISTEN")[0] in ("0.0.0.0", "::"):  # noqa: S104
        raise WrongInput(f"有几个采集器时 YIPING_COLLECT_LISTEN 不能是 {settings.collect_listen:.40}："
                         "各网页部分要凭它找到这一个；请写本机的地址，与 YIPING_COLLECT_AT 里的一样")
    return True


class Together:
    """The turn of this collector: for the acceptor's thread.

    leases, state, writer: what it shares with the others. owed: what it acknowledged and the history may lack.
    """

    def __init__(self, state: State, writer: PostgresWriter, leases: Leases, book: FeedBook, owed: Owed) -> None:
        self.leases, self.state, self.writer, self._book, self.owed = leases, state, writer, book, owed
        self._known: dict[str, int] = {}
        self._after = 0
        self._pause = threading.Event()

    @contextmanager
    def pen(self) -> Iterator[int]:
        """The number to begin with. While it is held the others wait their turn, unless this takes too long.

        Raises:
            Unavailable: Redis or the history's database is away.
        """
        until = time.monotonic() + PATIENCE_S
        while not self.state.take_pen(PEN_S) and time.monotonic() < until:
            self._pause.wait(LOOK_S)
        try:
            self._after = self.state.last_seq()
            self.owed.check(self._after)
            yield max(self._after, self.writer.ceiling()) + 1
        finally:
            self._drop()

    def _drop(self) -> None:
        try:
            self.state.drop_pen()
        except Unavailable as error:
            log.info("the pen lapses by itself: %s", error)

    def holds(self, feed: str) -> bool:
        """Whether the feed's lease is ours now."""
        return self.leases.turn(feed) > 0

    def ours(self, feed: str) -> None:
        """Raises Unavailable where another collector has the feed, or nobody yet."""
        if not self.holds(feed):
            raise Unavailable(ELSEWHERE)

    def unpublished(self, spool: Spool) -> int:
        """The first number of frames on disk that were never published, and so never acknowledged: they are dropped.

        Raises:
            Unavailable: Redis or the history's database is away.
        """
        after = self.writer.reached()
        mine = [(batch.seq0, batch.seq1) for batch in spool.frames(after)]
        published: set[int] = set()
        while batches := self.state.tail(after):
            published.update(batch.seq1 for batch in batches)
            after = batches[-1].seq1
        kept = published | self.owed.numbers
        lost = [seq0 for seq0, seq1 in mine if seq1 not in kept]
        if lost:
            log.warning("%d frames of the spool were never published nor acknowledged: dropped", len(lost))
        return min(lost, default=spool.last_seq + 1)

    def join(self, feeds: Iterable[str], lanes: Mapping[str, Lane], index: IdentityIndex) -> None:
        """Learns what former holders accepted of feeds whose lease is new to us, and what an unclear end left.

        Raises:
            Unavailable: Redis or the history is away.
        """
        turns = {feed: turn for feed in feeds if (turn := self.leases.turn(feed)) > 0}
        fresh = {feed for feed, turn in turns.items() if self._known.get(feed) != turn}
        if not fresh:
            return
        self.state.forget_newest()
        for feed in fresh:
            index.forget(lanes[feed].kind, feed)
        after = self.writer.reached()
        while batches := self.state.tail(after):
            for batch in batches:
                if batch.feed in fresh:
                    lanes[batch.feed].enter(batch.rows)
            after = batches[-1].seq1
        index.settle()
        self._book.adopt(state for feed, state in self.state.health().items() if feed in fresh)
        self._known |= {feed: turns[feed] for feed in fresh}

    def relearn(self, feed: str) -> None:
        """Before the next group of the feed, as if its lease were new: by then the history may hold more of it."""
        self._known.pop(feed, None)

    def publish(self, batches: Sequence[Batch]) -> None:
        """Makes them visible, which is what allows to acknowledge them.

        Raises:
            Unavailable: not ours any more, overtaken, or Redis is away. What became of them is looked up by `join`.
        """
        values = {batch.feed: self.leases.value(batch.feed) for batch in batches}
        try:
            if not all(values.values()):
                raise Unavailable(ELSEWHERE)
            # Also what is published without an answer may be told of as a duplicate, and so be acknowledged.
            self.owed.add(batches)
            self.state.publish_held(batches, self._after, values)
        except Unavailable:
            self._known.clear()
            raise
        finally:
            self.owed.landed()
        self._after = batches[-1].seq1

    def claim(self, batches: Sequence[Batch]) -> None:
        """Makes their numbers ours alone. Raises Unavailable."""
        first = batches[0].seq0
        if not self.writer.claim(first, batches[-1].seq1 - first + 1):
            raise Unavailable(TAKEN)


class SharedSpool:
    """The spool of one of several: what is appended is also published, or fails."""

    def __init__(self, spool: Appends, together: Together) -> None:
        self._spool, self._together = spool, together

    def append(self, batches: Sequence[Batch]) -> None:
        """Claims, writes to disk, publishes; Unavailable where one of the three fails."""
        if batches:
            self._together.claim(batches)
            self._spool.append(batches)
            self._together.publish(batches)


class SharedAcceptor(Acceptor):
    """Numbers only in its turn, and only what it holds the lease of."""

    def __init__(self, parts: tuple[Mapping[str, Lane], Stores, Clock], pass_on: Callable[[Sequence[Batch]], None],
                 fatal: Callable[[], None], together: Together) -> None:
        super().__init__(*parts, pass_on, fatal)
        self._together = together

    def _accept(self, group: list[Handed]) -> None:
        try:
            with self._together.pen() as first:
                self.next_seq = first
                for handed in group:
                    if handed.forgotten:
                        self._together.relearn(handed.feed)
                self._together.join({handed.feed for handed in group}, self._lanes, self._stores.index)
                super()._accept(group)
        except Unavailable as error:
            log.error("not accepted: %s", error)
            for handed in group:
                if not handed.answer.done():
                    handed.answer.set_exception(error)

    def takes(self, feed: str) -> bool:
        """Whether what Redis forgot of a feed can be taken up here: ours, or nobody's because the pack lacks it."""
        return feed not in self._lanes or self._together.holds(feed)

    def take_up(self, batch: Batch) -> Future[Verdict] | None:
        """As there; None while the lease of its feed is another's."""
        return super().take_up(batch) if self.takes(batch.feed) else None

    def _prepare(self, handed: Handed, now: int) -> Prepared | None:
        if not self._together.holds(handed.feed):
            handed.answer.set_exception(Unavailable(ELSEWHERE))
            return None
        return super()._prepare(handed, now)


def together_of(settings: Settings, pack: Pack, parts: tuple[State, Writer, FeedBook, Spool],
                folder: Path) -> Together | None:
    """Of one of several collectors its turn; None for the only one. Raises WrongInput, see YIPING_COLLECTOR."""
    state, writer, book, spool = parts
    if not named(settings) or not isinstance(writer, PostgresWriter):
        return None
    leases = SharedLeases(state, [*pack.feeds, HISTORY], Cursors(folder / "cursors", None).turn, settings.collector,
                          settings.collect_listen)
    return Together(state, writer, leases, book, Owed(state, spool, folder / "spool", writer.announce))


def acceptor_of(together: Together | None, parts: tuple[Mapping[str, Lane], Stores, Clock],
                pass_on: Callable[[Sequence[Batch]], None], fatal: Callable[[], None]) -> Acceptor:
    """The acceptor of the only collector, or of one of several."""
    lanes, stores, clock = parts
    if together is None:
        return Acceptor(lanes, stores, clock, pass_on, fatal)
    shared = replace(stores, spool=SharedSpool(stores.spool, together))
    found = SharedAcceptor((lanes, shared, clock), pass_on, fatal, together)
    together.owed.takes, together.owed.take_up = found.takes, found.take_up
    return found
