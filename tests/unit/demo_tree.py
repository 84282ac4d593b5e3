"""An invented county for the demo's tests: 24 townships (one an industrial park) of three to five villages."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter
from shapely.geometry import box

from data.pack import Category
from demo.county import County
from geo.divisions import Division, Divisions

PACK = Path(__file__).parents[2] / "places" / "yudu"
LEVELS = (("county", "县"), ("township", "乡镇"), ("village", "村"))


def tree() -> Divisions:
    items, shapes = [Division("990731000000", "示例县", 0, None)], [box(115.2, 25.6, 115.8, 26.2)]
    for number in range(24):
        serial = 400 if number == 23 else 100 + number
        code, west, south = f"990731{serial}000", 115.2 + 0.1 * (number % 6), 25.6 + 0.15 * (number // 6)
        items.append(Division(code, f"示例{number + 1}镇", 1, "990731000000"))
        shapes.append(box(west, south, west + 0.1, south + 0.15))
        kids = 9 if number == 8 else 3 + number % 3
        for kid in range(kids):
            low = south + 0.15 * kid / kids
            items.append(Division(f"990731{serial}{200 + kid}", f"第{kid + 1}村委会", 2, code))
            shapes.append(box(west, low, west + 0.1, low + 0.15 / kids))
    return Divisions(items, shapes, LEVELS)


def pack_file(name: str) -> Any:
    return yaml.safe_load((PACK / name).read_text(encoding="utf-8"))


def county(scenario: str = "quiet", anchor: int | None = None) -> County:
    categories = TypeAdapter(dict[str, Category]).validate_python(pack_file("categories.yaml"))
    return County(tree(), pack_file("calendar.yaml"), categories, scenario, anchor)
