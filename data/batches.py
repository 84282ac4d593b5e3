"""What travels from acceptance to Redis, history and the web: accepted rows with their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data.records import Row


@dataclass(frozen=True)
class Batch:
    """Accepted rows of one feed. Rows carry META columns; their `seq` run from seq0 to seq1 without a gap."""

    seq0: int
    seq1: int
    feed: str
    kind: str
    received: int
    rows: list[Row]


@dataclass(frozen=True)
class Verdict:
    """What the push door answers: counts and, per rejected record, its index and the reason."""

    accepted: int
    duplicate: int
    rejected: tuple[tuple[int, str], ...]

    def as_json(self) -> dict[str, Any]:
        """The answer of `POST /feeds/{feed}/records`."""
        return {"accepted": self.accepted, "duplicate": self.duplicate,
                "rejected": [{"index": index, "reason": reason} for index, reason in self.rejected]}
