"""Files dropped into `drop/<feed>/` are read as soon as they are whole, then put aside as done or failed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.collect import Collector
from data.errors import Unavailable, WrongInput, YipingError, os_words
from data.sources.files import Chunk, read_file

log = logging.getLogger("yiping.files")
POLL_S = 1.0
BATCH = 1_000
UNFINISHED = (".tmp", ".part", ".crdownload", ".filepart")
Mark = tuple[int, int]


class FileWatcher(threading.Thread):
    """Watches the drop folders of the feeds whose source is a file; a file is read when two looks see it unchanged.

    A crash between acceptance and putting a file aside reads it again: its records are then duplicates.
    """

    def __init__(self, collector: Collector) -> None:
        super().__init__(name="files", daemon=True)
        self._collector = collector
        self._ends = threading.Event()
        self._marks: dict[Path, Mark] = {}
        self._feeds = sorted(name for name, feed in collector.pack.feeds.items() if feed.source.kind == "file")
        for feed in self._feeds:
            self.folder(feed).mkdir(parents=True, exist_ok=True)

    def folder(self, feed: str) -> Path:
        """Where files of a feed are dropped."""
        return self._collector.folder / "drop" / feed

    def stop(self) -> None:
        """Ends the thread after the present batch."""
        self._ends.set()

    def run(self) -> None:
        """Looks once a second until stopped."""
        finished = False
        try:
            while not self._ends.wait(POLL_S):
                self.look()
            finished = True
        finally:
            if not finished:
                self._collector.failed.set()

    def look(self) -> None:
        """One round over all folders."""
        for feed in self._feeds:
            for path in self._whole(feed):
                if self._ends.is_set():
                    return
                self._take(feed, path)

    def _whole(self, feed: str) -> list[Path]:
        found: list[Path] = []
        try:
            for path in sorted(self.folder(feed).iterdir()):
                if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in UNFINISHED:
                    state = path.stat()
                    mark = (state.st_size, state.st_mtime_ns)
                    if self._marks.get(path) == mark:
                        found.append(path)
                    self._marks[path] = mark
        except OSError as error:
            self._collector.book.failed(feed, f"目录 {self.folder(feed)} 读不了（{os_words(error)}）",
                                        self._collector.clock.now_us())
        return found

    def _take(self, feed: str, path: Path) -> None:
        collector, counts = self._collector, [0, 0, 0]
        try:
            for batch, rejected in self._batches(feed, path):
                if rejected:
                    collector.refuse(feed, rejected)
                verdict = collector.submit(feed, batch).result()
                for i, number in enumerate((verdict.accepted, verdict.duplicate, len(verdict.rejected))):
                    counts[i] += number
                counts[2] += len(rejected)
                if self._ends.is_set():
                    return
        except Unavailable as error:
            # The file stays where it is; the next look tries again.
            collector.book.failed(feed, str(error), collector.clock.now_us())
            return
        except (YipingError, OSError) as error:
            self._aside(feed, path, str(error) if isinstance(error, WrongInput) else f"{path.name} 读不了：{error}")
            return
        log.warning("file %s/%s: accepted %d, duplicate %d, rejected %d", feed, path.name, *counts)
        self._aside(feed, path, "")

    def _batches(self, feed: str, path: Path) -> Iterator[tuple[list[dict[str, Any]], list[tuple[str, str]]]]:
        chunk: Chunk
        for chunk in read_file(path, self._collector.pack.feeds[feed], self._collector.clock):
            if chunk.sample is not None:
                self._collector.seen(feed, chunk.sample, whole=True)
            yield [], chunk.rejected
            for start in range(0, len(chunk.rows), BATCH):
                yield chunk.rows[start:start + BATCH], []

    def _aside(self, feed: str, path: Path, reason: str) -> None:
        """Moves the file to done/ or failed/, never over another one, and notes how the source is."""
        now = self._collector.clock.now_us()
        folder = path.parent / ("failed" if reason else "done")
        target = folder / path.name
        try:
            folder.mkdir(exist_ok=True)
            if target.exists():
                target = folder / f"{path.stem}-{now}{path.suffix}"
            if reason:
                target.with_name(target.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")
            path.rename(target)
        except OSError as error:
            reason = reason or f"{path} 不能移到 {folder}（{os_words(error)}）；请改正权限"
        self._marks.pop(path, None)
        if reason:
            self._collector.book.failed(feed, reason, now)
        else:
            self._collector.book.answered(feed, now)
