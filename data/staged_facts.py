"""What a staged Parquet file says of itself: how many rows, how new, and how many by the hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ArrowException

from data.errors import WrongInput
from data.ledger import HOUR_US
from data.records import DAY_OF
from data.times import MICRO, parse_period


def rows_of(path: Path) -> int:
    """Rows of a file. Raises WrongInput: it is no Parquet file."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (ArrowException, OSError) as error:
        raise WrongInput(f"{path.name} 不是 Parquet 文件（{error!s:.60}）；请重新生成") from error


def newest_of(path: Path, kind: str) -> int:
    """The newest record's own time in a staged file, µs: of its statistics, or the end of its newest period.

    0 where the kind has neither (assets, warnings).
    """
    if kind == "indicator":
        periods = pc.unique(pq.read_table(path, columns=["period"])["period"]).to_pylist()
        return max((round(parse_period(period)[1].timestamp() * MICRO) for period in periods), default=0)
    column = DAY_OF[kind]
    if not column:
        return 0
    found = pq.read_metadata(path)
    at = found.schema.to_arrow_schema().get_field_index(column)
    groups = [found.row_group(number).column(at).statistics for number in range(found.num_row_groups)]
    return max((int(group.max) for group in groups if group is not None and group.has_min_max), default=0)


def hours_of(paths: Sequence[Path], column: str) -> Counter[int]:
    """Rows by the hour (since 1970) of their own time; empty where the kind has none."""
    found: Counter[int] = Counter()
    for path in paths if column else ():
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[column]):
                counted = pc.value_counts(pc.floor(pc.divide(batch.column(0).cast("int64"), HOUR_US)).cast("int64"))
                found.update({int(one["values"]): int(one["counts"]) for one in counted.to_pylist()})
    return found
