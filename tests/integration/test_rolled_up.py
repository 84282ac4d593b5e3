"""Every metric of every pack at every level: what a division shows is what its declared roll-up makes of the records.

The gate adds up level by level; here each division's records are picked by one mask over the whole tree and pooled at
once, and the rule is the one that `over_area` declares. Whoever breaks a step of the tree, or declares a rule that the
formula does not keep, fails here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recount_world import DAY, NOW, Recounted, observation

from access.principal import demo_principal
from data.acceptance import Lane
from data.answers import Answer, Question, Scope, Window
from data.batches import Batch
from data.clock import Clock, from_us, to_us
from data.columns import Array
from data.contribution import Contribution
from data.gate import Gate
from data.history import HistoryReader, HistoryWriter
from data.identity import IdentityIndex
from data.live import Live
from data.metrics import Evaluator
from data.pack import Metric, load_pack
from data.registry import Registry
from data.state import State
from geo.locate import Locator

pytestmark = pytest.mark.integration
BEIJING = Path(__file__).parents[2] / "places" / "beijing"
AIR_NOW = to_us(datetime(2014, 2, 25, 12, tzinfo=UTC))
ADD_UP = ("sum", "count")


@dataclass
class County:
    """A gate, the window that is asked for, and the tree as one mask: row = division, column = what lies in it."""

    gate: Gate
    window: Window

    @cached_property
    def inside(self) -> Array:
        tree = self.gate.pack.divisions
        return np.array([tree.below(item.code) for item in tree.items])

    @cached_property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.gate.pack, self.gate.live.tables)

    def read(self, metric: str, code: str, by: str = "") -> Answer:
        principal = demo_principal(self.gate.pack.divisions.root.code)
        return self.gate.read(principal, Question("metric", metric, by), Scope(code), self.window)

    def rows(self, metric: str) -> Contribution:
        """The records of a metric, each with the division in which it lies."""
        scope = Scope(self.gate.pack.divisions.root.code)
        inputs = self.evaluator.inputs(metric, scope, self.window)
        return self.evaluator.formulas[inputs.metric.formula["kind"]](inputs)

    def finest(self, metric: Metric) -> int:
        return self.gate.pack.divisions.level_names.index(metric.level)


@pytest.fixture(scope="module")
def yudu(recounted: Recounted) -> County:
    return County(recounted.gate, Window(from_us(NOW - DAY), from_us(NOW), "24h"))


@pytest.fixture(scope="module")
def beijing(tmp_path_factory: pytest.TempPathFactory) -> County:
    """Beijing with an invented day at every station: no figure of it is told anywhere."""
    folder, pack = tmp_path_factory.mktemp("beijing"), load_pack(BEIJING)
    reader, writer = HistoryReader(folder / "history"), HistoryWriter(folder / "history")
    registry, index = Registry(pack.divisions, Locator(pack.divisions)), IdentityIndex(reader)
    stations = [{"id": f"S{number}", "layer": "station_air", "name": f"站{number}", "lon": seat[0], "lat": seat[1]}
                for number, seat in enumerate(_places(pack.divisions))]
    readings = [observation(station["id"], name, AIR_NOW - hour * 3_600_000_000, 2.0 + at + hour / 8)
                for at, station in enumerate(stations) for hour in range(1, 24)
                for name in ("pm25", "pm10", "o3", "no2", "so2", "co")]
    seq = 1
    for feed, records in (("stations", stations), ("air", readings)):
        lane = Lane(feed, pack.feeds[feed], pack, registry, index)
        found = lane.prepare(records, seq, AIR_NOW)
        assert not found.rejected
        writer.append(Batch(seq, found.rows[-1]["seq"], feed, lane.kind, AIR_NOW, found.rows))
        seq = found.rows[-1]["seq"] + 1
    writer.commit()
    clock = Clock(AIR_NOW / 1e6 - Clock().now().timestamp())
    live = Live(pack, State(f"unix://{folder}/none.sock", "t:"), reader, clock, folder)
    live.tables.load(AIR_NOW)
    return County(Gate(pack, live, reader), Window(from_us(AIR_NOW - DAY), from_us(AIR_NOW), "24h"))


def _places(divisions: Any) -> list[tuple[float, float]]:
    shapes = [divisions.geometry[at].representative_point() for at in divisions.at_level(1)[::3]]
    return [(point.x, point.y) for point in shapes]


@pytest.fixture(params=["yudu", "beijing"])
def county(request: pytest.FixtureRequest) -> County:
    found: County = request.getfixturevalue(request.param)
    return found


def pooled(county: County, found: Contribution) -> tuple[Array, Array]:
    """Parts of every division from the records inside it, pooled at once, and how many these are."""
    size = len(county.gate.pack.divisions)
    join: Callable[[Array], Array] = {"sum": lambda parts: parts.sum(axis=0), "max": lambda parts: parts.max(axis=0),
                                      "min": lambda parts: parts.min(axis=0)}[found.reduce]
    width = found.parts.shape[1]
    counts = county.inside[:, found.division].sum(axis=1)
    parts = np.zeros((size, width))
    if found.reduce == "sum":
        own = np.zeros((size, width))
        for at, row in zip(found.division, found.parts, strict=True):
            own[at] += row
        return county.inside.astype(float) @ own, counts
    for at in np.flatnonzero(counts):
        parts[at] = join(found.parts[county.inside[at][found.division]])
    return parts, counts


def expected(county: County, found: Contribution) -> list[float | None]:
    """Value of every division by the pooled records; None where there are none and none is not zero."""
    parts, counts = pooled(county, found)
    values = found.finish(parts) if len(parts) else np.zeros(0)
    return [None if not (count or found.zero) or np.isnan(value) else float(value)
            for value, count in zip(values, counts, strict=True)]


def shown(county: County, metric: str) -> dict[str, float | None]:
    """Every division's figure as the gate groups the whole place, level by level."""
    pack, found = county.gate.pack, {}
    for level in pack.divisions.level_names[:county.finest(pack.metrics[metric]) + 1]:
        answer = county.read(metric, pack.divisions.root.code, level)
        assert answer.parts["level"] == level
        found.update({group.code: group.value for group in answer.groups})
    return found


