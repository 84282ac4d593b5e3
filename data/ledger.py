"""What the feeds delivered, hour by hour, and when they were lost: the memory behind quality and the usual volume."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.sqlite_file import connect, disk_words, reading

FILE = "feeds.sqlite"
HOUR_US = 3_600_000_000
WEEKS = 9
KEEP_SPELLS_US = 400 * 86_400_000_000
COUNTS = ("accepted", "duplicate", "rejected", "late")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hours (feed TEXT, hour INTEGER, accepted INTEGER NOT NULL, duplicate INTEGER NOT NULL,
  rejected INTEGER NOT NULL, late INTEGER NOT NULL, PRIMARY KEY (feed, hour)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spells (feed TEXT, began INTEGER, ended INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL,
  PRIMARY KEY (feed, began)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shapes (feed TEXT PRIMARY KEY, columns TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS drifts (feed TEXT, at INTEGER, told TEXT NOT NULL, PRIMARY KEY (feed, at)) WITHOUT ROWID;
"""
_ADD = """INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted,
duplicate = duplicate + excluded.duplicate, rejected = rejected + excluded.rejected, late = late + excluded.late"""


@dataclass(frozen=True)
class Spell:
    """A stretch in which a feed was lost; µs UTC, ended 0 = it still is."""

    feed: str
    began: int
    ended: int
    why: str


class Ledger:
    """The collector's side: counts in memory, on disk every few seconds; spells and drifts at once.

    Accepted rows are counted in the hour of their own time, the others in that of their coming. Hours are kept nine
    weeks, spells 400 days.

    Raises (in every method but `count`):
        Unavailable: the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()
        self._file = connect(self.path, _SCHEMA)
        self._waiting: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * len(COUNTS))

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._file.close()

    def count(self, feed: str, hours: Mapping[int, int], others: tuple[int, int, int], now_us: int) -> None:
        """Adds accepted rows by hour and (duplicate, rejected, late) of now; written with the next `flush`."""
        now, oldest = now_us // HOUR_US, now_us // HOUR_US - WEEKS * 168
        with self._lock:
            for hour, number in hours.items():
                if oldest < hour <= now + 1:
                    self._waiting[feed, hour][0] += number
            if any(others):
                waiting = self._waiting[feed, now]
                for position, number in enumerate(others, 1):
                    waiting[position] += number

    def flush(self, now_us: int) -> None:
        """Writes what was counted and lets go of what is too old."""
        with self._lock, disk_words("数据源台账", self.path), self._file as file:
            if not self._waiting:
                return
            file.execute("BEGIN IMMEDIATE")
            file.executemany(_ADD, [(*key, *counts) for key, counts in self._waiting.items()])
            file.execute("DELETE FROM hours WHERE hour < ?", (now_us // HOUR_US - WEEKS * 168,))
            file.execute("DELETE FROM spells WHERE ended > 0 AND ended < ?", (now_us - KEEP_SPELLS_US,))
            file.execute("DELETE FROM drifts WHERE at < ?", (now_us - KEEP_SPELLS_US,))
            self._waiting.clear()

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        with self._lock, disk_words("数据源台账", self.path):
            self._file.execute(sql, values)

    def lost(self, feed: str, at: int, why: str) -> None:
        """A feed is lost from an instant on."""
        self._write("INSERT OR IGNORE INTO spells VALUES (?, ?, 0, ?)", (feed, at, why))

    def back(self, feed: str, at: int) -> None:
        """A feed is back."""
        self._write("UPDATE spells SET ended = ? WHERE feed = ? AND ended = 0", (at, feed))

    def spells(self, since: int) -> list[Spell]:
        """Spells that touch the time after an instant."""
        with self._lock, disk_words("数据源台账", self.path):
            found = self._file.execute(_SPELLS, (since,)).fetchall()
        return [Spell(*row) for row in found]

    def shape(self, feed: str) -> str:
        """The columns of a feed as last seen (JSON), '' before the first."""
        with self._lock, disk_words("数据源台账", self.path):
            found = self._file.execute("SELECT columns FROM shapes WHERE feed = ?", (feed,)).fetchone()
        return str(found[0]) if found else ""

    def reshaped(self, feed: str, columns: str, told: str, at: int) -> None:
        """Keeps the columns of a feed and, where it had others before, what changed."""
        self._write("INSERT INTO shapes VALUES (?, ?) ON CONFLICT DO UPDATE SET columns = excluded.columns",
                    (feed, columns))
        if told:
            self._write("INSERT OR REPLACE INTO drifts VALUES (?, ?, ?)", (feed, at, told))


_SPELLS = "SELECT feed, began, ended, why FROM spells WHERE ended = 0 OR ended > ? ORDER BY began"


class LedgerView:
    """The readers' side, from any process. Raises Unavailable when the file cannot be read now."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def hours(self, since: int) -> dict[str, dict[int, tuple[int, ...]]]:
        """feed → hour → (accepted, duplicate, rejected, late) of the hours from an instant on."""
        found: dict[str, dict[int, tuple[int, ...]]] = defaultdict(dict)
        for row in self._rows("SELECT * FROM hours WHERE hour >= ?", since // HOUR_US):
            found[row["feed"]][row["hour"]] = tuple(row[name] for name in COUNTS)
        return found

    def spells(self, since: int) -> list[Spell]:
        """Spells that touch the time after an instant."""
        return [Spell(*row) for row in self._rows(_SPELLS, since)]

    def drifts(self, since: int) -> dict[str, tuple[int, str]]:
        """feed → (instant, words) of the newest change of its columns."""
        rows = self._rows("SELECT feed, at, told FROM drifts WHERE at >= ? ORDER BY at", since)
        return {row["feed"]: (row["at"], row["told"]) for row in rows}

    def _rows(self, sql: str, value: int) -> list[sqlite3.Row]:
        with reading(self._path) as file:
            return [] if file is None else file.execute(sql, (value,)).fetchall()
