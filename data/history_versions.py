"""Which rows of a table are current: those that no other row replaces."""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from data.manifest import FileEntry


def current_rows(table: ibis.Table, files: Sequence[FileEntry] | None, known_at_us: int | None = None) -> ibis.Table:
    """Rows received by known_at_us whose seq is no other such row's prev.

    A version has the identity, and so the feed and the time, of what it replaces: the rows of some feeds and of one
    stretch of time suffice.

    Args:
        table: rows of a kind.
        files: what the manifest says of exactly these rows: where nothing was replaced or received later, the filters
            cost nothing. None: the table may hold more by now than any manifest read before said.
        known_at_us: as known when, µs UTC; None = now.
    """
    if known_at_us is not None and (files is None or any(entry.received1 > known_at_us for entry in files)):
        table = table.filter(table.received <= known_at_us)
    if files is None or any(entry.replaced for entry in files):
        replaced = table.filter(table.prev != 0).select(gone="prev")
        # A view of it, because sqlglot puts only the first of two anti-joins of one query into PostgreSQL's words.
        table = table.anti_join(replaced, table.seq == replaced.gone).view()
    return table