def near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))


def of(county: County, *rules: str) -> list[str]:
    return [key for key, metric in county.gate.pack.metrics.items() if metric.over_area in rules]


def told_alone(county: County, metric: str) -> bool:
    """Each division's figure is its own: published for it, or counted once wherever it is named."""
    return not county.rows(metric).rolls_up


def test_every_level_shows_what_its_records_pool_to(county: County) -> None:
    items, wrong = county.gate.pack.divisions.items, []
    for metric in county.gate.pack.metrics:
        if told_alone(county, metric):
            continue
        figures, right = shown(county, metric), expected(county, county.rows(metric))
        wrong += [(metric, item.code, figures[item.code], value) for item, value in zip(items, right, strict=True)
                  if item.code in figures and not near(figures[item.code], value)]
    assert wrong == []


def test_sums_and_counts_are_their_children_and_the_unlocated_exactly(county: County) -> None:
    tree, levels = county.gate.pack.divisions, county.gate.pack.divisions.level_names
    for metric in of(county, *ADD_UP):
        figures, found = shown(county, metric), county.rows(metric)
        # What each division has a figure of its own for lies nowhere else.
        held = found.parts[:, 0] * (0.0 if told_alone(county, metric) else 1.0)
        whole = bool(np.all(found.parts == np.round(found.parts)))
        for code, value in figures.items():
            below = tree.get(code).level + 1
            children = [child.code for child in tree.children(code) if child.code in figures]
            if value is None or not children:
                continue
            # What lies in the division but in none of its children, counted by itself.
            rest = float(held[found.division == tree.index(code)].sum())
            total = sum(figures[child] or 0.0 for child in children) + rest
            assert value == total if whole else near(value, total), (metric, code, value, total)
            if below <= 2:
                answer = county.read(metric, code, "children")
                assert near(answer.unlocated, rest), (metric, code)
        for level in levels[1:county.finest(county.gate.pack.metrics[metric]) + 1]:
            answer = county.read(metric, tree.root.code, level)
            above = tree.level[found.division] < levels.index(level)
            assert near(answer.unlocated or 0.0, float(held[above].sum())), (metric, level)


def test_both_parts_of_a_ratio_add_up_and_it_is_their_quotient(county: County) -> None:
    tree = county.gate.pack.divisions
    ratios = [metric for metric in of(county, "ratio", "mean") if not told_alone(county, metric)]
    assert ratios
    for metric in ratios:
        found, figures = county.rows(metric), shown(county, metric)
        assert found.parts.shape[1] == 2, metric
        assert found.reduce == "sum", metric
        parts, counts = pooled(county, found)
        scale = float(county.gate.pack.metrics[metric].formula.get("scale", 1))
        scale = scale if county.gate.pack.metrics[metric].over_area == "ratio" else 1.0
        for code, value in figures.items():
            at = tree.index(code)
            children = [tree.index(child.code) for child in tree.children(code)]
            own = found.parts[found.division == at].sum(axis=0) if counts[at] else np.zeros(2)
            assert np.allclose(parts[at], parts[children].sum(axis=0) + own, rtol=1e-12, atol=1e-9), (metric, code)
            quotient = scale * parts[at, 0] / parts[at, 1] if parts[at, 1] > 0 else None
            assert near(value, quotient), (metric, code)


