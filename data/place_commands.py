"""Commands of place packs: `check`, `place build`, `place import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from data.place_check import check_place
from data.place_import import build_place, import_borders
from data.settings import Settings
from geo.divisions import Divisions


def commands(add: Any) -> None:
    """Adds the commands to an `argparse` sub-parser action; `run(settings, args)` answers the exit code."""
    check = add.add_parser("check", help="检查地方包：每个问题一行")
    check.add_argument("pack", nargs="?", metavar="PLACE", help="地方包目录，如 places/yudu；缺省为当前地方")
    check.set_defaults(run=run_check)
    place = add.add_parser("place", help="生成示意边界，或导入正式边界")
    actions = place.add_subparsers(dest="action", required=True, metavar="build|import")
    build = actions.add_parser("build", help="由名单、驻地和外轮廓推算示意边界")
    build.set_defaults(run=run_build)
    bring = actions.add_parser("import", help="用正式边界文件替换示意边界")
    bring.add_argument("file", type=Path, metavar="FILE", help=".geojson、.gpkg 或 .shp")
    bring.add_argument("--crs", default="", help="坐标系：WGS84、CGCS2000、GCJ-02、BD-09、EPSG:4547…；缺省按文件所说")
    bring.add_argument("--level", default="", help="文件是哪一级的边界，如 township；缺省按代码识别")
    bring.set_defaults(run=run_import)


def run_check(settings: Settings, args: argparse.Namespace) -> int:
    """Prints every problem, one a line; 2 when there is one."""
    root = settings.place_dir if not args.pack else Path.cwd() / Path(args.pack).expanduser()
    problems = check_place(root)
    for problem in problems:
        _say(problem)
    if not problems:
        _say(f"{root.name}: 没有问题")
    return 2 if problems else 0


def run_build(settings: Settings, args: argparse.Namespace) -> int:
    """Writes `divisions.geojson` of the current place."""
    _report(build_place(settings.place_dir))
    return 0


def run_import(settings: Settings, args: argparse.Namespace) -> int:
    """Replaces borders by those of a file; nothing is written when one is bad."""
    divisions, number = import_borders(settings.place_dir, args.file, args.crs, args.level)
    _say(f"已替换 {number} 个区划的边界")
    _report(divisions)
    return 0


def _report(divisions: Divisions) -> None:
    for level, word in enumerate(divisions.level_words):
        positions = divisions.at_level(level)
        official = sum(divisions.items[position].official for position in positions)
        _say(f"{word}: {len(positions)} 个，其中正式边界 {official} 个")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
