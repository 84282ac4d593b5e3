"""Records that could not be taken, with the reason and what came: nothing that was sent disappears without a trace."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from data.clock import from_us
from data.errors import Unavailable, os_words

MOST_RAW = 1_000_000
MOST_FILE = 200_000_000
MOST_KINDS = 500
OTHER = "其他"


@dataclass(frozen=True)
class Refused:
    """One refused record or body: feed, reason, acceptance time µs, text as it came (cut to the first 1 MB)."""

    feed: str
    reason: str
    received: int
    raw: str


class Quarantine:
    """JSON lines under `<folder>/YYYY-MM-DD.jsonl` (UTC day of arrival), readable by the owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, refused: Sequence[Refused]) -> None:
        """Writes refusals and waits until they are on disk.

        Of a day only the first 200 MB are kept as they came, after that reasons alone: a sender gone mad must not fill
        the disk.

        Raises:
            Unavailable: the disk refuses.
        """
        if not refused:
            return
        path = self._folder / f"{from_us(refused[0].received):%Y-%m-%d}.jsonl"
        try:
            with self._lock:
                handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "ab") as file:
                    full = file.tell() > MOST_FILE
                    file.write(b"".join(_line(item, full) for item in refused))
                    file.flush()
                    os.fsync(file.fileno())
                for item in refused:
                    key = (item.feed, _kind_of(item.reason))
                    counted = key in self._counts or len(self._counts) < MOST_KINDS
                    self._counts[key if counted else (item.feed, OTHER)] += 1
        except OSError as error:
            raise Unavailable(f"隔离区写不进磁盘（{os_words(error)}）；请腾出 {self._folder} 所在磁盘的空间") from error

    def counts(self) -> dict[str, dict[str, int]]:
        """Refusals since the start by feed and reason (the part of the reason that does not vary)."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (feed, reason), number in self._counts.items():
                found.setdefault(feed, {})[reason] = number
        return found


def _kind_of(reason: str) -> str:
    """The reason without its values, so that the number of different reasons stays small."""
    return "".join("#" if letter.isdigit() else letter for letter in reason.split("；")[0])[:60]


def _line(item: Refused, full: bool) -> bytes:
    raw = "" if full else item.raw[:MOST_RAW]
    return orjson.dumps({"feed": item.feed, "reason": item.reason, "received": item.received,
                         "raw": raw.encode("utf-8", "replace").decode()}, option=orjson.OPT_APPEND_NEWLINE)
