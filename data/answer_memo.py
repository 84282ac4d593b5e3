"""Answers kept between questions: as many as are useful, and no more rows than memory is meant for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from data.answers import Answer


class AnswerMemo:
    """Answers by key with what they were made from, forgotten from the longest unasked on; for who holds its lock.

    An answer that has more than `most_rows` rows itself is not kept.
    """

    def __init__(self, most: int, most_rows: int) -> None:
        self._most, self._most_rows = most, most_rows
        self._held: OrderedDict[Any, tuple[Any, Answer]] = OrderedDict()
        self.rows = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Any) -> tuple[Any, Answer | None]:
        """(what it was made from, the answer) of a key, (None, None) where none is kept."""
        found = self._held.get(key)
        if found is None:
            return None, None
        self._held.move_to_end(key)
        return found

    def put(self, key: Any, stamp: Any, answer: Answer) -> None:
        """Keeps an answer in place of the one that had its key."""
        self._drop(key)
        weight = _weight(answer)
        if weight > self._most_rows:
            return
        self._held[key] = (stamp, answer)
        self.rows += weight
        while len(self._held) > self._most or self.rows > self._most_rows:
            self._drop(next(iter(self._held)))

    def forget(self, gone: Callable[[Any], bool]) -> None:
        """Lets go of the keys for which `gone` is true."""
        for key in [key for key in self._held if gone(key)]:
            self._drop(key)

    def _drop(self, key: Any) -> None:
        old = self._held.pop(key, None)
        if old is not None:
            self.rows -= _weight(old[1])


def _weight(answer: Answer) -> int:
    return len(answer.rows) + len(answer.groups) + len(answer.series)
