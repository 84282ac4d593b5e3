"""Messages that have come and wait for their turn: few enough and small enough to be held, whatever a sender does."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Between the thread that receives and the one that works; a full one holds the receiver, and so the sender.

    A message larger than all that may wait is taken alone, when nothing else does.
    """

    def __init__(self, size: Callable[[T], int], most: int, most_bytes: int) -> None:
        self._size, self._most, self._most_bytes = size, most, most_bytes
        self._waiting: deque[T] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: T, timeout_s: float) -> bool:
        """Leaves a message; False if there was no room in time."""
        size = self._size(message)
        with self._changed:
            if not self._changed.wait_for(lambda: self._room(size), timeout_s):
                return False
            self._waiting.append(message)
            self._bytes += size
            self._changed.notify_all()
        return True

    def take(self, most: int, timeout_s: float) -> list[T]:
        """What has come, at most so many, in its order; waits for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), timeout_s)
            found = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._bytes -= sum(map(self._size, found))
            self._changed.notify_all()
        return found

    @property
    def nbytes(self) -> int:
        """What waits."""
        return self._bytes

    def _room(self, size: int) -> bool:
        return not self._waiting or (len(self._waiting) < self._most and self._bytes + size <= self._most_bytes)
