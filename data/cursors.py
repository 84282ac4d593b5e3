"""How far each pulled feed has been read: noted on disk after what was read is on disk, never before."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import orjson

from data.durable import make_folder, replace_file
from data.errors import Unavailable, os_words
from data.pack import Feed
from data.source import Cursor
from data.state import State

log = logging.getLogger("yiping.cursors")
# What a cursor is a place in; another time-out does not make it another place.
_PLACE = {"url", "query", "rows", "paging", "url_env", "table", "watermark", "host", "topics"}


def place_of(feed: Feed) -> str:
    """A digest of what is read: a cursor of another table or address must not be gone on with."""
    rule = feed.source.http or feed.source.sql or feed.source.mqtt
    said = rule.model_dump_json(include=_PLACE) if rule is not None else feed.source.path
    if feed.source.http is not None:
        # An answer "not changed" would keep rows away that another mapping could read.
        said += feed.map.model_dump_json()
    return hashlib.sha256(said.encode()).hexdigest()[:16]


class Cursors:
    """Cursors of all feeds under `folder`; with a shared state also there, for whoever takes over.

    Of the two notes the one of the later turn (`data.leases`), then the later one of that turn, counts.
    """

    def __init__(self, folder: Path, shared: State | None) -> None:
        self._folder, self._shared = folder, shared
        self._last: dict[str, tuple[int, int]] = {}

    def _path(self, feed: str) -> Path:
        return self._folder / f"{feed}.json"

    def _own(self, feed: str) -> dict[str, Any]:
        try:
            note: dict[str, Any] = orjson.loads(self._path(feed).read_bytes())
            if {"place", "turn", "count", "cursor"} <= note.keys():
                return note
            raise ValueError("names are missing")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            log.error("cursor of %s cannot be read, the feed is read again from its beginning: %s", feed, error)
            return {}

    def turn(self, feed: str) -> int:
        """The turn of our own note, 0 without one."""
        return int(self._own(feed).get("turn", 0))

    def read(self, name: str, feed: Feed) -> Cursor | None:
        """Where to go on, None = at the beginning.

        Raises:
            Unavailable: the shared state is away.
        """
        notes = [self._own(name)]
        if self._shared is not None:
            notes.append(self._shared.cursor(name) or {})
        note = max(notes, key=lambda one: (one.get("turn", -1), one.get("count", -1)))
        self._last[name] = (note.get("turn", 0), note.get("count", 0))
        found: Cursor | None = note.get("cursor") if note.get("place") == place_of(feed) else None
        return found

    def keep(self, name: str, feed: Feed, turn: int, cursor: Cursor) -> None:
        """Notes how far the feed was read.

        Raises:
            Unavailable: the disk refuses.
        """
        count = self._last.get(name, (0, 0))[1] + 1
        self._last[name] = (turn, count)
        note = {"place": place_of(feed), "turn": turn, "count": count, "cursor": cursor}
        try:
            make_folder(self._folder, 0o700)
            replace_file(self._path(name), orjson.dumps(note))
        except OSError as error:
            raise Unavailable(f"读取位置写不进 {self._path(name)}（{os_words(error)}）；请检查磁盘") from error
        if self._shared is not None and not self._shared.set_cursor(name, note):
            log.warning("cursor of %s: a later holder has noted one already", name)
