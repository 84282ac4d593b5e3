"""Files dropped into `drop/<feed>/` are read as soon as they are whole, then put aside as done or failed."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

from data.errors import Unavailable, WrongInput, YipingError, os_words
from data.source import Cursor, Portion, Site
from data.source_faults import Away

UNFINISHED = (".tmp", ".part", ".crdownload", ".filepart")
Mark = tuple[int, int]


def open_source(site: Site) -> DropFolder:
    """The drop folder of a feed, made if missing."""
    return DropFolder(site)


class DropFolder:
    """One feed's folder; a file is read when two looks see it unchanged.

    A crash between acceptance and putting a file aside reads it again: its records are then duplicates.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._marks: dict[Path, Mark] = {}
        self.folder = folder_of(site)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"目录 {self.folder} 建不了（{os_words(error)}）；请改正权限") from error

    def portions(self, _cursor: Cursor | None) -> Generator[Portion, None, None]:
        """Every whole file, chunk by chunk; the last portion of a file puts it aside."""
        self._site.parser.rest()
        for path in self._whole():
            read = ""
            try:
                for chunk in self._site.parser.rows(path, self._site.feed, self._site.clock):
                    read = chunk.read_as
                    yield Portion(canonical=chunk.rows, bad=chunk.rejected, read_as=read, sample=chunk.sample)
            except Unavailable:
                raise
            except (YipingError, OSError) as error:
                why = str(error) if isinstance(error, WrongInput) else f"{path.name} 读不了：{error}"
                self._aside(path, why)
                yield Portion(down=why)
                continue
            yield Portion(title=path.name, read_as=read, done=lambda path=path: self._aside(path, ""))  # type: ignore[misc]

    def close(self) -> None:
        """Nothing is held open."""

    def _whole(self) -> list[Path]:
        found: list[Path] = []
        try:
            for path in sorted(self.folder.iterdir()):
                if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in UNFINISHED:
                    state = path.stat()
                    mark = (state.st_size, state.st_mtime_ns)
                    if self._marks.get(path) == mark:
                        found.append(path)
                    self._marks[path] = mark
        except OSError as error:
            raise Away(f"目录 {self.folder} 读不了（{os_words(error)}）；请改正权限") from error
        return found

    def _aside(self, path: Path, reason: str) -> None:
        """Moves the file to done/ or failed/, never over another one; a reason is written beside it."""
        folder = path.parent / ("failed" if reason else "done")
        target = folder / path.name
        self._marks.pop(path, None)
        try:
            folder.mkdir(exist_ok=True)
            if target.exists():
                target = folder / f"{path.stem}-{time.time_ns() // 1000}{path.suffix}"
            if reason:
                target.with_name(target.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")
            path.rename(target)
        except OSError as error:
            raise Away(f"{path} 不能移到 {folder}（{os_words(error)}）；请改正权限") from error


def folder_of(site: Site) -> Path:
    """Where files of a feed are dropped."""
    return site.folder / "drop" / site.name
