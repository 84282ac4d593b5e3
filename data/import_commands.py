"""The command `import`: files of a feed through its mapping and checks into the history, by the bulk door."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.bulk import Stager, Tally
from data.bulk_door import Publish, bulk_door
from data.clock import Clock
from data.drift import Drift
from data.errors import NotFound, WrongInput
from data.history import HistoryReader, open_reader
from data.ledger import Ledger
from data.pack import Pack, load_pack
from data.placing import register
from data.registry import Registry
from data.sandbox import Parser
from data.settings import Settings
from geo.locate import Locator

MOST_REASONS = 8


def commands(add: Any) -> None:
    """Adds `import`."""
    kinds = "CSV、Excel、JSON、GeoJSON、GeoPackage、Parquet、CAP、压缩包"
    parser = add.add_parser("import", help=f"把文件（{kinds}）按数据源的映射导入历史")
    parser.add_argument("feed", metavar="FEED", help="数据源，见地区包的 feeds.yaml")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="要导入的文件；同一记录以后面的为准")
    parser.set_defaults(run=run_import, quiet=True)


def run_import(settings: Settings, args: argparse.Namespace) -> int:
    """Imports files; one line on stdout says what became of them.

    Raises:
        NotFound: no such feed.
        WrongInput: a file that is not there or cannot be understood; nothing of the call is imported then.
        Unavailable: the history cannot be reached or written.
    """
    pack = load_pack(settings.place_dir)
    if args.feed not in pack.feeds:
        raise NotFound(f"没有数据源 {args.feed:.60}；可用的有 {'、'.join(sorted(pack.feeds))}")
    for path in args.files:
        if not path.is_file():
            raise WrongInput(f"没有文件 {path}；请核对路径")
    with bulk_door(settings, pack) as publish:
        work = Import(pack, settings.state_dir, settings.clock(), publish, open_reader(settings, pack))
        try:
            work.stations(args.feed)
            sys.stdout.write(work.bring(args.feed, args.files).line() + "\n")
        finally:
            work.parser.close()
    return 0


@dataclass(frozen=True)
class Outcome:
    """What became of an import."""

    tally: Tally
    accepted: int
    duplicate: int

    def line(self) -> str:
        """One line: read, accepted, duplicate, rejected with the reasons by number."""
        tally = self.tally
        text = (f"读取 {tally.read} 行，接受 {self.accepted} 条，重复 {self.duplicate} 条，"
                f"无值 {tally.missing} 处，拒绝 {tally.rejected} 条")
        reasons = [f"{reason} {number}" for reason, number in tally.reasons.most_common(MOST_REASONS)]
        if len(tally.reasons) > MOST_REASONS:
            reasons.append(f"等 {len(tally.reasons)} 种")
        if reasons:
            text += f"（{'；'.join(reasons)}；原文在隔离区）"
        if tally.drifted:
            text += f"；列有变化（{tally.drifted}）"
        return text + (f"；格式 {'、'.join(sorted(tally.read_as))}" if tally.read_as else "")


@dataclass
class Import:
    """One call of the command: where it reads, stages and publishes."""

    pack: Pack
    state: Path
    clock: Clock
    publish: Publish
    history: HistoryReader
    parser: Parser = field(default_factory=Parser)

    def bring(self, feed: str, files: Sequence[Path]) -> Outcome:
        """Stages all files, then publishes them at once."""
        stager = Stager(self.pack, feed, self.registry(), self.clock, self.state)
        try:
            with tqdm(total=sum(path.stat().st_size for path in files), unit="B", unit_scale=True, desc=f"读取 {feed}",
                      file=sys.stderr, disable=None) as bar:
                for path in files:
                    self._read(feed, path, stager, bar)
                paths = stager.finish()
                bar.set_description(f"写入历史 {feed}")
                accepted, duplicate = self.publish(self.pack.feeds[feed].kind, feed, paths) if paths else (0, 0)
        finally:
            stager.finish()
            shutil.rmtree(stager.folder, ignore_errors=True)
        return Outcome(stager.tally, accepted, duplicate)

    def _read(self, feed: str, path: Path, stager: Stager, bar: Any) -> None:
        size, shown, looked = path.stat().st_size, 0, False
        for chunk in self.parser.columns(path, self.pack.feeds[feed], self.clock):
            if not looked and chunk.sample is not None:
                looked = True
                self._look(feed, chunk.sample, stager)
            stager.take(chunk)
            now = size * min(chunk.done_bytes, chunk.total_bytes) // chunk.total_bytes if chunk.total_bytes else shown
            bar.update(now - shown)
            shown = now
        bar.update(size - shown)

    def _look(self, feed: str, sample: dict[str, Any], stager: Stager) -> None:
        """Notices columns that changed, as the collector does for what it reads itself."""
        ledger = Ledger(self.state)
        try:
            said = Drift(ledger).seen(feed, sample, self.clock.now_us())
        finally:
            ledger.close()
        if said:
            stager.tally.drifted = said

    def registry(self) -> Registry:
        """The assets that the history knows now."""
        registry = Registry(self.pack.divisions, Locator(self.pack.divisions))
        register(self.history.current_assets(), self.pack, registry)
        return registry

    def stations(self, feed: str) -> None:
        """Brings the pack's own asset files when a feed needs stations of a layer and the history knows none of it."""
        layer = self.pack.feeds[feed].stations
        if not layer or any(row["layer"] == layer for row in self.history.current_assets()):
            return
        for name, other in self.pack.feeds.items():
            path = self.pack.root / other.source.path
            if other.kind == "asset" and other.source.path and path.is_file():
                self.bring(name, [path])
