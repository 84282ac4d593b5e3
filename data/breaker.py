"""A circuit breaker: after some failures nobody tries any more, except one probe now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger("yiping.breaker")
T = TypeVar("T")


class Lost(Exception):
    """The guarded service is away."""


class Breaker:
    """Counts failures in a row; open after `limit`. `now` is a monotonic clock in seconds.

    Attributes:
        every_s: least time between two probes while open.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, limit: int = 2, every_s: float = 1.0) -> None:
        self.every_s = every_s
        self._now, self._limit = now, limit
        self._failures = 0
        self._probed = 0.0
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """True while callers must not try."""
        return self._failures >= self._limit

    def failed(self) -> bool:
        """Counts a failure; True for the one that opens the breaker."""
        with self._lock:
            self._failures += 1
            self._probed = self._now()
            return self._failures == self._limit

    def succeeded(self) -> bool:
        """Closes the breaker; True if it was open."""
        with self._lock:
            was_open, self._failures = self.open, 0
            return was_open

    def probe_due(self) -> bool:
        """True for one caller every `every_s` seconds while open."""
        with self._lock:
            if not self.open or self._now() - self._probed < self.every_s:
                return False
            self._probed = self._now()
            return True


class Guard:
    """Calls a service through a breaker: while it is lost nobody waits, one background thread probes for all.

    `lost`: exceptions that mean the service is away; others pass through and do not count. Logs once when lost and once
    when back.
    """

    def __init__(self, name: str, ping: Callable[[], object], lost: tuple[type[Exception], ...],
                 breaker: Breaker | None = None) -> None:
        self.breaker = breaker or Breaker()
        self._name, self._ping, self._lost = name, ping, lost
        self._closed = threading.Event()
        self._prober: threading.Thread | None = None

    def call(self, work: Callable[[], T]) -> T:
        """The answer of `work`.

        Raises:
            Lost: the service is away (not even tried while the breaker is open).
        """
        if self.breaker.open:
            if not (self._prober and self._prober.is_alive()) and self.breaker.probe_due():
                self._begin()
            raise Lost(self._name)
        try:
            answer = work()
        except self._lost as error:
            if self.breaker.failed():
                log.warning("%s lost: %s", self._name, error)
                self._begin()
            raise Lost(self._name) from error
        if self.breaker.succeeded():
            log.warning("%s back", self._name)
        return answer

    def _begin(self) -> None:
        """Starts the probing thread; where the machine has none to give, a later call tries again."""
        prober = threading.Thread(target=self._probe, name=f"{self._name}-probe", daemon=True)
        try:
            prober.start()
        except RuntimeError as error:
            log.warning("%s is not probed yet: %s", self._name, error)
            return
        self._prober = prober

    def _probe(self) -> None:
        while not self._closed.wait(self.breaker.every_s / 4):
            if not self.breaker.open:
                return
            if self.breaker.probe_due() and self._answers():
                if self.breaker.succeeded():
                    log.warning("%s back", self._name)
                return

    def _answers(self) -> bool:
        try:
            self._ping()
        except self._lost:
            return False
        except Exception:
            # The only thread that can close the breaker again must outlive whatever it meets.
            log.exception("%s: a probe failed; the next one follows", self._name)
            return False
        return True

    def close(self) -> None:
        """Ends the probing thread."""
        self._closed.set()
