"""What a formula may look at: the tables, the metric, the window and the buckets asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from data.columns import Array
from data.contribution import Contribution
from data.event_table import EventTable
from data.observation_table import Buckets, ObservationTable
from data.pack import Feed, Metric, told_by
from data.small_tables import AssetTable, IndicatorTable, WarningTable
from data.steps import bucket_start
from geo.divisions import Divisions


class Tables(Protocol):
    """The current records of a place, in memory."""

    divisions: Divisions
    events: EventTable
    observations: dict[str, ObservationTable]
    indicators: IndicatorTable
    assets: AssetTable
    warnings: WarningTable
    events_since: int

    def past_events(self) -> EventTable:
        """Events that ended before `events_since`, which `events` does not hold."""
        ...

    def event_feeds(self) -> tuple[str, ...]:
        """The feeds that history has events of."""
        ...

    def whole_events(self, events: Mapping[str, Sequence[str]]) -> EventTable:
        """Events (feed → ids) with their texts, whatever their age."""
        ...

    def buckets(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Any) -> list[Buckets]:
        """Aggregates per station and bucket of each metric, from memory and, for what is older, from history."""
        ...

    def latest(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Any) -> list[Buckets]:
        """The newest value of each station in the span, of each metric."""
        ...

    def delivered(self, feeds: tuple[str, ...]) -> bool:
        """True if any of the feeds ever delivered."""
        ...


@dataclass(frozen=True)
class Inputs:
    """One evaluation. Instants in µs UTC; window [start, end); step 0 = no buckets; offset = local time's.

    moving: the window follows the clock.
    """

    tables: Tables
    metric: Metric
    feeds: Mapping[str, Feed]
    metrics: Mapping[str, Metric]
    formulas: Mapping[str, Formula]
    start: int
    end: int
    step: int = 0
    offset: int = 0
    filters: tuple[tuple[str, str], ...] = ()
    group: str = ""
    moving: bool = False

    @property
    def until(self) -> int:
        """End for what is asked at an instant: a window that ends now holds what was taken this very moment."""
        return self.end + self.moving

    @cached_property
    def told_by(self) -> frozenset[str]:
        """The feeds whose records the metric counts."""
        return frozenset(told_by(self.metric, self.feeds))

    def option(self, name: str, default: Any = None) -> Any:
        """A parameter of the metric's formula."""
        return self.metric.formula.get(name, default)

    def of(self, metric: str) -> Inputs:
        """The same evaluation of another metric."""
        return replace(self, metric=self.metrics[metric])

    def bucket(self, times: Array) -> Array:
        """Bucket start of each time, aligned with local time; all `start` without a step."""
        if not self.step:
            return times * 0 + self.start
        return bucket_start(times, self.step, self.offset)


class Formula(Protocol):
    """A formula kind: inputs → what every record contributes."""

    def __call__(self, inputs: Inputs) -> Contribution:
        """What every record contributes."""
        ...
