"""Records that could not be taken, with the reason and what came: nothing that was sent disappears without a trace."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.durable import make_folder
from data.sqlite_file import connect, disk_words

MOST_RAW = 1_000_000
MOST_KINDS = 500
OTHER = "其他"
FILE = "quarantine.sqlite"
# Of one feed: rows that wait, and text of those that wait or are settled. What goes beyond is counted, not kept.
MOST_WAITING, MOST_BYTES, MOST_SETTLED_BYTES = 100_000, 64_000_000, 64_000_000
KEEP_SETTLED_US = 400 * 86_400_000_000
WAITING, REPLAYED, DISMISSED = "waiting", "replayed", "dismissed"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL DEFAULT 1, digest BLOB NOT NULL,
  raw TEXT NOT NULL, whole INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', sent TEXT, who TEXT,
  seq INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS items_waiting ON items (feed, digest) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS items_kind ON items (state, feed, kind, id);
CREATE INDEX IF NOT EXISTS items_seq ON items (seq) WHERE state = 'replayed';
CREATE TABLE IF NOT EXISTS groups (
  feed TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, waiting INTEGER NOT NULL, bytes INTEGER NOT NULL,
  unkept INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (feed, kind)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS item_came AFTER INSERT ON items BEGIN
  INSERT INTO groups VALUES (NEW.feed, NEW.kind, 1, 1, length(NEW.raw), 0, NEW.first, NEW.last, NEW.reason)
  ON CONFLICT DO UPDATE SET count = count + 1, waiting = waiting + 1, bytes = bytes + length(NEW.raw),
    last = max(last, NEW.last), reason = NEW.reason;
END;
CREATE TRIGGER IF NOT EXISTS item_came_again AFTER UPDATE OF times ON items BEGIN
  INSERT INTO groups VALUES (NEW.feed, NEW.kind, 1, 0, 0, 0, NEW.last, NEW.last, NEW.reason)
  ON CONFLICT DO UPDATE SET count = count + 1, last = max(last, NEW.last), reason = NEW.reason;
END;
CREATE TRIGGER IF NOT EXISTS item_moved AFTER UPDATE OF state, kind ON items BEGIN
  UPDATE groups SET waiting = waiting - 1, bytes = bytes - length(OLD.raw)
    WHERE feed = OLD.feed AND kind = OLD.kind AND OLD.state = 'waiting';
  INSERT INTO groups SELECT NEW.feed, NEW.kind, 0, 1, length(NEW.raw), 0, NEW.first, NEW.last, NEW.reason
    WHERE NEW.state = 'waiting'
  ON CONFLICT DO UPDATE SET waiting = waiting + 1, bytes = bytes + length(NEW.raw), reason = NEW.reason;
END;
"""
_PUT = """INSERT INTO items (feed, kind, reason, first, last, digest, raw, whole) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed, digest) WHERE state = 'waiting'
DO UPDATE SET times = times + 1, last = excluded.last, reason = excluded.reason, kind = excluded.kind"""
_UNKEPT = """INSERT INTO groups VALUES (?, ?, 1, 0, 0, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + 1, unkept = unkept + 1, last = max(last, excluded.last)"""
_FULL = "SELECT coalesce(sum(waiting), 0), coalesce(sum(bytes), 0) FROM groups WHERE feed = ?"
_TAKEN = """UPDATE items SET state = ?, seq = ?, settled = ?, sent = ?, who = ? WHERE id = ? AND state = 'waiting'"""
_AGAIN = "UPDATE items SET reason = ?, kind = ? WHERE id = ? AND state = 'waiting'"
# Where the same text came once more while the first was being settled, the later one stands for both.
_BACK = """UPDATE OR IGNORE items SET state = 'waiting', seq = 0, settled = 0, sent = NULL, who = NULL
WHERE state = 'replayed' AND seq >= ?"""
_OLDEST = "SELECT id, length(raw) FROM items WHERE feed = ? AND state <> 'waiting' ORDER BY settled DESC, id DESC"


@dataclass(frozen=True)
class Refused:
    """One refused record or body: feed, reason, acceptance time µs, text as it came (cut to the first 1 MB)."""

    feed: str
    reason: str
    received: int
    raw: str


@dataclass(frozen=True)
class Judged:
    """What became of a row that was sent in again at an instant (µs): taken as `seq` (0: held already), or `reason`.

    sent: the corrected text, '' = as it came.
    """

    item: int
    who: str
    at: int
    seq: int = 0
    reason: str = ""
    sent: str = ""


