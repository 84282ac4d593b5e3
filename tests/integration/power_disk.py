"""A folder that behaves like a disk at a power cut: what no fsync made durable is gone, or there in part.

Programs run with `environment()`, so that power.c sees every fsync of theirs; `cut` is called when all are dead.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path

from own_redis import missing

_FOLDER, _FILE = 4, 8


def library(folder: Path) -> Path:
    """The compiled layer; a skip without a compiler, a failure in CI."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing("gcc is missing")
    made = folder / "power.so"
    source = Path(__file__).with_name("power.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(made), str(source)], check=True)
    return made


class PowerDisk:
    """The disk under `folder / "disk"`; everything in it at the start, and after a cut, is durable."""

    def __init__(self, folder: Path) -> None:
        self.root, self._shadow = Path(os.path.realpath(folder)) / "disk", Path(os.path.realpath(folder)) / "shadow"
        self._library = library(folder)
        self.root.mkdir()
        self.settle()

    def environment(self, lies: str = "") -> dict[str, str]:
        """What a program needs to live on this disk; `lies`: part of paths whose fsync does nothing."""
        return {"LD_PRELOAD": str(self._library), "POWER_ROOT": str(self.root), "POWER_SHADOW": str(self._shadow),
                "POWER_LIES": lies}

    def settle(self) -> None:
        """Everything as it stands is durable."""
        shutil.rmtree(self._shadow, ignore_errors=True)
        self._shadow.mkdir()
        for folder in [self.root, *(path for path in self.root.rglob("*") if path.is_dir())]:
            entries = [(one.inode(), _FOLDER if one.is_dir(follow_symlinks=False) else _FILE, one.name)
                       for one in os.scandir(folder)]
            (self._shadow / f"{folder.stat().st_ino}.dir").write_text(
                "".join(f"{inode} {kind} {name}\n" for inode, kind, name in entries))
            for inode, kind, name in entries:
                if kind == _FILE:
                    shutil.copyfile(folder / name, self._shadow / f"{inode}.data")
                    os.link(folder / name, self._shadow / f"{inode}.pin")

    def cut(self, names_kept: bool = False, torn: random.Random | None = None) -> None:
        """Power is gone and back. `names_kept`: new names are there, their bytes perhaps not; `torn` keeps part."""
        now = {path.lstat().st_ino: path for path in [self.root, *self.root.rglob("*")]}
        fresh = self.root.with_name("after")
        _Cut(self._shadow, now, names_kept, torn).folder(self.root.stat().st_ino, fresh)
        gone = self.root.with_name("gone")
        self.root.rename(gone)
        fresh.rename(self.root)
        # A server that is still ending may take its socket away meanwhile.
        shutil.rmtree(gone, ignore_errors=True)
        self.settle()


class _Cut:
    """One cut: `now` = inode → path as the programs saw it last."""

    def __init__(self, shadow: Path, now: dict[int, Path], names_kept: bool, torn: random.Random | None) -> None:
        self._shadow, self._now, self._names_kept, self._torn = shadow, now, names_kept, torn

    def folder(self, inode: int, target: Path) -> None:
        target.mkdir(mode=0o700)
        for held, kind, name in self._entries(inode):
            if kind == _FOLDER:
                self.folder(held, target / name)
            elif kind == _FILE:
                self._file(held, target / name)

    def _entries(self, inode: int) -> list[tuple[int, int, str]]:
        if self._names_kept and inode in self._now:
            found = [(one.inode(), one.stat(follow_symlinks=False).st_mode, one.name)
                     for one in os.scandir(self._now[inode])]
            return [(held, _FOLDER if stat.S_ISDIR(mode) else _FILE, name) for held, mode, name in found
                    if stat.S_ISDIR(mode) or stat.S_ISREG(mode)]
        try:
            lines = (self._shadow / f"{inode}.dir").read_text().splitlines()
        except FileNotFoundError:
            return []
        told = [line.split(" ", 2) for line in lines]
        return [(int(held), int(kind), name) for held, kind, name in told]

    def _file(self, inode: int, target: Path) -> None:
        kept, pin = self._shadow / f"{inode}.data", self._shadow / f"{inode}.pin"
        data = kept.read_bytes() if kept.exists() else b""
        if self._torn is not None and inode in self._now:
            written = self._now[inode].read_bytes()
            if written.startswith(data):
                data = written[:self._torn.randint(len(data), len(written))]
        target.write_bytes(data)
        target.chmod(pin.stat().st_mode & 0o777 if pin.exists() else 0o600)
