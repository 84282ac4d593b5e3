"""The commands `history export | import | backup | restore | retain`."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from access.principal import EXPORT, KEEP
from data import backup_commands, retain_commands
from data.bringing import bring, verified
from data.clock import from_us
from data.durable import replace_file
from data.errors import NotFound, Unavailable, WrongInput, os_words
from data.exporting import FORMATS, LIST, Export, Exporter, Wanted, export_parts, part_as_csv, write_one
from data.history import files_of, open_reader
from data.keeping import bar, noted, refuse_other_store, who
from data.pack import Pack, load_pack
from data.program import program
from data.records import KINDS
from data.settings import Settings
from data.times import parse_instant


def commands(add: Any) -> None:
    """Adds `history`."""
    parser = add.add_parser("history", help="历史：导出、导入、备份、恢复、按保存期清理")
    actions = parser.add_subparsers(dest="action", metavar="动作", required=True)
    export = actions.add_parser("export", help="导出历史：所有版本，带校验和，可原样导回")
    export.add_argument("target", metavar="目录或文件", type=Path, help="新目录；只选一类时也可以是一个文件")
    export.add_argument("--kind", action="append", choices=KINDS, default=[], help="只要这一类，可重复")
    export.add_argument("--feed", action="append", default=[], help="只要这个数据源，可重复")
    export.add_argument("--from", dest="start", metavar="时间", help="记录自己的时间从这一刻起（不写偏移即当地时间）")
    export.add_argument("--to", dest="end", metavar="时间", help="到这一刻之前")
    export.add_argument("--as-known-at", dest="known", metavar="时间", help="只要这一刻之前收到的")
    export.add_argument("--format", choices=FORMATS, help="parquet（默认，可导回）或 csv（供人查看）")
    export.set_defaults(run=run_export)
    bringing = actions.add_parser("import", help="导回 history export 所得的目录；已有的不重复")
    bringing.add_argument("folder", metavar="目录", type=Path)
    bringing.set_defaults(run=run_import, quiet=True)
    backup_commands.commands(actions)
    retain_commands.commands(actions)


def run_export(settings: Settings, args: argparse.Namespace) -> int:
    """Exports; one line on stdout says what.

    Raises:
        WrongInput: a target that exists, or options that do not fit. NotFound: no such feed.
        Unavailable: the history cannot be read, or the disk refuses.
    """
    pack, target = load_pack(settings.place_dir), args.target.expanduser().absolute()
    wanted = _wanted(pack, args)
    single = target.suffix in (".parquet", ".csv")
    form = args.format or ("csv" if target.suffix == ".csv" else "parquet")
    _check_target(target, single, form, wanted)
    with noted(settings, pack, EXPORT, "history export", target=str(target), asked=_asked(args)) as facts:
        try:
            told = _exported(settings, pack, target, wanted, (form, single, _asked(args)))
        except OSError as error:
            raise Unavailable(f"导出写不进 {target}（{os_words(error)}）；请检查权限与磁盘空间") from error
        facts |= {"rows": sum(part.rows for part in told.parts), "data_time": told.data_time, "demo": told.demo}
    kinds = "、".join(f"{kind} {sum(part.rows for part in told.parts if part.kind == kind)} 行" for kind in KINDS
                     if any(part.kind == kind for part in told.parts))
    demo = "；含演示数据" if told.demo else ""
    sys.stdout.write(f"已导出到 {target}：{kinds or '没有符合的记录'}；数据截至 {told.data_time or '（无）'}{demo}\n")
    return 0


def _check_target(target: Path, single: bool, form: str, wanted: Wanted) -> None:
    if target.exists() and (single or not target.is_dir() or any(target.iterdir())):
        raise WrongInput(f"{target} 已存在；请给一个新的目录或文件，导出不覆盖别的文件")
    if single and target.suffix != f".{form}":
        raise WrongInput(f"文件 {target.name} 的后缀与 --format {form} 不符；请改其中一个")
    if single and len(wanted.kinds) != 1:
        raise WrongInput("导出为单个文件时只能是一类记录；请加一个 --kind，或给一个目录")
    if not target.parent.is_dir():
        raise WrongInput(f"没有目录 {target.parent}；请先建好")


def _exported(settings: Settings, pack: Pack, target: Path, wanted: Wanted, how: tuple[str, bool, dict[str, Any]]
              ) -> Export:
    form, single, asked = how
    work = target.with_name(f".{target.name}.{form}-parts") if single else target
    if single:
        # Left by one that was killed.
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, exist_ok=True)
    try:
        exporter = Exporter(open_reader(settings, pack), files_of(settings), work, wanted)
        with bar("导出", len(exporter.plan()), " 份") as passed:
            parts = export_parts(exporter, passed)
        shutil.rmtree(work / "tmp", ignore_errors=True)
        newest = max((part.received1 for part in parts), default=0)
        zone = ZoneInfo(pack.place.timezone)
        if single:
            parts = [write_one(work, parts, target, pack.place.timezone)] if parts else []
        elif form == "csv":
            parts = [part_as_csv(work, part, pack.place.timezone) for part in parts]
        told = Export({"code": pack.place.code, "name": pack.place.name}, program(), who(),
                      settings.clock().now().astimezone(zone).isoformat(timespec="seconds"), form, asked,
                      from_us(newest).astimezone(zone).isoformat(timespec="seconds") if newest else "",
                      any(part.demo for part in parts), tuple(parts))
        replace_file(target.with_name(target.name + ".json") if single else target / LIST, told.text())
    finally:
        if single:
            shutil.rmtree(work, ignore_errors=True)
    return told


def _wanted(pack: Pack, args: argparse.Namespace) -> Wanted:
    for feed in args.feed:
        if feed not in pack.feeds:
            raise NotFound(f"没有数据源 {feed:.60}；可用的有 {'、'.join(sorted(pack.feeds))}")
    chosen: dict[str, Any] = {}
    for name, option, text in (("start_us", "--from", args.start), ("end_us", "--to", args.end),
                               ("known_at_us", "--as-known-at", args.known)):
        if text:
            try:
                chosen[name] = parse_instant(text, ZoneInfo(pack.place.timezone))
            except ValueError as error:
                raise WrongInput(f"{option} {text:.40}：{error}；请写成 2026-11-22T08:00 或带偏移的时间") from error
    return Wanted(tuple(args.kind) or KINDS, tuple(args.feed), **chosen)


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    asked = {"kind": args.kind, "feed": args.feed, "from": args.start, "to": args.end, "as_known_at": args.known}
    return {name: value for name, value in asked.items() if value}


def run_import(settings: Settings, args: argparse.Namespace) -> int:
    """Brings an export back; one line on stdout says what became of it.

    Raises:
        WrongInput: no export, another place's, or damaged. Unavailable: the collector or the disk.
    """
    refuse_other_store(settings, "导入")
    pack, folder = load_pack(settings.place_dir), args.folder.expanduser().absolute()
    export = verified(folder, pack)
    with noted(settings, pack, KEEP, "history import", source=str(folder), made=export.made) as facts:
        done = bring(settings, pack, folder, export)
        facts |= asdict(done)
    strange = sorted({part.feed for part in export.parts} - pack.feeds.keys())
    more = f"；地区包没有声明的数据源 {'、'.join(strange)} 也在其中" if strange else ""
    sys.stdout.write(f"导入 {done.accepted} 行，已有 {done.duplicate} 行{more}\n")
    return 0
