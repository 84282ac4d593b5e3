"""`python -m bench.run [--quick] [--only NAME…]`: measures this machine and prints target, measured, verdict."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright
from tqdm import tqdm

from bench import asking, clicks, first, flow, load, mapping, wall
from bench.place import Place
from bench.report import machine, save, table
from bench.scene import Scene, reference_server
from bench.series import Series
from data.settings import ROOT

Measure = Callable[[Scene], list[Series]]
# In this order: what fills memory comes last.
MEASURES: dict[str, Measure] = {
    "open": first.opening, "clicks": clicks.clicking, "grid": mapping.grid, "pan": wall.pan, "pixel": wall.pixel,
    "idle": wall.idle, "computations": load.computations, "viewers": load.viewers, "heap": wall.heap,
    "analyst": asking.analyst, "picture": asking.picture, "visible": flow.visible, "marks": mapping.marks,
    "city": mapping.counties, "ingest": load.ingest,
}
BROWSER = {"open", "clicks", "grid", "pan", "pixel", "idle", "heap", "marks", "city"}
AGAINST = {"open", "clicks"}
SETTLE_S = {"none": 1.0, "small": 600.0, "full": 2400.0}


def main(arguments: list[str]) -> int:
    """0 = measured, 1 = a measure could not be made."""
    args = _parser().parse_args(arguments)
    names = args.only or list(MEASURES)
    history = args.history or ("none" if args.quick else "small")
    began, before = time.monotonic(), machine()
    with ExitStack() as stack:
        state = args.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yiping-bench-"))) / "state"
        place = Place(state, history, args.place.resolve())
        series = stack.enter_context(started(place, names))
        scene = stack.enter_context(scenery(place, names, args.quick))
        failed = _measure(scene, names, series)
    facts: dict[str, object] = {"before": before, "after": machine(), "quick": args.quick, "history": history,
                                "seconds": round(time.monotonic() - began, 1), "failed": failed}
    print(table(series))
    print(f"\n负载 {before['load']} → {facts['after']['load']}  历史 {history}  用时 {facts['seconds']} 秒")  # type: ignore[index]
    print(f"原始样本 {save(series, facts)}")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="本机的性能数字，对照目标")
    parser.add_argument("--quick", action="store_true", help="三分钟以内的短形式")
    names = [*MEASURES, "start"]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="、".join(names))
    parser.add_argument("--history", choices=("none", "small", "full"), help="演示历史（默认 small，--quick 时 none）")
    parser.add_argument("--state", type=Path, help="使用并保留这个状态目录（已有历史时不必重新导入）")
    parser.add_argument("--place", type=Path, default=ROOT / "places" / "yudu", help="地区包")
    return parser


@contextmanager
def started(place: Place, names: list[str]) -> Iterator[list[Series]]:
    """The place running on a state folder that has its history; the series of its start when that is wanted."""
    series: list[Series] = []
    try:
        place.start()
        settled = place.settled(SETTLE_S[place.history])
        if not settled:
            print("历史没有导完；下面的数字在导入进行中测得", file=sys.stderr)
        if "start" in names or len(names) == len(MEASURES):
            took = []
            for _ in range(2):
                place.stop()
                took.append(place.start())
            series.append(Series("start_s", "s", took, "已有状态"))
        yield series
    finally:
        place.stop()


@contextmanager
def scenery(place: Place, names: list[str], quick: bool) -> Iterator[Scene]:
    """Chromium and the reference page, where a measure needs them."""
    with ExitStack() as stack:
        reference = stack.enter_context(reference_server()) if AGAINST & set(names) else ""
        play = stack.enter_context(sync_playwright()) if BROWSER & set(names) else None
        yield Scene(place, play, reference, quick)


def _measure(scene: Scene, names: list[str], series: list[Series]) -> dict[str, str]:
    """Adds each measure's series; one that fails is named and the others go on."""
    failed: dict[str, str] = {}
    wanted = [name for name in MEASURES if name in names]
    for name in (bar := tqdm(wanted, desc="测量", unit="项", file=sys.stderr)):
        bar.set_postfix_str(name)
        try:
            found = MEASURES[name](scene)
        except Exception as error:  # noqa: BLE001 - the other figures still count
            failed[name] = f"{type(error).__name__}: {error}"
            print(f"{name} 没有测成：{failed[name][:300]}", file=sys.stderr)
            continue
        for one in found:
            one.facts["load"] = machine()["load"]
        series += found
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
