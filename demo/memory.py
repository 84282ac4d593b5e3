"""What the simulator remembers between runs: how far each feed was acknowledged, and what history still lacks.

The county is a function of time, so these marks are the whole outbox: what was not acknowledged is made again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

FILE = "demo_state.json"
Span = tuple[int, int]


@dataclass
class Memory:
    """Times in s. began: first start; fine_from: hourly values up to here, the feed's own step after.

    sent: feed → report time up to which all is acknowledged; gaps: feed → report times left out, newest last;
    spans: stretches that history has to cover; anchor: the moment a scenario is centred on.
    """

    began: int
    fine_from: int
    anchor: int
    scenario: str
    sent: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, list[Span]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    truth_day: int = 0

    def save(self, folder: Path) -> None:
        """Replaces the file at once."""
        fresh = folder / f"{FILE}.new"
        fresh.write_bytes(orjson.dumps(asdict(self)))
        fresh.replace(folder / FILE)


def load(folder: Path) -> Memory | None:
    """The memory of earlier runs, None on the first start."""
    try:
        kept = orjson.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        return None
    kept["gaps"] = {feed: [(a, b) for a, b in gaps] for feed, gaps in kept["gaps"].items()}
    kept["spans"] = [(a, b) for a, b in kept["spans"]]
    return Memory(**kept)
