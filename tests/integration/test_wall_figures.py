"""D6: a hundred figures read off the drawn screens, at random, are what SQL counts from the stored rows.

`SEED` chooses screen, division, window and instant of `VIEWS` views, of which every countable figure is read; a failure
names its pick.
"""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass
from html import unescape

import pytest
from recount_world import DAY, HOUR, NOW, Recounted
from recounted_web import Still, web_of
from test_recomputed import CASES, COUNTS, ROOT, SQL

from access.principal import demo_principal
from api.view import build
from api.web import Web
from data.clock import from_us, to_us

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SEED, VIEWS = int(os.environ.get("SEED", "20261122")), int(os.environ.get("VIEWS", "27"))
PREFIX = {"county": 6, "township": 9, "village": 12, "grid": 15}
# As another window is asked: the instant of it, and rows told by then only.
AS_OF = f"""with event as (select * from main.event where stage_time <= $at),
    cases as ({CASES.partition(" as ")[2]}) """


@dataclass(frozen=True)
class Pick:
    """One view: a screen of a division, in a window, as of an instant (0 = now)."""

    screen: str
    division: str
    query: tuple[tuple[str, str], ...]
    start: int
    end: int
    at: int


@pytest.fixture(scope="module")
def web(recounted: Recounted) -> Web:
    return web_of(recounted, ROOT)


def picks(web: Web) -> list[Pick]:
    """Views at random; every screen with such figures comes up equally often."""
    chance, found, divisions = random.Random(SEED), [], web.pack.divisions
    below = [item.code for item in divisions.items if item.level in (1, 2)]
    instants = [NOW - chance.randrange(20 * HOUR // 60_000_000) * 60_000_000 for _ in range(2)]
    for count in range(VIEWS):
        division = chance.choice([ROOT, *chance.sample(below, 2)])
        at = chance.choice([0, 0, *instants])
        start, end, query = _window(chance, at)
        if at:
            query |= {"at": from_us(at).isoformat(), "known": "now"}
        found.append(Pick(("overview", "events", "emergency")[count % 3], division, tuple(query.items()), start, end,
                          at))
    return found


def _window(chance: random.Random, at: int) -> tuple[int, int, dict[str, str]]:
    """A relative one, or from … to."""
    end = at or NOW
    if chance.random() < 0.5:
        name, hours = chance.choice((("24h", 24), ("7d", 168)))
        return end - hours * HOUR, end, {"window": name}
    start = end - chance.randint(2, 3 * 24) * HOUR
    end = at or chance.choice((end, start + HOUR * chance.randint(1, 1 + (end - start) // HOUR // 2)))
    return start, end, {"from": from_us(start).isoformat(), "to": from_us(end).isoformat()}


def read_off(web: Web, pick: Pick) -> list[tuple[str, str, str]]:
    """(metric, division, text) of every figure of the view that SQL can count."""
    screen = next(one for one in web.screens if one.key == pick.screen)
    regions = build(web, demo_principal(ROOT), pick.screen, {**dict(pick.query), "division": pick.division})["regions"]
    divisions = web.pack.divisions
    large = re.findall(r'<div class="fig">(.*?)<small>', regions["figures"])
    assert len(large) == len(screen.figures)
    found = [(figure.metric, pick.division, text) for figure, text in zip(screen.figures, large, strict=True)]
    codes = {child.name: child.code for child in divisions.children(ROOT)}
    for panel in screen.panels:
        if panel.kind == "ranking" and pick.division == ROOT:
            rows = re.findall(r"<tr><td>\d+</td><td>(.*?)</td><td>(.*?)</td></tr>", regions[panel.slot])
            found += [(panel.asks["by"].name, codes[unescape(name)], text) for name, text in rows]
    return [one for one in found if one[0] in SQL]


def counted(recounted: Recounted, pick: Pick, metric: str, asked: str) -> float | None:
    """The figure by SQL, of the division asked or the one above it that is published: by how much of a code is its own.
    """
    pack = recounted.gate.pack
    divisions, finest = pack.divisions, pack.divisions.level_names.index(pack.metrics[metric].level)
    code = next(above for above in divisions.chain(asked) if divisions.get(above).level <= finest)
    length = PREFIX[divisions.level_names[divisions.get(code).level]]
    what, source = SQL[metric]
    source = source if source.startswith("(") else f"from {source}"
    text = (f"{AS_OF} select place, {what} from (select *, substr(code, 1, {length}) as place from ({source})) "
            "group by grouping sets ((), (place))")
    told = dict(recounted.sql(text, start=pick.start, end=pick.end, at=pick.at or 1 << 60))
    found: float | None = told.get(None if code == ROOT else code[:length], 0.0 if metric in COUNTS else None)
    return found


def number(text: str) -> tuple[float | None, float]:
    """What a reader reads: the number and what its last digit is worth."""
    plain = unescape(re.sub("<[^>]+>", "", text)).replace(",", "").replace("−", "-").strip()
    if plain in ("—", "未知", ""):
        return None, 0.0
    scale = 1e8 if "亿" in plain else 1e4 if "万" in plain else 1.0
    digits = plain.rstrip("亿万")
    return float(digits) * scale, scale * 10.0 ** -len(digits.partition(".")[2])


def test_a_hundred_figures_of_the_screens_are_what_sql_counts(recounted: Recounted, web: Web) -> None:
    wrong, metrics, some = [], set(), 0
    for pick in picks(web):
        for metric, code, text in read_off(web, pick):
            (read, worth), expected = number(text), counted(recounted, pick, metric, code)
            metrics.add(metric)
            some += expected not in (None, 0)
            if read is None or expected is None:
                right = read is expected
            else:
                right = abs(read - expected) <= 0.5 * worth + 1e-9
            if not right:
                wrong.append((pick, metric, code, text, expected))
    assert not wrong, f"seed {SEED}: {len(wrong)} figures, such as {wrong[:3]}"
    assert some >= 100, f"seed {SEED}: only {some} figures say something"
    assert len(metrics) >= 12


def test_the_reading_would_notice_a_wrong_figure() -> None:
    assert number("1,234") == (1234.0, 1.0)
    assert number("−0.35") == (-0.35, 0.01)
    assert number("<b>12.3万</b>") == (123000.0, 1000.0)
    assert number("—")[0] is None
    assert to_us(Still().now()) == NOW
    assert DAY == 24 * HOUR
