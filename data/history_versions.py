"""Which rows of a table are current: those that no other row replaces."""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from data.manifest import FileEntry


def current_rows(table: ibis.Table, files: Sequence[FileEntry], known_at_us: int | None = None) -> ibis.Table:
    """Rows received by known_at_us whose seq is no other such row's prev.

    A version lies in the same partition as what it replaces, so the files of one stretch of time suffice. Where the
    manifest says that nothing was replaced or received later, the filters cost nothing.
    """
    if known_at_us is not None and any(entry.received1 > known_at_us for entry in files):
        table = table.filter(table.received <= known_at_us)
    if any(entry.replaced for entry in files):
        replaced = table.filter(table.prev != 0).select(gone="prev")
        table = table.anti_join(replaced, table.seq == replaced.gone)
    return table
