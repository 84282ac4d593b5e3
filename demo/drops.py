"""Files that departments drop: the register of assets, the monthly figures, the yearly population."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson

from data.clock import from_us
from demo.assets import collection
from demo.days import DAY_S, date_of
from demo.doors import drop
from demo.economy import releases
from demo.series import MICRO
from demo.world import World

COLUMNS = ("indicator", "division", "period", "basis", "value", "yoy", "yoy_kind", "status", "released", "unit",
           "target", "rank", "demo")


def drop_assets(world: World, folder: Path, now: int) -> Path:
    """The whole register, as it is sent every day."""
    stamp = date_of((now + world.county.days.zone_s) // DAY_S).strftime("%Y%m%d")
    return drop(folder, "assets", f"assets-{stamp}.geojson", orjson.dumps(collection(world.county)))


def as_csv(records: list[dict[str, Any]]) -> bytes:
    """Canonical columns; what is not known stays empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        released = from_us(record["released"]).isoformat()
        writer.writerow(record | {"released": released, "demo": "true"})
    return text.getvalue().encode()


def drop_figures(world: World, folder: Path, after: int, until: int) -> None:
    """The monthly figures released in (after, until] (s), a file each, and the population when it is due."""
    for release in releases(after, until):
        drop(folder, "economy", f"economy-{release.year}-{release.month:02d}.csv",
             as_csv(world.economy.records(release)))
        drop(folder, "sharing", f"sharing-{release.year}-{release.month:02d}.csv",
             as_csv(world.economy.sharing(release)))
    for year in range(date_of(after // DAY_S).year - 1, date_of(until // DAY_S).year):
        records = world.economy.population(year)
        if after < records[0]["released"] // MICRO <= until:
            drop(folder, "population", f"population-{year}.csv", as_csv(records))
