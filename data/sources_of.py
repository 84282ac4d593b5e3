"""Which feeds an answer rests on: it is computed anew when one of them tells something, and is as fresh as they are."""

from __future__ import annotations

from data.answers import Question
from data.feed_desk import NAMES as DESK
from data.live import CHANGED
from data.pack import Metric, Pack, told_by


class SourcesOf:
    """Feeds of the questions and metrics of a pack."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def question(self, question: Question) -> tuple[str, ...]:
        """Feeds a question's answer depends on."""
        if question.kind == "metric" and question.name in self._pack.metrics:
            return self.moving(self._pack.metrics[question.name])
        if question.kind == "profile":
            return self.metric(self._pack.metrics["population"]) if "population" in self._pack.metrics else ()
        if question.kind == "layers":
            return tuple(self._pack.feeds)
        if question.name in DESK:
            return (CHANGED,)
        kinds = {"events": "event", "warnings": "warning"}
        return self.of_kind(kinds.get(question.name) or kinds.get(question.kind) or "asset")

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Feeds that deliver records of these kinds."""
        return tuple(key for key, feed in self._pack.feeds.items() if feed.kind in kinds)

    def moving(self, metric: Metric) -> tuple[str, ...]:
        """The feeds whose records a metric counts, itself or in one of its sides."""
        counted = [told_by(each, self._pack.feeds) for each in (metric, *self._sides(metric))]
        return tuple(dict.fromkeys(feed for feeds in counted for feed in feeds))

    def metric(self, metric: Metric) -> tuple[str, ...]:
        """The feeds by whose freshness a metric is judged, its sides' with them."""
        more = [feed for side in self._sides(metric) for feed in side.feeds]
        return tuple(dict.fromkeys([*metric.feeds, *more]))

    def _sides(self, metric: Metric) -> list[Metric]:
        """The metrics that a ratio is made of."""
        return [self._pack.metrics[metric.formula[side]] for side in ("part", "whole")
                if metric.formula.get(side) in self._pack.metrics]
