"""The layout of a state folder: its number in state.json, and the named steps that bring an older one up to date."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import orjson

from data.durable import replace_file
from data.errors import Unavailable, os_words
from data.old_quarantine import take_over_lines
from data.program import program

log = logging.getLogger("yiping.state")
FILE = "state.json"

# Layout that a step leads to → the step. A folder without state.json is of layout 1 (program 0.1) or new.
STEPS: dict[int, tuple[str, Callable[[Path], None]]] = {
    2: ("quarantine lines of 0.1 into SQLite", take_over_lines),
}
LAYOUT = max(STEPS)
FIRST = 1


def layout_of(folder: Path) -> int:
    """The layout of a state folder; FIRST where it does not say, LAYOUT where nothing is in it yet.

    Raises:
        Unavailable: state.json is damaged or of a newer program.
    """
    path = folder / FILE
    try:
        found = orjson.loads(path.read_bytes())["layout"]
        if not isinstance(found, int):
            raise ValueError(f"layout = {found!r:.20}")
    except FileNotFoundError:
        return FIRST if (folder / "history").is_dir() or (folder / "quarantine").is_dir() else LAYOUT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{path} 读不出（{error!s:.80}）；请从备份恢复这个文件") from error
    if found > LAYOUT:
        what = f"状态目录 {folder} 由较新的程序写成（格式 {found}，本程序 {program()} 只认到 {LAYOUT}）"
        raise Unavailable(f"{what}；请用较新的程序，或从升级前的备份恢复")
    return found


def bring_up_to_date(folder: Path) -> None:
    """Takes every step that the folder still needs; each may be repeated after a crash. For the folder's only owner.

    Raises:
        Unavailable: the folder is of a newer program, damaged, or the disk refuses.
    """
    before = layout_of(folder)
    for layout in range(before + 1, LAYOUT + 1):
        name, step = STEPS[layout]
        log.warning("state folder: step to layout %d: %s", layout, name)
        step(folder)
        _note(folder, layout)
    if not (folder / FILE).exists():
        _note(folder, LAYOUT)


def _note(folder: Path, layout: int) -> None:
    try:
        replace_file(folder / FILE, orjson.dumps({"layout": layout, "program": program()}))
    except OSError as error:
        raise Unavailable(f"{folder / FILE} 写不进磁盘（{os_words(error)}）；请检查权限与磁盘空间") from error
