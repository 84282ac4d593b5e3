"""Which records were here before: an index of identities in buckets of time, loaded from history when first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
EVER_US = 1 << 62
MOST_IDENTITIES = 2_000_000
BucketKey = tuple[str, str, int]


class Identities(Protocol):
    """The part of history that the index reads."""

    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> Iterable[tuple[bytes, bytes, int]]:
        """(identity digest, content digest, seq) of the current rows of a feed in [start, end) of their DAY_OF time."""
        ...


class Bucket:
    """Identities of one kind, feed and stretch of time: digest → content digest (8 bytes) and seq (8 bytes) in one."""

    __slots__ = ("entries", "last_seq")

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}
        self.last_seq = 0


class IdentityIndex:
    """Says of a record: new, duplicate of the current version, or a correction of it. For one thread.

    Changes since the last `settle` can be taken back by `roll_back` (the batch did not reach the disk). A bucket with
    rows that history has not committed yet stays in memory, so what is not in memory is all in history.
    """

    def __init__(self, history: Identities, most: int = MOST_IDENTITIES) -> None:
        self._history, self._most = history, most
        self._buckets: OrderedDict[BucketKey, Bucket] = OrderedDict()
        self._undo: list[tuple[Bucket, bytes, bytes | None]] = []

    def bucket(self, kind: str, feed: str, time_us: int, width_us: int) -> Bucket:
        """The bucket that holds an instant, read from history if needed.

        `width_us` is always the same for a feed: EVER_US for kinds without a day (time_us 0), a day, or an hour where a
        day would hold so many identities that reading it would hold up the door.
        """
        key = (kind, feed, time_us // width_us)
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = self._load(kind, feed, key[2] * width_us, (key[2] + 1) * width_us)
        self._buckets.move_to_end(key)
        return found

    def _load(self, kind: str, feed: str, start_us: int, end_us: int) -> Bucket:
        bucket = Bucket()
        bucket.entries = {digest: content + seq.to_bytes(8, "big")
                          for digest, content, seq in self._history.identities(kind, feed, start_us, end_us)}
        return bucket

    def judge(self, bucket: Bucket, digest: bytes, content: bytes, seq: int) -> int:
        """Enters a record under its number `seq`; -1 = duplicate (nothing entered), 0 = new, else seq it replaces."""
        entries = bucket.entries
        old = entries.get(digest)
        if old is not None and old[:8] == content:
            return -1
        entries[digest] = content + seq.to_bytes(8, "big")
        bucket.last_seq = seq
        self._undo.append((bucket, digest, old))
        return 0 if old is None else int.from_bytes(old[8:], "big")

    def settle(self) -> None:
        """What was entered is on disk."""
        self._undo.clear()

    def mark(self) -> int:
        """A point that `roll_back` can return to, until the next settle."""
        return len(self._undo)

    def roll_back(self, mark: int = 0) -> None:
        """Takes back everything entered since the mark, or since the last settle."""
        while len(self._undo) > mark:
            bucket, digest, old = self._undo.pop()
            if old is None:
                del bucket.entries[digest]
            else:
                bucket.entries[digest] = old

    def committed(self, checkpoint: int) -> None:
        """History holds every row up to `checkpoint`; the least used buckets go while there are too many identities."""
        total = sum(len(bucket.entries) for bucket in self._buckets.values())
        for key in list(self._buckets):
            if total <= self._most:
                return
            if self._buckets[key].last_seq <= checkpoint:
                total -= len(self._buckets.pop(key).entries)

    def forget(self, kind: str, feed: str) -> None:
        """History changed behind the index (a bulk publish, all rows of the feed committed): read again when needed."""
        for key in [key for key in self._buckets if key[:2] == (kind, feed)]:
            del self._buckets[key]
