"""The quarantine of program 0.1, a file of JSON lines a day, taken over into SQLite."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import orjson

from data.errors import Unavailable, os_words
from data.quarantine import Quarantine, Refused

log = logging.getLogger("yiping.state")
BATCH = 1_000
DONE = ".taken"


def take_over_lines(state: Path) -> None:
    """Puts the rows of `quarantine/*.jsonl` into quarantine, where they wait; each file is then renamed, not deleted.

    A file that a crash interrupts is taken again: equal texts of a feed are one row there. Lines that cannot be
    understood stay in the renamed file and are counted in the log.

    Raises:
        Unavailable: the disk refuses.
    """
    files = sorted((state / "quarantine").glob("*.jsonl"))
    if not files:
        return
    quarantine = Quarantine(state / "quarantine")
    try:
        for path in files:
            odd = 0
            batch: list[Refused] = []
            for one in _rows(path):
                odd += one is None
                batch += [] if one is None else [one]
                if len(batch) >= BATCH:
                    quarantine.put(batch)
                    batch = []
            quarantine.put(batch)
            path.rename(path.with_name(path.name + DONE))
            log.warning("quarantine %s taken over; %d lines not understood", path.name, odd)
    except OSError as error:
        raise Unavailable(f"旧隔离区 {state / 'quarantine'} 读不出（{os_words(error)}）；请检查磁盘") from error
    finally:
        quarantine.close()


def _rows(path: Path) -> Iterator[Refused | None]:
    with path.open("rb") as file:
        for line in file:
            try:
                raw = orjson.loads(line)
                yield Refused(str(raw["feed"]), str(raw["reason"]), int(raw["received"]), str(raw["raw"]))
            except (ValueError, KeyError, TypeError):
                yield None
