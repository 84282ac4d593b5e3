"""The commands `history backup | restore`: what cannot be made again, taken while the place runs, put back when not."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import orjson

from access.principal import KEEP, duty_principal
from data.backup import LAST, Backup, Kept, Opened, opened, write_folder, write_tar
from data.bulk import fresh_folder
from data.durable import replace_file
from data.errors import Unavailable, WrongInput, os_words
from data.gate import act
from data.history import files_of
from data.keeping import audit_of, bar, noted, who
from data.manifest import sync_folder
from data.pack import Pack, load_pack
from data.program import program
from data.settings import Settings
from data.snapshot import HISTORY, Snapshot
from data.state_layout import LAYOUT, layout_of
from data.statefolder import prepare

LOCKS = ("server.lock", "collector.lock")
ELSEWHERE = ("历史在 YIPING_HISTORY_URL 所指的地方，不在这份备份中；请另行备份：数据库用它自己的工具（如 pg_dump），"
             "Spark 的历史目录连同其中的 manifest.json 一起复制")


def commands(actions: Any) -> None:
    """Adds `backup` and `restore` to the actions of `history`."""
    backup = actions.add_parser("backup", help="备份状态目录里不能重做的一切（可在运行中进行；不含 Redis）")
    backup.add_argument("target", metavar="目录或文件.tar", type=Path, help="新的目录，或以 .tar 结尾的新文件")
    backup.set_defaults(run=run_backup)
    restore = actions.add_parser("restore", help="把备份恢复到空的状态目录")
    restore.add_argument("source", metavar="目录或文件.tar", type=Path)
    restore.add_argument("--replace", action="store_true", help="状态目录不空时，先把它改名放到一旁（不删除）再恢复")
    restore.set_defaults(run=run_restore)


def run_backup(settings: Settings, args: argparse.Namespace) -> int:
    """Takes a backup; one line on stdout says what is in it.

    Raises:
        WrongInput: the target exists or lies in the state folder. Unavailable: no state, damaged, or the disk refuses.
    """
    pack, target, state = load_pack(settings.place_dir), args.target.expanduser().absolute(), settings.state_dir
    if target.exists() and (not target.is_dir() or target.suffix == ".tar" or any(target.iterdir())):
        raise WrongInput(f"{target} 已存在；请给一个新的目录或 .tar 文件，备份不覆盖别的文件")
    if target.resolve().is_relative_to(state.resolve()):
        raise WrongInput(f"{target} 在状态目录里面；备份要放在别处，最好是另一个磁盘")
    if not target.parent.is_dir():
        raise WrongInput(f"没有目录 {target.parent}；请先建好")
    if not state.is_dir():
        raise Unavailable(f"没有状态目录 {state}，没有可备份的；请用 --place 或 YIPING_STATE 指明地区")
    with noted(settings, pack, KEEP, "history backup", target=str(target)) as facts:
        try:
            told = _backed_up(settings, pack, target)
        except OSError as error:
            raise Unavailable(f"备份写不进 {target}（{os_words(error)}）；请检查权限与磁盘空间") from error
        size = sum(file.bytes for file in told.files)
        facts |= {"files": len(told.files), "bytes": size}
        _remember(state, told, target)
    sys.stdout.write(f"已备份到 {target}：{len(told.files)} 个文件，{size / 1e6:.1f} MB，截至 {told.made}\n")
    if not _holds_history(settings):
        sys.stdout.write(ELSEWHERE + "\n")
    return 0


def _backed_up(settings: Settings, pack: Pack, target: Path) -> Backup:
    state, made = settings.state_dir, settings.clock().now().isoformat(timespec="seconds")
    pins = fresh_folder(state / "staging")
    try:
        snapshot = Snapshot(state, pins)
        pinned = snapshot.take(history=_holds_history(settings))
        about = partial(Backup, {"code": pack.place.code, "name": pack.place.name}, program(), who(), made,
                        layout_of(state), "files" if _holds_history(settings) else "database",
                        snapshot.manifest.checkpoint)
        told: list[Backup] = []

        def listed(files: tuple[Kept, ...]) -> Backup:
            told.append(about(files))
            return told[-1]

        with bar("备份", sum(one.size for one in pinned)) as passed:
            (write_tar if target.suffix == ".tar" else write_folder)(target, pinned, listed, passed)
    finally:
        shutil.rmtree(pins, ignore_errors=True)
    return told[-1]


def _holds_history(settings: Settings) -> bool:
    """Whether the history lies in the state folder."""
    return files_of(settings) == settings.state_dir / HISTORY


def _remember(state: Path, told: Backup, target: Path) -> None:
    """For the doctor: when, and where to."""
    replace_file(state / LAST, orjson.dumps({"made": told.made, "target": str(target), "files": len(told.files)}))


def run_restore(settings: Settings, args: argparse.Namespace) -> int:
    """Puts a verified backup in the place of the state folder; one line on stdout says what.

    Raises:
        WrongInput: no backup, another place's, damaged, or a state folder that holds something.
        Unavailable: something runs there, or the disk refuses.
    """
    pack, source = load_pack(settings.place_dir), args.source.expanduser().absolute()
    act(pack, duty_principal(pack.divisions.root.code), KEEP, pack.divisions.root.code)
    state = settings.state_dir
    with opened(source) as backup:
        _fits(backup.list, pack, source)
        with _nobody_there(state):
            if not args.replace and state.is_dir() and any(_contents(state)):
                raise WrongInput(f"状态目录 {state} 不是空的；确要恢复请加 --replace（原目录改名放到一旁，不删除）")
            size = sum(file.bytes for file in backup.list.files)
            with bar("核对", size) as passed:
                backup.each(passed)
            try:
                aside = _exchange(settings, backup, state, size)
            except OSError as error:
                what = f"恢复到 {state} 时磁盘拒绝（{os_words(error)}）"
                raise Unavailable(f"{what}；原来的内容没有删除，请检查权限与磁盘空间") from error
    _remember(state, backup.list, source)
    told = backup.list
    audit_of(settings).note(who(), "history restore", source=str(source), made=told.made, aside=str(aside or ""))
    moved = f"；原目录在 {aside}" if aside else ""
    sys.stdout.write(f"已恢复到 {state}：{len(told.files)} 个文件，{size / 1e6:.1f} MB，截至 {told.made}{moved}\n")
    if told.history == "database":
        sys.stdout.write("这份备份不含历史（备份时历史在 YIPING_HISTORY_URL 所指的地方）；请用那里自己的工具恢复它\n")
    return 0


def _fits(told: Backup, pack: Pack, source: Path) -> None:
    if told.place.get("code") != pack.place.code:
        whose = f"{told.place.get('name', '')}（{told.place.get('code', '')}）"
        ours = f"{pack.place.name}（{pack.place.code}）"
        raise WrongInput(f"{source} 是{whose}的备份，不是{ours}的；请用 --place 指明它的地区包")
    if told.layout > LAYOUT:
        what = f"{source} 由较新的程序 {told.program} 写成（格式 {told.layout}，本程序 {program()} 只认到 {LAYOUT}）"
        raise WrongInput(f"{what}；请用较新的程序恢复")


def _contents(state: Path) -> Iterator[Path]:
    return (path for path in state.iterdir() if path.name not in LOCKS)


@contextmanager
def _nobody_there(state: Path) -> Iterator[None]:
    """Holds the locks that a server and a collector of this folder would hold."""
    with ExitStack() as stack:
        for name in LOCKS if state.is_dir() else ():
            if (state / name).exists():
                _hold(stack.enter_context((state / name).open("a", encoding="utf-8")), state)
        yield


def _hold(lock: TextIO, state: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Unavailable(f"状态目录 {state} 有服务或采集器在运行；请先停掉它再恢复") from error


def _exchange(settings: Settings, backup: Opened, state: Path, size: int) -> Path | None:
    """Writes the files beside the state folder, then puts them in its place; where the old one went."""
    state.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(state.parent).free
    if free < size:
        what = f"{state.parent} 所在磁盘只剩 {free // 1_000_000} MB，恢复要 {size // 1_000_000} MB"
        raise Unavailable(f"{what}；请腾出空间")
    work = state.with_name(f".{state.name}.restoring-{os.getpid()}")
    work.mkdir(mode=0o700)
    try:
        with bar("恢复", size) as passed:
            backup.each(passed, work)
        aside = None
        if state.is_dir() and any(_contents(state)):
            aside = state.with_name(f"{state.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
            state.rename(aside)
        elif state.is_dir():
            shutil.rmtree(state)
        work.rename(state)
        sync_folder(state.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    prepare(settings, 0)
    return aside
