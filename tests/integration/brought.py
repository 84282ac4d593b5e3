"""Files of the shared data brought into a place's own state, and the account of every row and cell of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from data.bulk_door import bulk_door
from data.history import HistoryReader, Span
from data.import_commands import Import, Outcome
from data.pack import load_pack
from data.settings import load_settings

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PACKS = ROOT / "tests" / "packs"
EVER = Span(-(2**60), 2**62)
Rows = list[dict[str, Any]]
Bring = Callable[[str, str, str], tuple[Outcome, Rows]]


@dataclass
class Expected:
    """read, lost (rows refused whole); column → (missing, refused) of the others; metric → accepted, → refused."""

    read: int
    accepted: dict[str, int]
    columns: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    duplicate: int = 0
    read_as: str = "csv utf-8"


def needed() -> None:
    if not DATA.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{DATA} is missing")
        pytest.skip("the shared data is not there")


@pytest.fixture(scope="module")
def bring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bring]:
    """Imports a file of the shared data into a pack's own state; what became of it, and the feed's rows in history."""
    needed()
    states = tmp_path_factory.mktemp("packs")

    def one(place: str, feed: str, name: str) -> tuple[Outcome, Rows]:
        folder = PACKS / place if (PACKS / place).is_dir() else ROOT / "places" / place
        state = states / place
        settings = load_settings(place=folder, state=state, redis_url=f"unix://{state}/none.sock")
        pack = load_pack(folder)
        with bulk_door(settings, pack) as publish:
            work = Import(pack, state, settings.clock(), publish, HistoryReader(state / "history"))
            try:
                before = {row["seq"] for row in rows_of(state, pack.feeds[feed].kind, feed)}
                outcome = work.bring(feed, [DATA / name])
            finally:
                work.parser.close()
        found = rows_of(state, pack.feeds[feed].kind, feed)
        return outcome, [row for row in found if row["seq"] not in before]

    return one


def rows_of(state: Path, kind: str, feed: str) -> Rows:
    if not (state / "history").is_dir():
        return []
    return [row for row in HistoryReader(state / "history").rows(kind, EVER).to_pylist() if row["feed"] == feed]


def kind_of(row: dict[str, Any]) -> str:
    return str(row.get("metric") or row.get("indicator") or row.get("stage") or row.get("layer") or row.get("kind"))


def account(outcome: Outcome, rows: Rows, expected: Expected) -> None:
    """Rows read = mapped + lost; cells of mapped rows = accepted + duplicate + refused + missing, by column."""
    tally = outcome.tally
    assert (tally.read, tally.lost) == (expected.read, expected.lost)
    mapped = expected.read - expected.lost
    assert tally.columns == {name: [mapped, *counts] for name, counts in expected.columns.items()}
    assert dict(Counter(map(kind_of, rows))) == expected.accepted
    assert dict(tally.refused) == expected.refused
    assert (outcome.accepted, outcome.duplicate) == (sum(expected.accepted.values()), expected.duplicate)
    assert tally.rejected == expected.lost + sum(bad for _, bad in expected.columns.values()) + sum(
        expected.refused.values())
    assert list(tally.read_as) == [expected.read_as]


def balanced(expected: Expected) -> bool:
    """The expected numbers themselves must add up, where each cell makes one record."""
    cells = len(expected.columns) * (expected.read - expected.lost)
    return cells == sum(expected.accepted.values()) + expected.duplicate + sum(expected.refused.values()) + sum(
        missing + bad for missing, bad in expected.columns.values())
