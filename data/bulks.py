"""The collector's work on whole files: bulk publishes of a feed, and versions that come back from an export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from data.acceptor import Acceptor
from data.carriers import Bulk, Historian
from data.clock import Clock
from data.errors import NotFound, Unavailable, WrongInput
from data.feedbook import FeedBook
from data.pack import Pack
from data.records import DAY_OF, KINDS
from data.staged_facts import hours_of, newest_of, rows_of


class Bulks:
    """Numbers, publishes and announces staged files; while one of a feed runs, that feed's records wait.

    `folder`: the state folder; `assets`: called when assets changed. `refused`: why there are none now, '' = there are.
    """

    def __init__(self, pack: Pack, folder: Path, ways: tuple[Acceptor, Historian, FeedBook], clock: Clock,
                 assets: Callable[[], None]) -> None:
        self._pack, self._staging, self._clock, self._assets = pack, folder / "staging", clock, assets
        self._acceptor, self._historian, self._book = ways
        self.refused = ""
        self._given: set[tuple[int, int]] = set()

    def publish(self, kind: str, feed: str, paths: Sequence[Path], offset: int | None = None) -> tuple[int, int]:
        """Publishes staged files; (accepted, duplicate). With `offset` they are an export's, all versions of each row.

        Raises:
            NotFound: no such feed. WrongInput: another kind than the feed's, or files that are none of ours.
            Unavailable: the feed is busy, or the disk refuses.
        """
        self._may()
        known = self._pack.feeds.get(feed)
        if known is None and (offset is None or kind not in KINDS):
            raise NotFound(f"没有数据源 {feed:.60}；可用的见 feeds.yaml")
        if known is not None and kind != known.kind:
            raise WrongInput(f"数据源 {feed} 的记录类型是 {known.kind}，不是 {kind:.20}")
        files = [self._staged(path) for path in paths]
        rows = sum(rows_of(path) for path in files)
        bulk: Bulk = self._acceptor.order(lambda: self._number(kind, feed, files, rows, offset)).result()
        newest = max((newest_of(path, kind) for path in files), default=0)
        hours = hours_of(files, DAY_OF[kind])
        accepted = 0
        try:
            accepted, duplicate = bulk.answer.result()
            if known is not None:
                self._book.loaded(feed, hours, (accepted, duplicate, newest), self._clock.now_us())
        finally:
            self._acceptor.order(lambda: self._resume(kind, feed, accepted)).result()
        return accepted, duplicate

    def numbers(self, least: int, most: int) -> int:
        """Sets numbers aside for the rows of an export, numbered least … most there; by how much they move.

        0 where nothing has used them yet: then the history becomes exactly what was exported.
        """
        self._may()
        if not 0 < least <= most < 1 << 62:
            raise WrongInput(f"序号 {least} 至 {most} 不合规；请重新取得这份导出")
        offset: int = self._acceptor.order(lambda: self._set_aside(least, most)).result()
        return offset

    def _may(self) -> None:
        if self.refused:
            raise Unavailable(self.refused)

    def _set_aside(self, least: int, most: int) -> int:
        offset = 0 if self._acceptor.next_seq <= least else self._acceptor.next_seq - least
        self._acceptor.next_seq = most + offset + 1
        self._given.add((least + offset, most + offset))
        return offset

    def _number(self, kind: str, feed: str, files: list[Path], rows: int, offset: int | None) -> Bulk:
        if offset is None:
            bulk = Bulk(kind, feed, files, self._acceptor.reserve(feed, rows))
        else:
            bulk = Bulk(kind, feed, files, self._acceptor.reserve(feed, 0), (offset, frozenset(self._given)))
        self._historian.publish_bulk(bulk)
        return bulk

    def _resume(self, kind: str, feed: str, accepted: int) -> None:
        if accepted and kind == "asset":
            self._assets()
        self._acceptor.resume(feed, accepted > 0 and feed in self._pack.feeds)

    def _staged(self, path: Path) -> Path:
        folder = self._staging.resolve()
        found = (folder / path).resolve()
        if not found.is_relative_to(folder) or not found.is_file():
            raise WrongInput(f"文件 {path} 不在 {folder} 中；请先把规范的 Parquet 文件放到那里")
        return found
