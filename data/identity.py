"""Which records were here before: an index of identities in buckets of time, loaded from history when first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
EVER_US = 1 << 62
MOST_IDENTITIES = 600_000
# A bucket that holds so many is divided from then on, so that what is quiet again can go.
DENSE, PARTS = 200_000, 60
BucketKey = tuple[str, str, int]
PartKey = tuple[str, str, int, int]


class Identities(Protocol):
    """The part of history that the index reads."""

    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> Iterable[tuple[bytes, bytes, int]]:
        """(identity digest, content digest, seq) of the current rows of a feed in [start, end) of their DAY_OF time."""
        ...


class Bucket:
    """Identities of one kind, feed and stretch of time: digest → content digest (8 bytes) and seq (8 bytes) in one.

    `behind`: the full bucket that this one is a part of, as long as history lacks rows of it.
    """

    __slots__ = ("behind", "entries", "last_seq")

    def __init__(self, behind: Bucket | None = None) -> None:
        self.entries: dict[bytes, bytes] = {}
        self.last_seq = 0
        self.behind = behind


class IdentityIndex:
    """Says of a record: new, duplicate of the current version, or a correction of it. For one thread.

    Changes since the last `settle` can be taken back by `roll_back` (the batch did not reach the disk). A bucket with
    rows that history has not committed yet stays in memory, so what is not in memory is all in history. A bucket that
    becomes dense takes nothing more: parts of it begin beside it, and it goes once all its rows are committed.
    """

    def __init__(self, history: Identities, most: int = MOST_IDENTITIES) -> None:
        self._history, self._most = history, most
        self._buckets: OrderedDict[BucketKey | PartKey, Bucket] = OrderedDict()
        self._divided: dict[BucketKey, tuple[int, Bucket | None]] = {}
        self._undo: list[tuple[Bucket, bytes, bytes | None]] = []

    def bucket(self, kind: str, feed: str, time_us: int, width_us: int) -> Bucket:
        """The bucket that holds an instant, read from history if needed.

        `width_us` is always the same for a feed: EVER_US for kinds without a day (time_us 0), a day, or an hour where a
        day would hold so many identities that reading it would hold up the door.
        """
        key = (kind, feed, time_us // width_us)
        found = self._buckets.get(key)
        if found is None or (len(found.entries) >= DENSE and width_us < EVER_US):
            return self._other(key, found, time_us, width_us)
        self._buckets.move_to_end(key)
        return found

    def _other(self, key: BucketKey, found: Bucket | None, time_us: int, width_us: int) -> Bucket:
        """A bucket that must be loaded, or the part of a dense one that holds the instant."""
        if found is not None:
            self._divided[key] = (width_us // PARTS, self._buckets.pop(key))
        elif key not in self._divided:
            fresh = Bucket()
            fresh.entries = self._load(key, key[2] * width_us, (key[2] + 1) * width_us)
            if len(fresh.entries) < DENSE or width_us >= EVER_US:
                self._buckets[key] = fresh
                return fresh
            self._divided[key] = (width_us // PARTS, None)
        width, behind = self._divided[key]
        part = (*key, time_us // width)
        if part not in self._buckets:
            self._buckets[part] = Bucket(behind)
            self._buckets[part].entries = self._load(key, part[3] * width, (part[3] + 1) * width)
        self._buckets.move_to_end(part)
        return self._buckets[part]

    def _load(self, key: BucketKey, start_us: int, end_us: int) -> dict[bytes, bytes]:
        return {digest: content + seq.to_bytes(8, "big")
                for digest, content, seq in self._history.identities(key[0], key[1], start_us, end_us)}

    def judge(self, bucket: Bucket, digest: bytes, content: bytes, seq: int) -> int:
        """Enters a record under its number `seq`; -1 = duplicate (nothing entered), 0 = new, else seq it replaces."""
        entries = bucket.entries
        own = old = entries.get(digest)
        if old is None and bucket.behind is not None:
            old = bucket.behind.entries.get(digest)
        if old is not None and old[:8] == content:
            return -1
        entries[digest] = content + seq.to_bytes(8, "big")
        bucket.last_seq = seq
        self._undo.append((bucket, digest, own))
        return 0 if old is None else int.from_bytes(old[8:], "big")

    def known(self, bucket: Bucket, digest: bytes) -> int:
        """The number of the current version of a record, 0 if there is none."""
        found = bucket.entries.get(digest)
        if found is None and bucket.behind is not None:
            found = bucket.behind.entries.get(digest)
        return 0 if found is None else int.from_bytes(found[8:], "big")

    @property
    def size(self) -> int:
        """Identities in memory."""
        whole = [behind for _, behind in self._divided.values() if behind is not None]
        return sum(len(bucket.entries) for bucket in (*self._buckets.values(), *whole))

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
        """History holds every row up to `checkpoint`: full buckets that were divided go, and the least used ones while
        there are too many identities. Not between a judgement and its settle.
        """
        for key, (width, behind) in self._divided.items():
            if behind is not None and behind.last_seq <= checkpoint:
                self._divided[key] = (width, None)
                self._stand_alone(key, width)
        total = self.size
        for quiet in list(self._buckets):
            if total <= self._most:
                return
            if self._buckets[quiet].last_seq <= checkpoint:
                total -= len(self._buckets.pop(quiet).entries)

    def _stand_alone(self, key: BucketKey, width: int) -> None:
        """The parts of a bucket that goes: what history holds by now, and on top what they took themselves."""
        for part, bucket in self._buckets.items():
            if len(part) == 4 and part[:3] == key:
                bucket.entries = self._load(key, part[3] * width, (part[3] + 1) * width) | bucket.entries
                bucket.behind = None

    def forget(self, kind: str, feed: str) -> None:
        """History changed behind the index (a bulk publish, all rows of the feed committed): read again when needed."""
        for key in [key for key in self._buckets if key[:2] == (kind, feed)]:
            del self._buckets[key]
        for whole in [whole for whole in self._divided if whole[:2] == (kind, feed)]:
            del self._divided[whole]
