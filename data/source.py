"""What every kind of pulled source is to the collector: rounds of portions, and a cursor that says where to go on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from data.clock import Clock
from data.egress import Egress
from data.pack import Feed, Pack
from data.sandbox import Parser

Cursor = dict[str, Any]


def nothing() -> None:
    """What is to be done after most portions."""


@dataclass
class Portion:
    """Some of what a source gave.

    `rows`: as they came, not mapped yet; `canonical`: mapped by the reader already (times int µs UTC), `sample`: a row
    before that; `bad`: (raw text, reason) of what was none. `cursor`: where to go on once all this is on disk, None =
    as before. `done`: what then remains to be done at the source. `down`: why the source says it is lost, '' = well.
    `title`: ends a unit that has a name (a file), whose counts are logged. `bare_time`: unit of numbers in time columns
    where the form says it. `read_as`: format and encoding, as `data.sources.files.Chunk`.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    canonical: list[dict[str, Any]] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    cursor: Cursor | None = None
    done: Callable[[], None] = nothing
    down: str = ""
    title: str = ""
    bare_time: str = ""
    read_as: str = ""
    sample: dict[str, Any] | None = None


@dataclass(frozen=True)
class Site:
    """What a source may know: its feed and the place, the state folder, the clock, where it may connect.

    `parser`: reads files, one for all feeds. `trial`: a look (`feed try`): nothing is moved, acknowledged or kept.
    """

    name: str
    feed: Feed
    pack: Pack
    folder: Path
    clock: Clock
    egress: Egress
    parser: Parser
    trial: bool = False


class Source(Protocol):
    """One source of one feed. A module of `data/sources/` offers `open_source(site)`."""

    def portions(self, cursor: Cursor | None) -> Generator[Portion, None, None]:
        """One round from the cursor on; a source that never ends gives an empty portion now and then.

        Raises:
            Away: the source does not answer.
            WrongInput: it answers with what cannot be understood, or a setting is missing.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
