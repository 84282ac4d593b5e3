"""Identity and content digests of many stored rows at once, equal to records.identity and records.content."""

from __future__ import annotations

from hashlib import blake2b
from itertools import repeat
from typing import Any

import orjson
import pyarrow as pa

from data.records import FIELDS, IDENTITY, said_quality


def digests(kind: str, feed: str, table: pa.Table) -> list[tuple[bytes, bytes, int]]:
    """(identity, content, seq) of each row; the table holds seq and the kind's FIELDS as stored.

    Column by column, because a busy day has hundreds of thousands of rows; a test holds both forms equal.
    """
    columns: dict[str, list[Any]] = {spec.name: table[spec.name].to_pylist() for spec in FIELDS[kind]}
    for spec in FIELDS[kind]:
        if spec.type == "json":
            columns[spec.name] = [None if value is None else orjson.loads(value) for value in columns[spec.name]]
    if kind == "observation":
        columns["quality"] = [said_quality(word) for word in columns["quality"]]
    keys = map("\x1f".join, zip(repeat(feed), *(map(str, columns[name]) for name in IDENTITY[kind]), strict=False))
    dumps = orjson.dumps
    return [(blake2b(key.encode(), digest_size=16).digest(), blake2b(dumps(said), digest_size=8).digest(), seq)
            for key, said, seq in zip(keys, zip(*columns.values(), strict=True), table["seq"].to_pylist(), strict=True)]
