"""A look at a feed: what comes, how it is understood, what acceptance would say; nothing is kept, moved or told."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from data.acceptance import Lane
from data.bodies import BadBody, TooLarge, read_body
from data.clock import Clock
from data.egress import Egress
from data.errors import NotFound, WrongInput, os_words
from data.feed_mapping import Mapping
from data.history import HistoryReader, open_reader
from data.identity import IdentityIndex
from data.mapping import RowMapper, raw_text
from data.pack import Pack
from data.placing import register
from data.pulling import open_source
from data.records import Row
from data.registry import Registry
from data.sandbox import Parser
from data.settings import Settings
from data.source import Portion, Site
from geo.locate import Locator

MOST_ROWS = 10_000
LISTEN_S = 5.0


@dataclass
class Look:
    """What was seen. `raws`: as they came; `rows`: as they would be accepted; `rejected`: (raw text, reason).

    counts: values, missing, repaired, flagged (`data.mapping`); `cut`: there is more than was looked at.
    """

    origin: str
    read_as: str = ""
    raws: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    read: int = 0
    duplicate: int = 0
    mapped: int = 0
    down: str = ""
    cut: bool = False


def look(settings: Settings, pack: Pack, name: str, files: Sequence[Path], listen_s: float = LISTEN_S) -> Look:
    """Looks at files (a push feed: a body), or at what a pulled source gives now.

    Raises:
        NotFound: no such feed.
        WrongInput: a file that is not there, or what came cannot be understood at all.
        Unavailable: the source does not answer.
    """
    if name not in pack.feeds:
        raise NotFound(f"没有数据源 {name:.60}；可用的有 {'、'.join(sorted(pack.feeds))}")
    site = Site(name, pack.feeds[name], pack, settings.state_dir, settings.clock(), Egress(settings.pull_allow),
                Parser(), True)
    found = Look("")
    judge = _Judge(site, open_reader(settings, pack))
    with closing(site.parser), closing(_portions(site, files, found, listen_s)) as portions:
        for portion in portions:
            judge.take(portion, found)
            if len(found.raws) >= MOST_ROWS:
                found.cut = True
                break
    return found


def _portions(site: Site, files: Sequence[Path], found: Look, listen_s: float) -> Generator[Portion, None, None]:
    kind = site.feed.source.kind
    if kind == "own":
        raise WrongInput(f"数据源 {site.name} 由程序自己写入，没有来源可看；请换一个数据源")
    if kind in ("file", "push") or files:
        paths = list(files) or [_newest(site)]
        found.origin = "、".join(path.name for path in paths)
        for path in paths:
            if not path.is_file():
                raise WrongInput(f"没有文件 {path}；请核对路径")
            yield from _body(path) if kind == "push" else _file(path, site)
        return
    found.origin = {"http": "一次真实的拉取", "sql": "一次真实的查询", "mqtt": f"订阅了 {listen_s:g} 秒"}[kind]
    source, until, told = open_source(site), time.monotonic() + listen_s, False
    try:
        with closing(source.portions(None)) as portions:
            for portion in portions:
                yield portion
                if kind == "mqtt" and time.monotonic() > until:
                    return
                # What comes without a row (a table's rows without a watermark) is not yet the look that was asked for.
                if kind != "mqtt" and (portion.rows or (portion.bad and told)):
                    # Whether it was all is known by asking once more: the next page, or none.
                    found.cut = any(more.rows or more.bad for more in islice(portions, 1))
                    return
                told = told or bool(portion.bad)
    finally:
        source.close()


def _newest(site: Site) -> Path:
    """The newest file that waits, else the newest that was read."""
    if site.feed.source.kind == "push":
        raise WrongInput(f"{site.name} 是推送的数据源；请给出一个正文文件：./yiping feed try {site.name} 正文.json")
    folder = site.folder / "drop" / site.name
    for place in (folder, folder / "done"):
        files = [path for path in place.iterdir() if path.is_file() and path.name[0] != "."] if place.is_dir() else []
        if files:
            return max(files, key=lambda path: path.stat().st_mtime)
    raise WrongInput(f"{folder} 里没有文件；请放一个进去，或写明文件：./yiping feed try {site.name} 文件")


def _body(path: Path) -> Generator[Portion, None, None]:
    """A body as the push door would read it."""
    try:
        body = read_body(path.read_bytes(), path.suffix.lower() in (".jsonl", ".ndjson"))
    except (BadBody, TooLarge) as error:
        raise WrongInput(f"{path.name}：{error}") from error
    except OSError as error:
        raise WrongInput(f"{path} 读不了（{os_words(error)}）；请核对权限") from error
    odd = [(raw_text({"": raw}), "记录应为 JSON 对象") for raw in body.raws if not isinstance(raw, dict)]
    objects = [raw for raw in body.raws if isinstance(raw, dict)]
    yield Portion(rows=objects, read_as="json utf-8",
                  bad=odd + [(raw, reason) for _, raw, reason in body.broken])


def _file(path: Path, site: Site) -> Generator[Portion, None, None]:
    for chunk in site.parser.raw(path, site.feed, site.clock):
        yield Portion(rows=chunk.rows, bad=chunk.rejected, bare_time=chunk.bare_time, read_as=chunk.read_as)


class _Judge:
    """Mapping and acceptance of one feed over the history that is there, in memory alone."""

    def __init__(self, site: Site, history: HistoryReader) -> None:
        self._site, self._history = site, history
        self._registry = Registry(site.pack.divisions, Locator(site.pack.divisions))
        self._seq = 1
        self._learn_assets()
        self._lane = self._lane_of(site.name)

    def _lane_of(self, name: str) -> Lane:
        pack = self._site.pack
        return Lane(name, pack.feeds[name], pack, self._registry, IdentityIndex(self._history))

    def _learn_assets(self) -> None:
        """Stations of the history; where it has none, those of the pack's own files."""
        pack = self._site.pack
        rows = self._history.current_assets()
        register(rows, pack, self._registry)
        layer = self._site.feed.stations
        if not layer or any(row["layer"] == layer for row in rows):
            return
        for name, feed in pack.feeds.items():
            path = pack.root / feed.source.path
            if feed.kind == "asset" and feed.source.path and path.is_file():
                lane = self._lane_of(name)
                for chunk in self._site.parser.rows(path, feed, self._site.clock):
                    lane.prepare(chunk.rows, 1, self._site.clock.now_us())

    def take(self, portion: Portion, found: Look) -> None:
        """Adds what a portion becomes."""
        clock: Clock = self._site.clock
        feed = self._site.feed
        # Pushed records without a mapping are canonical and go to acceptance as they are.
        direct = feed.source.kind == "push" and feed.map == Mapping()
        mapped = None if direct else RowMapper(feed, clock, portion.bare_time).apply(portion.rows)
        rows: Sequence[Any] = portion.rows if mapped is None else mapped.rows
        prepared = self._lane.prepare(rows, self._seq, clock.now_us())
        self._seq += len(prepared.rows)
        found.raws += portion.rows
        found.rows += prepared.rows
        found.mapped += len(rows)
        found.duplicate += prepared.duplicate
        found.rejected += portion.bad
        if mapped is not None:
            found.rejected += mapped.rejected
            for name, number in mapped.counts.items():
                found.counts[name] = found.counts.get(name, 0) + number
        came = range(len(rows)) if mapped is None else mapped.origin
        found.rejected += [(raw_text(portion.rows[came[position]]), reason) for position, reason in prepared.rejected]
        found.read += len(portion.rows) + len(portion.bad)
        found.read_as = portion.read_as or found.read_as
        found.down = portion.down