class Quarantine:
    """A SQLite file in `folder`, readable by the owner alone; several threads and processes may write.

    A text that comes again while it waits is counted on its row. Of one feed at most 100,000 rows and 64 MB of text
    wait; beyond that refusals are counted under their reason, without text: a sender gone mad must not fill the disk,
    nor push out what others sent. Settled rows are kept 400 days, at most 64 MB a feed.

    Raises (in every method):
        Unavailable: the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()
        make_folder(folder, 0o700)
        self._file = connect(self.path, _SCHEMA)
        self._since: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._file.close()

    def put(self, refused: Sequence[Refused], judged: Sequence[Judged] = ()) -> None:
        """Writes refusals and what became of rows sent in again, all of them or none; waits until it is on disk."""
        if not refused and not judged:
            return
        with self._lock, disk_words("隔离区", self.path), self._file as file:
            file.execute("BEGIN IMMEDIATE")
            self._keep(file, refused)
            file.executemany(_TAKEN, [(REPLAYED, one.seq, one.at, one.sent or None, one.who, one.item)
                                      for one in judged if not one.reason])
            file.executemany(_AGAIN, [(one.reason, kind_of(one.reason), one.item) for one in judged if one.reason])

    def _keep(self, file: sqlite3.Connection, refused: Sequence[Refused]) -> None:
        by_feed: dict[str, list[Refused]] = {}
        for item in refused:
            by_feed.setdefault(item.feed, []).append(item)
        for feed, items in by_feed.items():
            waiting, size = file.execute(_FULL, (feed,)).fetchone()
            known = {row[0] for row in file.execute("SELECT kind FROM groups WHERE feed = ?", (feed,))}
            for item in items:
                kind = kind_of(item.reason)
                if kind not in known and len(known) >= MOST_KINDS:
                    kind = OTHER
                known.add(kind)
                raw = item.raw[:MOST_RAW].encode("utf-8", "replace").decode()
                waiting, size = waiting + 1, size + len(raw)
                if waiting > MOST_WAITING or size > MOST_BYTES:
                    file.execute(_UNKEPT, (feed, kind, item.received, item.received, item.reason))
                    continue
                digest = hashlib.blake2b(raw.encode(), digest_size=16).digest()
                file.execute(_PUT, (feed, kind, item.reason, item.received, item.received, digest, raw,
                                    len(item.raw) <= MOST_RAW))

    def dismiss(self, items: Iterable[int], who: str, at: int) -> int:
        """Settles waiting rows without sending them in; how many there were."""
        with self._lock, disk_words("隔离区", self.path), self._file as file:
            file.execute("BEGIN IMMEDIATE")
            before = file.total_changes
            marks = [(DISMISSED, 0, at, None, who, item) for item in items]
            done = sum(file.execute(_TAKEN, mark).rowcount for mark in marks)
            return done if file.total_changes > before else 0

    def take_back(self, first_seq: int) -> int:
        """Rows that were to become accepted ones from `first_seq` on wait again: those were never written."""
        with self._lock, disk_words("隔离区", self.path), self._file as file:
            file.execute("BEGIN IMMEDIATE")
            done = file.execute(_BACK, (first_seq,)).rowcount
            file.execute("DELETE FROM items WHERE state = 'replayed' AND seq >= ?", (first_seq,))
            return done

    def waiting(self, items: Sequence[int]) -> set[int]:
        """Those of the rows that wait."""
        with self._lock, disk_words("隔离区", self.path):
            marks = "SELECT id FROM items WHERE state = 'waiting' AND id = ?"
            return {item for item in set(items) if self._file.execute(marks, (item,)).fetchone()}

    def tidy(self, now_us: int) -> None:
        """Lets go of settled rows that are too old or too many."""
        with self._lock, disk_words("隔离区", self.path), self._file as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("DELETE FROM items WHERE state <> 'waiting' AND settled < ?", (now_us - KEEP_SETTLED_US,))
            for (feed,) in file.execute("SELECT DISTINCT feed FROM groups").fetchall():
                size = 0
                for item, length in file.execute(_OLDEST, (feed,)).fetchall():
                    size += length
                    if size > MOST_SETTLED_BYTES:
                        file.execute("DELETE FROM items WHERE id = ?", (item,))

    def counts(self) -> dict[str, dict[str, int]]:
        """Refusals ever by feed and kind of reason."""
        found: dict[str, dict[str, int]] = {}
        with self._lock, disk_words("隔离区", self.path):
            for feed, kind, number in self._file.execute("SELECT feed, kind, count FROM groups"):
                found.setdefault(feed, {})[kind] = number
        return found


def kind_of(reason: str) -> str:
    """A reason without the values in it, so that equal faults are counted together."""
    text = re.sub(r"(不认识的\S+) .*", r"\1", re.split("[;\uff1b]", reason)[0])
    text = re.sub(r"键 '.*?' 写了两次", "键写了两次", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:?\d\d)?", "#", text)
    return re.sub(r"(?<!UTF-)(?<![A-Za-z_0-9.])-?\d[\d.]*", "#", text)[:80]
