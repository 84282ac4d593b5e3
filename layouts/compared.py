"""What a comparison has found, ready to be drawn: two sides of the map, or some divisions against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from analysis.difference import Differences, differences
from data.answers import Answer
from layouts.choropleth import Shading, shade
from layouts.comparing import DIFFERENCE, SIDE, Asked
from layouts.paired import pooled, shade_difference

Answers = dict[str, Answer]


@dataclass(frozen=True)
class Side:
    """One of the two: `name` in short (现在, 昨天此时, a metric), `label` with its instant, `span` its window in words.

    `answers` are by the names of a view's own map: map, map.number, map.warn, map.att.
    """

    name: str
    label: str
    span: str
    answers: Answers

    @property
    def answer(self) -> Answer:
        """What the map is colored by."""
        return self.answers["map"]


@dataclass(frozen=True)
class Line:
    """One row of the table of divisions: `key` of its answers; `direction`: higher | lower is better, '' = neither."""

    key: str
    label: str
    direction: str = ""


@dataclass(frozen=True)
class Column:
    """One division: its answers by the keys of the lines, what each was over time, or why it cannot be shown."""

    code: str
    name: str
    figures: Answers = field(default_factory=dict)
    courses: Answers = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """The comparison of a view. `sides`: none or two; `problem`: one sentence where it cannot be made.

    `places`: code → name of the places on the map, for lists of what changed. `classes`: the reader's choice of limits.
    """

    asked: Asked | None
    look: str = SIDE
    sides: tuple[Side, ...] = ()
    lines: tuple[Line, ...] = ()
    columns: tuple[Column, ...] = ()
    places: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    classes: str = ""

    @property
    def same_metric(self) -> bool:
        """True where both sides show one metric, so that they share classes."""
        return bool(self.sides) and self.sides[0].answer.question.name == self.sides[1].answer.question.name

    @property
    def subtracts(self) -> bool:
        """True where one side may be taken from the other: figures of one unit and one level."""
        if not self.sides:
            return False
        now, then = (side.answer for side in self.sides)
        return now.unit == then.unit and (self.same_metric or now.parts.get("level") == then.parts.get("level"))

    @property
    def shows_difference(self) -> bool:
        """True where the map is colored by the difference."""
        return self.drawn == DIFFERENCE

    @property
    def drawn(self) -> str:
        """How the map is drawn: side | slider | difference; '' for the plain map.

        What cannot be subtracted stands side by side instead of its difference.
        """
        if not self.sides:
            return ""
        return SIDE if self.look == DIFFERENCE and not self.subtracts else self.look

    @cached_property
    def differences(self) -> Differences:
        """What every place changed by, nothing where the two cannot be subtracted."""
        if not self.subtracts:
            return Differences({})
        now, then = ({group.code: group.value for group in side.answer.groups} for side in self.sides)
        return differences(now, then, self.sides[0].answer.decimals)

    @cached_property
    def shadings(self) -> tuple[Shading, ...]:
        """The classes of each side, pooled where both show one metric."""
        answers = [side.answer for side in self.sides]
        if self.same_metric:
            return pooled(answers, self.classes)
        return tuple(shade(answer, self.classes) for answer in answers)

    @cached_property
    def change_shading(self) -> Shading:
        """The classes of the difference."""
        return shade_difference(self.differences, self.sides[0].answer)