def test_a_maximum_is_the_largest_of_its_children_and_own_records(county: County) -> None:
    tree = county.gate.pack.divisions
    for metric in of(county, "max", "worst"):
        if told_alone(county, metric):
            continue
        figures, found = shown(county, metric), county.rows(metric)
        for code, value in figures.items():
            own = found.parts[found.division == tree.index(code), 0].tolist()
            below = [figures.get(child.code) for child in tree.children(code)]
            known = [one for one in (*own, *below) if one is not None]
            if any(child.code in figures for child in tree.children(code)):
                assert near(value, max(known, default=None)), (metric, code)


def test_what_each_division_publishes_itself_is_never_added_up(yudu: County) -> None:
    """`none`: the division's own published figure, unknown where it published none, whatever its children say."""
    tables = yudu.gate.live.tables
    published = 0
    for metric in of(yudu, "none"):
        formula = yudu.gate.pack.metrics[metric].formula
        for code, value in shown(yudu, metric).items():
            rows = tables.indicators.series(formula["id"], formula["basis"], code, to_us(yudu.window.end))
            own = rows[-1][formula["field"]] if rows else None
            assert near(value, own), (metric, code)
            published += value is not None
        assert yudu.read(metric, yudu.gate.pack.divisions.root.code, "children").unlocated is None
    assert published > 100


def test_a_warning_counts_once_in_every_division_that_it_touches(yudu: County) -> None:
    tree, figures = yudu.gate.pack.divisions, shown(yudu, "warnings_active")
    active = yudu.gate.live.tables.warnings.active(to_us(yudu.window.end))
    assert active
    named = [{code for code in row["divisions"] if code in tree} or {tree.root.code} for row in active]
    for code, value in figures.items():
        chain = set(tree.chain(code))
        touching = sum(any(one in chain or code in tree.chain(one) for one in codes) for codes in named)
        assert value == touching, code


def test_a_village_a_township_and_the_place_say_the_same_alone_and_in_the_list(county: County) -> None:
    tree = county.gate.pack.divisions
    sample = [tree.root.code, *(tree.items[at].code for level in range(1, len(tree.level_names))
                                for at in tree.at_level(level)[::max(1, len(tree.at_level(level)) // 9)])]
    for key, metric in county.gate.pack.metrics.items():
        figures = shown(county, key)
        for code in sample:
            answer = county.read(key, code)
            owner = next(above for above in tree.chain(code) if tree.get(above).level <= county.finest(metric))
            assert answer.at_division == owner, (key, code)
            assert near(answer.value, figures[owner]), (key, code)


def test_below_the_published_level_the_nearest_figure_answers_under_its_own_name(county: County) -> None:
    tree = county.gate.pack.divisions
    deepest = tree.level_names[-1]
    leaf = tree.items[int(tree.at_level(len(tree.level_names) - 1)[5])].code
    for key, metric in county.gate.pack.metrics.items():
        finest = county.finest(metric)
        answer = county.read(key, tree.root.code, deepest)
        assert answer.parts["level"] == metric.level, key
        assert {tree.get(group.code).level for group in answer.groups} == {finest}, key
        alone = county.read(key, leaf, "children")
        assert [group.code for group in alone.groups if tree.get(group.code).level < finest] == [], key


def test_figures_per_head_are_the_pooled_records_over_the_figure_they_are_divided_by(county: County) -> None:
    """Both sides by themselves: the records inside each division, and what the division shows of the other metric."""
    items, wrong = county.gate.pack.divisions.items, []
    per = {key: metric for key, metric in county.gate.pack.metrics.items() if metric.formula["kind"] == "per"}
    for key, metric in per.items():
        part, scale = str(metric.formula["part"]), float(metric.formula.get("scale", 1))
        assert not told_alone(county, part), key
        heads, figures = shown(county, str(metric.formula["whole"])), shown(county, key)
        for item, value in zip(items, expected(county, county.rows(part)), strict=True):
            over = heads.get(item.code)
            right = value * scale / over if value is not None and over else None
            if item.code in figures and not near(figures[item.code], right):
                wrong.append((key, item.code, figures[item.code], right))
        assert sum(value is not None for value in figures.values()) > 20, key
    assert wrong == []
