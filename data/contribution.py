"""What records contribute to a metric: numbers lying in divisions, and how they roll up the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from data.columns import Array
from geo.divisions import Divisions

Finish = Callable[[Array], Array]
Describe = Callable[[Array], dict[str, Any]]


def plain(parts: Array) -> Array:
    """One column: its sum, count or maximum is the value."""
    return parts[:, 0]


def quotient(scale: float = 1.0) -> Finish:
    """Two columns, numerator and denominator: their quotient × scale, nothing where the denominator is 0."""

    def finish(parts: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(parts[:, 1] > 0, scale * parts[:, 0] / parts[:, 1], np.nan)

    return finish


@dataclass(frozen=True)
class Contribution:
    """Rows of numbers that make up a metric.

    division: index of the deepest division of each row; parts: (rows, k); reduce: how rows of a division and of its
    children join (sum, max, min); finish: (groups, k) → (groups,) values, NaN = unknown. zero: a group without rows is
    zero (a count of records that do arrive), else unknown. bucket: start of each row's bucket, µs (empty: none).
    label: name of each row for grouping by category, station …; newest: the newest record's time, µs. rolls_up: False
    where each division publishes its own figure and children are not added to it. describe: what
    else can be said of one group's parts (primary pollutant, validity …). severity: 0 ok … 3 alarm of each row.
    held: what was rolled up of exactly these rows.
    """

    division: Array
    parts: Array
    finish: Finish = plain
    reduce: str = "sum"
    zero: bool = False
    bucket: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    label: Array = field(default_factory=lambda: np.zeros(0, object))
    newest: int = 0
    rolls_up: bool = True
    describe: Describe | None = None
    severity: Array = field(default_factory=lambda: np.zeros(0, np.int8))
    held: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def nbytes(self) -> int:
        """Memory of the rows, in bytes."""
        return sum(column.nbytes for column in (self.division, self.parts, self.bucket, self.label, self.severity))

    def take(self, mask: npt.NDArray[np.bool_]) -> Contribution:
        """The rows of a mask."""
        bucket = self.bucket[mask] if len(self.bucket) else self.bucket
        label = self.label[mask] if len(self.label) else self.label
        severity = self.severity[mask] if len(self.severity) else self.severity
        return replace(self, division=self.division[mask], parts=self.parts[mask], bucket=bucket, label=label,
                       severity=severity)


def joined(one: Contribution, other: Contribution) -> Contribution:
    """The rows of two contributions to one metric."""
    names = ("division", "parts", "bucket", "label", "severity")
    columns: dict[str, Any] = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names}
    return replace(one, **columns)


_START = {"sum": 0.0, "max": -np.inf, "min": np.inf}


def _join(reduce: str, target: Array, where: Array, parts: Array) -> None:
    if reduce == "sum":
        np.add.at(target, where, parts)
    elif reduce == "max":
        np.maximum.at(target, where, parts)
    else:
        np.minimum.at(target, where, parts)


def _finished(found: Contribution, parts: Array, rows: Array) -> Array:
    values = np.full(len(rows), np.nan)
    ready = np.flatnonzero((rows > 0) | found.zero)
    clean = np.where(np.isfinite(parts[ready]), parts[ready], 0.0)
    if len(ready):
        values[ready] = found.finish(clean)
    return values


def by_group(found: Contribution, group: Array, count: int) -> tuple[Array, Array]:
    """Values (count,) and numbers of rows (count,) of groups 0…count-1; `group` is each row's group."""
    parts = np.full((count, found.parts.shape[1]), _START[found.reduce])
    _join(found.reduce, parts, group, found.parts)
    rows = np.bincount(group, minlength=count)
    return _finished(found, parts, rows), rows


def by_division(found: Contribution, divisions: Divisions) -> tuple[Array, Array]:
    """Values and numbers of rows of every division, children rolled up into parents; made once per contribution."""
    if "divisions" not in found.held:
        found.held["divisions"] = _rolled_up(found, divisions)
    values, rows = found.held["divisions"]
    return values, rows


def _rolled_up(found: Contribution, divisions: Divisions) -> tuple[Array, Array]:
    parts = np.full((len(divisions), found.parts.shape[1]), _START[found.reduce])
    _join(found.reduce, parts, found.division, found.parts)
    rows = np.bincount(found.division, minlength=len(divisions)).astype(float)
    deepest = int(divisions.level.max()) if found.rolls_up else 0
    for level in range(deepest, 0, -1):
        at = divisions.at_level(level)
        _join(found.reduce, parts, divisions.parent[at], parts[at])
        np.add.at(rows, divisions.parent[at], rows[at])
    return _finished(found, parts, rows), rows.astype(int)


def worst_of(found: Contribution, divisions: Divisions) -> Array:
    """Greatest severity in every division and below it, -1 where there is no row."""
    worst = np.full(len(divisions), -1)
    np.maximum.at(worst, found.division, found.severity)
    for level in range(int(divisions.level.max()), 0, -1):
        at = divisions.at_level(level)
        np.maximum.at(worst, divisions.parent[at], worst[at])
    return worst
