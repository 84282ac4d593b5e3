"""What a staged file says of itself."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.staged_facts import newest_of
from data.times import parse_instant


def _staged(folder: Path, **columns: list[object]) -> Path:
    path = folder / "staged.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_figures_are_as_new_as_the_end_of_their_newest_period(tmp_path: Path) -> None:
    path = _staged(tmp_path, indicator=["a", "a", "b"], period=["2026-09", "2026-01..10", "2025"])

    assert newest_of(path, "indicator") == parse_instant("2026-11-01T00:00:00Z")


def test_readings_are_as_new_as_their_greatest_time(tmp_path: Path) -> None:
    assert newest_of(_staged(tmp_path, time=[5, 9, 7]), "observation") == 9


@pytest.mark.parametrize("kind", ["asset", "warning"])
def test_kinds_without_a_day_say_nothing(tmp_path: Path, kind: str) -> None:
    assert newest_of(_staged(tmp_path, id=["a"]), kind) == 0
