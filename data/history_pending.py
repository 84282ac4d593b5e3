"""Accepted rows that wait for the next commit of a history."""

from __future__ import annotations

import threading

from data.batches import Batch
from data.history_files import Columns


class Pending:
    """Buffers by kind. Safe to use from several threads."""

    def __init__(self) -> None:
        self.appended = 0
        self._buffers: dict[str, Columns] = {}
        self._lock = threading.Lock()

    def append(self, batch: Batch, checkpoint: int) -> None:
        """Takes a batch. They come in the order of their numbers; one that is already in is ignored (replay)."""
        with self._lock:
            if batch.seq1 <= max(checkpoint, self.appended):
                return
            self.appended = batch.seq1
            if not batch.rows:
                return
            if batch.kind not in self._buffers:
                self._buffers[batch.kind] = Columns(batch.kind)
            self._buffers[batch.kind].extend(batch.rows)

    def take(self) -> tuple[dict[str, Columns], int]:
        """All that waits, and the greatest number appended."""
        with self._lock:
            taken, self._buffers = self._buffers, {}
            return taken, self.appended

    def give_back(self, taken: dict[str, Columns]) -> None:
        """What could not be written waits again, before what came since."""
        with self._lock:
            for kind, columns in self._buffers.items():
                if kind in taken:
                    taken[kind].join(columns)
                else:
                    taken[kind] = columns
            self._buffers = taken
