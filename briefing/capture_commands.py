"""`./yiping capture` and `./yiping pictures`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from briefing.capture import TIMEOUT_S, Picture, Wish, take
from briefing.staged import SCENARIOS, staged
from briefing.strip import LEAST, MOST, Strip, take_strip
from briefing.target import Size, size
from data.errors import WrongInput
from data.settings import ROOT, Settings
from layouts.screens import SCREENS

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SIZES = (Size(1366, 768), Size(1920, 1080), Size(3840, 2160), Size(7680, 2160), Size(390, 844))


def commands(add: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `capture` and `pictures`."""
    one = add.add_parser("capture", help="把一屏存成图片，图上写明数据时间")
    one.add_argument("path", metavar="页面路径", help="如 / 或 '/economy?window=7d'，不是网址")
    one.add_argument("--size", default="1920x1080", help="宽x高（默认 1920x1080）")
    one.add_argument("--out", type=Path, required=True, help="图片文件 (.png)")
    one.add_argument("--strip", default="", metavar="起~止",
                     help="回放这段时间，排成一张长条图；如 2026-11-20T08:00~2026-11-20T20:00")
    one.add_argument("--frames", type=int, default=12, help=f"长条图的张数，{LEAST} 到 {MOST}（默认 12）")
    one.set_defaults(run=capture)
    every = add.add_parser("pictures", help="把每一屏按每种尺寸存成图片")
    every.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="目录（默认 docs/pictures）")
    every.add_argument("--size", action="append", default=[], dest="sizes", help="只要这种尺寸，可重复")
    every.add_argument("--states", action="store_true",
                       help=f"自己启动演示服务，每种情景（{'、'.join(SCENARIOS)}）一个子目录，不用正在运行的服务")
    every.set_defaults(run=pictures)
    for parser in (one, every):
        parser.add_argument("--port", type=int, help="服务的端口（默认 8050）")
        parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help="每张图最多等多少秒（默认 60）")


def capture(settings: Settings, args: argparse.Namespace) -> int:
    """Takes one picture, or a strip of them."""
    if args.strip:
        wish = Strip(args.path, size(args.size), args.out, args.strip, args.frames)
        return _say([take_strip(settings, wish, _seconds(args.timeout))])
    return _say(take(settings, [Wish(args.path, size(args.size), args.out)], _seconds(args.timeout)))


def pictures(settings: Settings, args: argparse.Namespace) -> int:
    """Takes every screen at every size, the files named screen-WIDTHxHEIGHT.png; with --states of every scenario."""
    sizes, seconds = [size(text) for text in args.sizes] or list(SIZES), _seconds(args.timeout)
    if not args.states:
        return _say(take(settings, _all(sizes, args.out), seconds))
    for scenario in SCENARIOS:
        with staged(settings, scenario) as here:
            _say(take(here, _all(sizes, args.out / scenario), seconds))
    return 0


def _all(sizes: list[Size], folder: Path) -> list[Wish]:
    return [Wish(screen.path, wanted, folder / f"{screen.key}-{wanted}.png") for wanted in sizes for screen in SCREENS]


def _seconds(value: float) -> float:
    if not 1 <= value <= 3600:
        raise WrongInput(f"--timeout {value:g} 不合要求；应为 1 到 3600 秒")
    return value


def _say(taken: Iterable[Picture]) -> int:
    for picture in taken:
        sys.stdout.write(f"{picture.wish.out}（{picture.wish.size}，{picture.seconds:.1f} 秒）：{picture.line}\n")
        sys.stdout.flush()
    return 0
