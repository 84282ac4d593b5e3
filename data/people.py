"""Who answers for a division: `people.csv` of the pack or of the state folder, names and numbers always masked."""

from __future__ import annotations

import csv
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import WrongInput
from data.masking import mask_name, mask_numbers, mask_phone
from geo.divisions import Divisions

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
        for told in _rows(file):
            found.setdefault(told["division"], []).append({
                "role": mask_numbers(told["role"]), "name": mask_name(told["name"]), "phone": mask_phone(told["phone"]),
                "demo": told.get("demo") in ("1", "true")})
    except WrongInput as error:
        log.warning("%s：名片上不显示人员", error)
        return {}
    return {code: tuple(persons) for code, persons in found.items()}


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise WrongInput(f"{file} 超过 {MOST_BYTES // 1_000_000} MB，不像人员名单；请换成只有人员的文件")
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")))
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise WrongInput(f"{file} 缺少列 {'、'.join(missing)}；首行应为 {','.join(COLUMNS)}")
        return [{str(name): str(value or "").strip() for name, value in row.items()} for row in rows]
    except (OSError, UnicodeError, csv.Error) as error:
        raise WrongInput(f"{file} 读不了（{error}）；应为 UTF-8 的 CSV") from error


def people_problems(folder: Path, divisions: Divisions) -> list[str]:
    """What is wrong with a pack's persons, as `line: what is wrong`; [] without a file."""
    file = folder / FILE
    if not file.is_file():
        return []
    try:
        rows = _rows(file)
    except WrongInput as error:
        return [f"1: {error}"]
    problems = []
    for line, row in enumerate(rows, 2):
        if row["division"] not in divisions:
            problems.append(f"{line}: division {row['division']!r:.40} 不在区划之中")
        if not row["role"] or not row["name"]:
            problems.append(f"{line}: 缺少 role 或 name")
    return problems
