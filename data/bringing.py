"""An export brought back: verified as a whole, then handed to the collector feed by feed; what is in already stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from data.bulk import fresh_folder
from data.bulk_door import collector_of, told
from data.checksums import checksum, refuse_damaged
from data.collect import Collector
from data.errors import WrongInput
from data.exporting import LIST, Export, Part, read_list
from data.keeping import bar
from data.pack import Pack
from data.settings import Settings
from data.version_merge import describe_part, partition_of


@dataclass
class Brought:
    """What became of an export's rows. moved: by how much its numbers moved, 0 = the history is as it was."""

    accepted: int = 0
    duplicate: int = 0
    moved: int = 0


def verified(folder: Path, pack: Pack) -> Export:
    """An export that may be brought into this place.

    Raises:
        WrongInput: none, another place's, not in Parquet, or damaged.
    """
    found = read_list(folder)
    place = found.place
    if place.get("code") != pack.place.code:
        whose = f"{place.get('name', '')}（{place.get('code', '')}）"
        ours = f"{pack.place.name}（{pack.place.code}）"
        raise WrongInput(f"{folder} 是{whose}的导出，不是{ours}的；请用 --place 指明它的地区包")
    if found.format != "parquet":
        raise WrongInput(f"{folder} 是 {found.format} 导出，只供人查看，不能导回；请用 --format parquet 重新导出")
    with bar("核对", sum(part.bytes for part in found.parts)) as passed:
        for part in found.parts:
            _verify(folder, part, pack, passed)
    return found


def _verify(folder: Path, part: Part, pack: Pack, passed: Any) -> None:
    path = folder / part.path
    if path.is_symlink() or not path.is_file():
        raise WrongInput(f"导出中缺少文件 {path}；请重新取得这份导出")
    refuse_damaged(path, (part.sha256, part.bytes), checksum(path, passed), "导出")
    entry = describe_part(part.kind, path)
    if (partition_of(entry), entry.rows, entry.seq0, entry.seq1) != (part.partition, part.rows, part.seq0, part.seq1):
        raise WrongInput(f"导出中的 {path} 与清单 {LIST} 不符，已被改动；请重新取得这份导出")
    feed = pack.feeds.get(part.feed)
    if feed is not None and feed.kind != part.kind:
        kinds = f"导出中数据源 {part.feed} 的记录类型是 {part.kind}，本地区包里是 {feed.kind}"
        raise WrongInput(f"{kinds}；请先核对 feeds.yaml")


def bring(settings: Settings, pack: Pack, folder: Path, export: Export) -> Brought:
    """Hands a verified export to the place's collector; waits until it is in the history.

    Raises:
        Unavailable: the collector cannot be reached, or the disk refuses; what is in by then stays, run it again.
    """
    done = Brought()
    if not export.parts:
        return done
    with collector_of(settings, pack) as door:
        done.moved = _numbers(door, min(part.seq0 for part in export.parts), max(part.seq1 for part in export.parts))
        feeds = sorted({(part.kind != "asset", part.kind, part.feed) for part in export.parts})
        with bar("导入", sum(part.rows for part in export.parts), " 行") as passed:
            for _, kind, feed in feeds:
                parts = [part for part in export.parts if (part.kind, part.feed) == (kind, feed)]
                with _staged(settings.state_dir / "staging", folder, parts) as paths:
                    wish = {"kind": kind, "feed": feed, "paths": paths, "offset": done.moved}
                    accepted, duplicate = _hand(door, wish)
                done.accepted, done.duplicate = done.accepted + accepted, done.duplicate + duplicate
                passed(sum(part.rows for part in parts))
    return done


def _numbers(door: httpx.Client | Collector, least: int, most: int) -> int:
    if isinstance(door, Collector):
        return door.bulks.numbers(least, most)
    return int(told(door, "/bulk", {"numbers": [least, most]})["offset"])


def _hand(door: httpx.Client | Collector, wish: dict[str, Any]) -> tuple[int, int]:
    if isinstance(door, Collector):
        return door.bulk(wish["kind"], wish["feed"], wish["paths"], wish["offset"])
    found = told(door, "/bulk", {**wish, "paths": [str(path) for path in wish["paths"]]})
    return int(found["accepted"]), int(found["duplicate"])


@contextmanager
def _staged(staging: Path, folder: Path, parts: list[Part]) -> Iterator[list[Path]]:
    """The parts where the collector takes files from: linked, or copied from another disk."""
    mine = fresh_folder(staging)
    try:
        paths = []
        for part in parts:
            path = mine / f"{part.partition}.parquet"
            try:
                os.link(folder / part.path, path)
            except OSError:
                shutil.copyfile(folder / part.path, path)
            paths.append(path)
        yield paths
    finally:
        shutil.rmtree(mine, ignore_errors=True)
