"""A backup of a place's state: a folder or a .tar with every file and its checksum; the list comes last."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, cast

import orjson

from data.checksums import Summed, copied, refuse_damaged, write_file
from data.durable import replace_file
from data.errors import WrongInput
from data.manifest import sync_folder
from data.snapshot import Pinned

FORM = 1
LIST, LAST = "backup.json", "last_backup.json"
MOST_LIST = 500_000_000
Passed = Callable[[int], object]


@dataclass(frozen=True)
class Kept:
    """One file of a backup, by its path in the state folder."""

    path: str
    sha256: str
    bytes: int
    mode: int


@dataclass(frozen=True)
class Backup:
    """What backup.json says.

    layout: of the state folder; history: files, or database when it lies elsewhere; checkpoint: of the history.
    """

    place: dict[str, str]
    program: str
    who: str
    made: str
    layout: int
    history: str
    checkpoint: int
    files: tuple[Kept, ...] = field(default=())

    def text(self) -> bytes:
        """The list's content."""
        return orjson.dumps({"form": FORM, **asdict(self)}, option=orjson.OPT_APPEND_NEWLINE)


About = Callable[[tuple[Kept, ...]], Backup]


def parse_list(text: bytes, where: Path) -> Backup:
    """A list as written by `text`.

    Raises:
        WrongInput: damaged, or of a form that this program does not know.
    """
    try:
        raw = orjson.loads(text)
        form = raw.pop("form")
        if form != FORM:
            what = f"{where} 的备份格式是 {form!r:.20}，本程序只认 {FORM}"
            raise WrongInput(f"{what}；请用写它的那一版程序恢复，或升级本程序")
        files = tuple(Kept(**file) for file in raw.pop("files"))
        found = Backup(**raw, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WrongInput(f"{where} 不是备份，或清单 {LIST} 已损坏（{error!s:.80}）；请换一份备份") from error
    for file in files:
        if Path(file.path).is_absolute() or ".." in Path(file.path).parts or file.mode & ~0o777:
            raise WrongInput(f"{where} 的清单里有不合规的条目 {file.path!r:.60}，备份已被改动；请换一份备份")
    return found


def write_folder(target: Path, pinned: list[Pinned], about: About, passed: Passed) -> None:
    """Writes a backup as a folder, which bears its name only when it is whole. Raises OSError."""
    work = _unfinished(target)
    work.mkdir(mode=0o700)
    kept = []
    for one in pinned:
        path = work / one.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with one.source.open("rb") as file:
            kept.append(Kept(one.path, *write_file(Summed(file, one.size, passed), path, one.mode), one.mode))
    replace_file(work / LIST, about(tuple(kept)).text())
    if target.is_dir():
        target.rmdir()
    work.rename(target)
    sync_folder(target.parent)


def write_tar(target: Path, pinned: list[Pinned], about: About, passed: Passed) -> None:
    """Writes a backup as one .tar for the owner alone, which bears its name only when it is whole. Raises OSError."""
    work = _unfinished(target)
    kept = []
    with open(os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for one in pinned:
                with one.source.open("rb") as file:
                    summed = Summed(file, one.size, passed)
                    tar.addfile(_member(one.path, one.size, one.mode), cast(IO[bytes], summed))
                    kept.append(Kept(one.path, *summed.told(), one.mode))
            text = about(tuple(kept)).text()
            tar.addfile(_member(LIST, len(text), 0o600), io.BytesIO(text))
        out.flush()
        os.fsync(out.fileno())
    work.rename(target)
    sync_folder(target.parent)


def _member(path: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, mode, int(time.time())
    return info


def _unfinished(target: Path) -> Path:
    """Where a backup grows; what an interrupted one left there is removed."""
    work = target.with_name(f".{target.name}.unfinished")
    if work.is_dir():
        shutil.rmtree(work)
    work.unlink(missing_ok=True)
    return work


class Opened:
    """A backup to be read: its list, and the bytes of each file. Use `opened`."""

    def __init__(self, where: Path, tar: tarfile.TarFile | None) -> None:
        self._where, self._tar = where, tar
        with self._open(LIST) as file:
            self.list = parse_list(file.read(MOST_LIST), where)

    def _open(self, path: str) -> IO[bytes]:
        try:
            if self._tar is None:
                return (self._where / path).open("rb")
            found = self._tar.extractfile(path)
        except (KeyError, OSError, tarfile.TarError) as error:
            raise WrongInput(f"{self._where} 不是完整的备份：缺少 {path}；请换一份备份") from error
        if found is None:
            raise WrongInput(f"{self._where} 里的 {path} 不是普通文件，备份已被改动；请换一份备份")
        return found

    def each(self, passed: Passed, into: Path | None = None) -> None:
        """Reads every file against its checksum; with `into` writes them there with their modes.

        Raises:
            WrongInput: a file is missing or damaged. OSError: the disk refuses.
        """
        for kept in self.list.files:
            with self._open(kept.path) as file:
                summed = Summed(file, None, passed)
                if into is None:
                    found = copied(summed, lambda _block: None)
                else:
                    target = into / kept.path
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    found = write_file(summed, target, kept.mode)
                refuse_damaged(Path(kept.path), (kept.sha256, kept.bytes), found, "备份")


@contextmanager
def opened(where: Path) -> Iterator[Opened]:
    """A backup, folder or .tar.

    Raises:
        WrongInput: nothing there, or no backup.
    """
    if where.is_dir():
        yield Opened(where, None)
        return
    try:
        tar = tarfile.open(where, "r:")  # noqa: SIM115 - closed below; the body's own errors are not about the tar
    except (OSError, tarfile.TarError) as error:
        raise WrongInput(f"{where} 不是备份（{error!s:.80}）；请指向 history backup 所得的目录或 .tar") from error
    with tar:
        yield Opened(where, tar)
