"""Who answers for a division: `people.csv` of the pack or of the state folder, names and numbers always masked."""

from __future__ import annotations

import csv
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.masking import mask

log = logging.getLogger(__name__)
FILE, COLUMNS, MOST_BYTES = "people.csv", ("division", "role", "name", "phone"), 20_000_000
Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class _Read:
    stamp: tuple[str, int, int]
    by_division: dict[str, Rows]


class People:
    """Columns: division (code), role (书记, 镇长, 网格员 …), name, phone; demo = 1 marks invented persons.

    The pack's file counts where there is one; the state folder's is for places that keep persons out of the pack.
    """

    def __init__(self, *folders: Path) -> None:
        self._files = [folder / FILE for folder in folders]
        self._held = _Read(("", 0, 0), {})

    @property
    def stamp(self) -> tuple[str, int, int]:
        """Which file counts, and its version."""
        for file in self._files:
            try:
                found = file.stat()
            except OSError:
                continue
            return str(file), found.st_mtime_ns, found.st_size
        return "", 0, 0

    def of(self, division: str) -> Rows:
        """Persons of a division in the file's order: role, name and phone masked, demo."""
        stamp = self.stamp
        if stamp != self._held.stamp:
            self._held = _Read(stamp, _read(Path(stamp[0])) if stamp[0] else {})
        return self._held.by_division.get(division, ())


def _read(file: Path) -> dict[str, Rows]:
    """Persons by division; a file that cannot be read has none, which is logged."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"超过 {MOST_BYTES // 1_000_000} MB")
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")))
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"缺少列 {'、'.join(missing)}")
        for row in rows:
            told = {name: (row[name] or "").strip() for name in COLUMNS}
            found.setdefault(told["division"], []).append({
                "role": told["role"], "name": mask(told["name"]), "phone": mask(told["phone"]),
                "demo": (row.get("demo") or "").strip() in ("1", "true")})
    except (OSError, UnicodeError, ValueError, csv.Error) as error:
        log.warning("%s 读不了（%s）：名片上不显示人员；应为 UTF-8 的 CSV，列 %s", file, error, ",".join(COLUMNS))
        return {}
    return {code: tuple(persons) for code, persons in found.items()}
