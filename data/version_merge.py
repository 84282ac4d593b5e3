"""All versions of a feed's rows brought into a history that may hold some of them: each is in once, in their order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import WrongInput
from data.history_files import ALL, SCHEMA, describe_file
from data.history_rework import Rework
from data.manifest import FileEntry, Load, month_of
from data.records import DAY_OF, FIELDS, IDENTITY


class VersionMerge:
    """Takes exported files of one feed, one a partition, whose numbers move by `offset` into one of the ranges
    `given` (first, last); see `Rework`.

    A row is in already when history has one of the same identity, acceptance time and content. Versions of one identity
    follow one another by acceptance; history's own keep their order and numbers. accepted: rows that were not in.
    """

    def __init__(self, kind: str, feed: str, paths: Sequence[Path], offset: int,
                 given: Collection[tuple[int, int]]) -> None:
        self._kind, self._feed, self._offset, self._given = kind, feed, offset, given
        self._paths = list(paths)
        self.total = self.accepted = 0

    def __call__(self, desk: Rework) -> None:
        """Writes what is new. Raises WrongInput: a file is not as an export writes it."""
        for path in self._paths:
            entry = describe_part(self._kind, path)
            if entry.feeds != (self._feed,):
                raise WrongInput(f"文件 {path.name} 里不只是数据源 {self._feed} 的记录，已被改动；请重新取得这份导出")
            first, last = entry.seq0 + self._offset, entry.seq1 + self._offset
            if not any(low <= first and last <= high for low, high in self._given):
                raise WrongInput(f"文件 {path.name} 的序号与导出清单不符，已被改动；请重新取得这份导出")
            self.total += entry.rows
            self._partition(desk, path, partition_of(entry))
        if desk.made:
            newest = max(entry.day1 for entry in desk.made), max(entry.seq1 for entry in desk.made)
            desk.load = Load(self._kind, self._feed, *newest)

    def _partition(self, desk: Rework, path: Path, partition: str) -> None:
        brought = desk.read([path]).select(SCHEMA[self._kind].names)
        brought = brought.mutate(seq=brought.seq + self._offset,
                                 prev=ibis.ifelse(brought.prev == 0, 0, brought.prev + self._offset))
        files = desk.files(self._kind, partition)
        mine = [entry for entry in files if self._feed in entry.feeds]
        if not mine:
            self.accepted += desk.write(self._kind, partition, brought)
            return
        there = desk.rows(mine)
        ours = there.filter(there.feed == self._feed)
        fresh = brought.anti_join(ours, self._same(brought, ours))
        number = int(fresh.count().to_pyarrow().as_py())
        if not number:
            return
        self.accepted += number
        names = list(IDENTITY[self._kind])
        tangled = fresh.semi_join(ours, names)
        if not tangled.count().to_pyarrow().as_py():
            desk.write(self._kind, partition, fresh)
            return
        old = ours.semi_join(fresh, names)
        kept = there.anti_join(old, "seq")
        linked = relinked(self._kind, old, tangled)
        desk.gone += mine
        desk.write(self._kind, partition, ibis.union(kept, fresh.anti_join(ours, names), linked))

    def _same(self, left: ibis.Table, right: ibis.Table) -> list[ibis.Value]:
        rest = [spec.name for spec in FIELDS[self._kind] if spec.name not in IDENTITY[self._kind]]
        equal = [left[name] == right[name] for name in (*IDENTITY[self._kind], "received")]
        return equal + [left[name].identical_to(right[name]) for name in rest]


def relinked(kind: str, old: ibis.Table, new: ibis.Table) -> ibis.Table:
    """Versions of the same identities from two histories as one row of versions each: `prev` anew, by acceptance.

    Within each history the order of numbers rules, also where a clock stepped back.
    """
    names = ["feed", *IDENTITY[kind]]
    columns = SCHEMA[kind].names
    both = ibis.union(_since(old.select(columns), names).mutate(origin=0),
                      _since(new.select(columns), names).mutate(origin=1))
    order = ibis.window(group_by=names, order_by=["since", "origin", "seq"])
    made = both.mutate(before=both.seq.lag().over(order).fill_null(0))
    return made.mutate(prev=made.before).select(SCHEMA[kind].names)


def _since(rows: ibis.Table, names: list[str]) -> ibis.Table:
    return rows.mutate(since=rows.received.max().over(ibis.cumulative_window(group_by=names, order_by="seq")))


def partition_of(entry: FileEntry) -> str:
    """The one partition of a file's rows. Raises WrongInput: they are of several."""
    if not DAY_OF[entry.kind]:
        return ALL
    first, last = month_of(entry.day0), month_of(entry.day1)
    if first != last:
        name = Path(entry.path).name
        raise WrongInput(f"文件 {name} 跨了 {first} 至 {last} 几个月份，不是 history export 所写；请重新导出")
    return first


def describe_part(kind: str, path: Path) -> FileEntry:
    """What an exported file holds.

    Raises:
        WrongInput: other columns than this program's history has, or unreadable.
    """
    try:
        found = pq.read_schema(path)
        if (found.names, found.types) != (SCHEMA[kind].names, SCHEMA[kind].types):
            raise WrongInput(f"文件 {path.name} 的列不是本程序历史的列；请用 history export 重新导出")
        return describe_file(path.parent, kind, path.name)
    except (OSError, pa.ArrowException, TypeError, ValueError) as error:
        raise WrongInput(f"文件 {path.name} 读不出（{error!s:.80}）；请重新取得这份导出") from error
