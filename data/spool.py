"""The spool: what was accepted is on disk here before anybody is told so.

A folder of segments `<seq0>.jsonl`; a line is one batch: CRC32 of the body (8 hex digits), its length, the body.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from data.batches import Batch
from data.durable import make_folder
from data.errors import Unavailable, os_words
from data.manifest import sync_folder

log = logging.getLogger("yiping.spool")
SEGMENT_BYTES = 32_000_000
SEGMENT_S = 300.0
KEEP_S = 600.0


def encode(batch: Batch) -> bytes:
    """One line of a segment."""
    body = orjson.dumps({"seq0": batch.seq0, "seq1": batch.seq1, "feed": batch.feed, "kind": batch.kind,
                         "received": batch.received, "rows": batch.rows})
    return b"%08x %d " % (zlib.crc32(body), len(body)) + body + b"\n"


def decode(line: bytes) -> Batch | None:
    """The batch of a line, None if the line is torn or damaged."""
    parts = line.split(b" ", 2)
    if len(parts) != 3 or not line.endswith(b"\n"):
        return None
    body = parts[2][:-1]
    if parts[1] != b"%d" % len(body) or parts[0] != b"%08x" % zlib.crc32(body):
        return None
    return Batch(**orjson.loads(body))


class Spool:
    """Appends batches durably and reads them again in order. One thread appends; any thread may read or drop.

    `opener` opens a segment for appending (tests hand in a full disk); `now` is the machine's time in seconds.
    """

    def __init__(self, folder: Path, opener: Callable[[Path], BinaryIO] | None = None,
                 now: Callable[[], float] = time.time) -> None:
        self._folder, self._now = folder, now
        self._opener = opener or (lambda path: path.open("ab", buffering=0))
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._opened = 0.0
        self._good = 0
        make_folder(folder)
        self._segments = sorted(folder.glob("*.jsonl"), key=lambda path: int(path.stem))
        self.last_seq = self._repair(self._segments[-1]) if self._segments else 0

    def _repair(self, path: Path) -> int:
        """Cuts a torn tail off the last segment; returns the last number in it (its own name's minus 1 if empty)."""
        last, good, size = int(path.stem) - 1, 0, 0
        with path.open("rb") as file:
            for line in file:
                size += len(line)
                batch = decode(line)
                if batch is not None:
                    last, good = batch.seq1, size
        if good < size:
            log.warning("spool %s: torn tail of %d bytes cut off", path.name, size - good)
            os.truncate(path, good)
        return last

    def append(self, batches: Sequence[Batch]) -> None:
        """Writes batches and waits until they are on disk; all of them or none.

        Raises:
            Unavailable: the disk refuses; nothing of these batches remains.
        """
        if not batches:
            return
        try:
            file = self._segment(batches[0].seq0)
            data = memoryview(b"".join(map(encode, batches)))
            size = len(data)
            while data:
                data = data[file.write(data):]
            os.fsync(file.fileno())
        except OSError as error:
            self._undo()
            raise Unavailable(f"数据没有写入磁盘（{os_words(error)}）；请腾出 {self._folder} 所在磁盘的空间，"
                              "之后重新发送") from error
        with self._lock:
            self._good += size
            self.last_seq = batches[-1].seq1

    def _segment(self, seq0: int) -> BinaryIO:
        old = self._file is not None and (self._good >= SEGMENT_BYTES or self._now() - self._opened > SEGMENT_S)
        if self._file is not None and (not old or not self._good):
            return self._file
        self.close()
        path = self._folder / f"{seq0:020d}.jsonl"
        file = self._opener(path)
        try:
            sync_folder(self._folder)
        except OSError:
            file.close()
            raise
        with self._lock:
            if path not in self._segments:
                self._segments.append(path)
            self._file, self._good, self._opened = file, path.stat().st_size, self._now()
        return file

    def _undo(self) -> None:
        if self._file is None:
            return
        try:
            os.truncate(self._segments[-1], self._good)
        except OSError as error:
            log.error("spool %s: cannot cut back: %s", self._segments[-1].name, error)
        # After a failed fsync the file is not to be trusted: the next batch opens a new segment.
        self.close()

    def close(self) -> None:
        """Ends the open segment; the next append begins another."""
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            file.close()

    def frames(self, after_seq: int) -> Iterator[Batch]:
        """Batches with seq1 > after_seq, in order, as far as they are on disk when a segment is read."""
        for path, end in self._readable(after_seq):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                position = 0
                for line in file:
                    position += len(line)
                    if position > end:
                        break
                    batch = decode(line)
                    if batch is None:
                        log.error("spool %s: damaged frame before byte %d skipped", path.name, position)
                    elif batch.seq1 > after_seq:
                        yield batch

    def _readable(self, after_seq: int) -> list[tuple[Path, int]]:
        with self._lock:
            paths = list(self._segments)
            end = self._good if self._file is not None else 1 << 62
        starts = [int(path.stem) for path in paths]
        return [(path, end if path == paths[-1] else 1 << 62) for i, path in enumerate(paths)
                if i + 1 == len(paths) or starts[i + 1] > after_seq + 1]

    def drop_until(self, seq: int) -> int:
        """Removes whole old segments all of whose rows are ≤ seq and that rest for 10 minutes; returns how many."""
        with self._lock:
            gone = []
            while len(self._segments) > 1 and int(self._segments[1].stem) <= seq + 1 and self._rests(self._segments[0]):
                gone.append(self._segments.pop(0))
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _rests(self, path: Path) -> bool:
        return not path.exists() or self._now() - path.stat().st_mtime >= KEEP_S
