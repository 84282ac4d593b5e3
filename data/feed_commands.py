"""Commands of feeds: `feed token` makes a push token, `feed try` shows what comes and how it is understood."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.clock import from_us
from data.errors import NotFound
from data.pack import Feed, Pack, load_pack
from data.packfiles import shown
from data.quarantine import kind_of
from data.records import FIELDS, Row
from data.settings import Settings
from data.tokens import make_token
from data.trial import LISTEN_S, Look, look

FIRST_RAWS, FIRST_ROWS, MOST_REASONS = 5, 8, 12
MOST_COLUMNS, CELL_CHARS, RAW_CHARS = 9, 40, 160
WIDTH = 140
_KINDS = {"push": "推送", "file": "文件", "http": "HTTP 拉取", "sql": "SQL 拉取", "mqtt": "MQTT 订阅"}


def commands(add: Any) -> None:
    """Registers the commands with argparse's subparsers."""
    feed = add.add_parser("feed", help="数据源的命令：试读、生成令牌")
    actions = feed.add_subparsers(dest="action", metavar="动作", required=True)
    token = actions.add_parser("token", help="为数据源生成推送令牌（只显示一次）")
    token.add_argument("feed", metavar="FEED")
    token.set_defaults(run=run_token)
    trial = actions.add_parser("try", help="试读：原样、理解成什么、拒绝了什么及原因；什么都不入库")
    trial.add_argument("feed", metavar="FEED", help="数据源，见地区包的 feeds.yaml")
    trial.add_argument("files", metavar="FILE", nargs="*", type=Path,
                       help="要看的文件（推送：正文）；文件类缺省为 drop 里最新的，拉取类缺省真拉一次")
    trial.add_argument("--seconds", type=float, default=LISTEN_S, help=f"MQTT 听几秒（默认 {LISTEN_S:g}）")
    trial.set_defaults(run=run_try, quiet=True)


def run_token(settings: Settings, args: argparse.Namespace) -> int:
    """Prints a new push token of a feed."""
    if args.feed not in load_pack(settings.place_dir).feeds:
        raise NotFound(f"没有数据源 {args.feed:.60}；可用的见 {settings.place_dir}/feeds.yaml")
    sys.stdout.write(make_token(settings, args.feed) + "\n")
    return 0


def run_try(settings: Settings, args: argparse.Namespace) -> int:
    """Shows a look; 2 when something came and nothing of it would be accepted."""
    pack = load_pack(settings.place_dir)
    found = look(settings, pack, args.feed, args.files, args.seconds)
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    console = Console(file=sys.stdout, width=max(60, width), markup=False, highlight=False, emoji=False)
    _head(console, args.feed, pack.feeds[args.feed], found)
    if found.raws:
        console.print(_raw_table(found.raws))
    if found.rows:
        console.print(_row_table(pack, pack.feeds[args.feed], found.rows, settings.zone()))
    if found.rejected:
        console.print(_rejected_table(found.rejected))
    console.print(Text(_advice(pack, args.feed, found)))
    return 2 if found.rejected and not found.rows and not found.duplicate else 0


def _head(console: Console, name: str, feed: Feed, found: Look) -> None:
    form, _, encoding = found.read_as.partition(" ")
    how = [f"格式 {form}" if form else "", f"编码 {encoding}" if encoding else "",
           f"坐标系 {feed.crs}（入库时换算）" if not feed.crs.startswith("EPSG:4") else ""]
    console.print(Text(" · ".join(filter(None, [f"数据源 {name}（{feed.name}）", _KINDS[feed.source.kind], found.origin,
                                                *how]))))
    counts = found.counts
    more = "（只看了开头）" if found.cut else ""
    parts = [f"读到 {found.read} 行{more}", f"理解成 {found.mapped} 条", f"会接受 {len(found.rows)} 条",
             f"重复 {found.duplicate} 条", f"拒绝 {len(found.rejected)} 条", f"无值 {counts.get('missing', 0)} 处",
             f"修复 {counts.get('repaired', 0)} 处"]
    console.print(Text("，".join(parts)))
    if found.down:
        console.print(Text(found.down))


def _table(title: str, columns: Sequence[str]) -> Table:
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, title_style="bold")
    for name in columns:
        made.add_column(_plain(name), overflow="fold")
    return made


def _raw_table(raws: Sequence[dict[str, Any]]) -> Table:
    first = raws[:FIRST_RAWS]
    names = list(dict.fromkeys(str(name) for raw in first for name in raw))
    left_out = f"，另有 {len(names) - MOST_COLUMNS} 列未列出" if len(names) > MOST_COLUMNS else ""
    made = _table(f"原样（前 {len(first)} 行{left_out}）", names[:MOST_COLUMNS])
    for raw in first:
        made.add_row(*(_plain(raw.get(name)) for name in names[:MOST_COLUMNS]))
    return made


def _row_table(pack: Pack, feed: Feed, rows: Sequence[Row], zone: tzinfo) -> Table:
    first = rows[:FIRST_ROWS]
    fields = [spec for spec in FIELDS[feed.kind] if any(row[spec.name] is not None for row in first)]
    made = _table(f"理解成（前 {len(first)} 条，时间为本地时间）", [spec.name for spec in fields] + ["落在"])
    for row in first:
        cells = [_local(row[spec.name], zone) if spec.type == "time" else _plain(row[spec.name]) for spec in fields]
        division = pack.divisions.get(row["code"]) if row["code"] else None
        made.add_row(*cells, _plain(division.name if division else "（未定位）"))
    return made


def _rejected_table(rejected: Sequence[tuple[str, str]]) -> Table:
    groups: dict[str, list[tuple[str, str]]] = {}
    for raw, reason in rejected:
        groups.setdefault(kind_of(reason), []).append((raw, reason))
    order = sorted(groups.values(), key=len, reverse=True)
    more = f"，另有 {len(order) - MOST_REASONS} 种" if len(order) > MOST_REASONS else ""
    made = _table(f"拒绝（按原因{more}）", ["条数", "原因（第一条的）", "第一条的原文"])
    for group in order[:MOST_REASONS]:
        raw, reason = group[0]
        made.add_row(str(len(group)), _plain(reason, RAW_CHARS), _plain(raw, RAW_CHARS))
    return made


def _advice(pack: Pack, name: str, found: Look) -> str:
    """What to do next, in one line."""
    path = pack.root / "feeds.yaml"
    line = next((number for number, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1)
                 if text.startswith(f"{name}:")), 1)
    where = f"{shown(path)}:{line}"
    if not found.raws and not found.rejected:
        return "没有读到记录：来源现在没有新数据，或订阅的主题没有消息；过一会再试。"
    if not found.rejected:
        return "没有拒绝的记录；这次只是试读，什么都没有入库，读取位置也没有动。"
    return f"补救：照“原因”改来源或改 {where}（字段 map、检查 checks、坐标系 crs），再试一次；这次试读什么都没有入库。"


def _local(micros: Any, zone: tzinfo) -> str:
    return "" if micros is None else from_us(micros).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _plain(value: Any, most: int = CELL_CHARS) -> str:
    """A cell that cannot disturb the terminal."""
    text = "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
    safe = "".join(letter if letter.isprintable() else "·" for letter in text[:most + 1])
    return safe if len(safe) <= most else safe[:most - 1] + "…"
