"""Persons of the demo county's cards: invented, without full names, and marked as such."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from data.people import COLUMNS, FILE
from demo.chance import one
from demo.texts import SURNAMES
from demo.world import World
from geo.divisions import Division

# No number of the mobile net begins with 100.
PHONE = "100{:08d}"
_HEADS = {"镇": "镇长", "乡": "乡长"}


def write_people(world: World, folder: Path) -> Path:
    """Writes the state folder's file of persons, the same for the same county; an equal one is left alone."""
    text, divisions = io.StringIO(), world.county.ground.divisions
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*COLUMNS, "demo"])
    for item in divisions.items:
        for role in _roles(item, len(divisions.level_names)):
            drawn = one(world.county.seed, "person", item.code, role)
            surname = SURNAMES[int(drawn * len(SURNAMES))]
            writer.writerow([item.code, role, f"{surname}某某", PHONE.format(int(drawn * 1e8)), 1])
    file, body = folder / FILE, text.getvalue().encode()
    if not file.is_file() or file.read_bytes() != body:
        fresh = file.with_suffix(".new")
        fresh.write_bytes(body)
        fresh.replace(file)
    return file


def _roles(item: Division, levels: int) -> tuple[str, ...]:
    """Offices of a division: the deepest level has its grid worker, the others a secretary and a head."""
    if item.level == levels - 1:
        return ("网格员",)
    if item.level == 0:
        return ("书记", "县长")
    return ("书记", _HEADS.get(item.name[-1], "主任"))
