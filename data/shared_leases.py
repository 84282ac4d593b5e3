"""Leases of several collectors of one place: each feed belongs to one of those that live, spread by their names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from hashlib import blake2b

from data.errors import Unavailable
from data.leases import TTL_S, Leases
from data.state import State

log = logging.getLogger("yiping.leases")
NAMES = "collectors"


class SharedLeases(Leases):
    """Takes what falls to this collector, and gives back what falls to another that came.

    Who lives is known by a key that each renews every second; it lasts no longer than a lease.
    """

    def __init__(self, state: State, feeds: Iterable[str], after: Callable[[str], int], name: str,
                 address: str) -> None:
        super().__init__(state, feeds, after, says=f"{name} {address}")
        self._name, self._living = name, [name]

    def look(self) -> None:
        """One round over all feeds, once it is known who lives."""
        try:
            if self._state is not None:
                self._living = self._meet(self._state)
        except Unavailable:
            # Said once by the state's own log line; what we hold lapses by itself.
            return
        super().look()

    def _meet(self, state: State) -> list[str]:
        state.set_json(f"alive:{self._name}", True, TTL_S)
        known: list[str] = state.get_json(NAMES) or []
        if self._name not in known:
            # Two that write at once: who was overwritten writes again with the next look.
            known = sorted({*known, self._name})
            state.set_json(NAMES, known)
        living = [name for name in known if name == self._name or state.get_json(f"alive:{name}")]
        if living != self._living:
            log.warning("collectors of this place: %s", "、".join(living))
        return living

    def _one(self, state: State, feed: str) -> None:
        if best(feed, self._living) == self._name:
            super()._one(state, feed)
            return
        held = self._held.pop(feed, None)
        if held is not None:
            state.keep_lease(feed, self._owner, held.turn, 0)
            log.warning("lease of %s given to another collector", feed)

    def stop(self) -> None:
        """As there, and is no longer counted as living."""
        super().stop()
        try:
            if self._state is not None:
                self._state.set_json(f"alive:{self._name}", False, TTL_S)
        except Unavailable as error:
            log.warning("the others learn of the end by themselves: %s", error)


def best(feed: str, names: Iterable[str]) -> str:
    """To whom a feed falls; when one goes or comes, only its own feeds move."""
    return max(names, key=lambda name: blake2b(f"{name}\x1f{feed}".encode(), digest_size=8).digest())
