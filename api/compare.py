"""The other side of a view: another instant, window or metric on a second map, or divisions against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.mapstate import map_state
from api.web import Web
from data.answers import Answer, Question, Scope, Window
from data.errors import NotFound, WrongInput, YipingError
from data.windows import before, earlier, instant, window_of
from layouts import asks, words
from layouts.compared import Column, Comparison, Line, Side
from layouts.comparing import BEFORE, EARLIER, Asked, asked, look_of
from layouts.mapcards import WINDOW_WORDS, map_metric
from layouts.regions import map_questions
from layouts.screen import Context, Screen
from layouts.view import WINDOWS, ViewState

Read = Callable[[Question, Scope, Window], Answer]
# An instant that follows the clock does so in steps: each is read from history once, however many look at it.
STEP = timedelta(minutes=10)
INSTANT_WORDS = {"yesterday": "昨天此时", "last_week": "上周此时", "last_month": "上月此时", "last_year": "去年此时"}
SPAN_WORDS = {"previous": "前一时段", "yesterday": "昨天同期", "last_week": "上周同期", "last_month": "上月同期",
              "last_year": "去年同期"}
COURSE_DAYS = 14
UNTOLD = "未知"


@dataclass(frozen=True)
class Shown:
    """A view that is being answered: its own scope and window, and its way to the gate."""

    web: Web
    screen: Screen
    context: Context
    query: dict[str, str]
    scope: Scope
    window: Window
    read: Read

    @property
    def view(self) -> ViewState:
        """The view itself."""
        return self.context.view

    @property
    def zone(self) -> str:
        """The place's time zone."""
        return self.web.pack.place.timezone


@dataclass(frozen=True)
class Other:
    """What the second map shows: a view of its own, its window, and what the first and the second are called.

    `more`: the second's instant, where its name alone does not say it.
    """

    view: ViewState
    window: Window
    here: str
    name: str
    more: str = ""


def compare(shown: Shown, answers: dict[str, Answer]) -> tuple[Comparison | None, ViewState | None]:
    """The comparison of a view with what it has answered itself, and the view of its second map.

    What cannot be compared says why in the comparison's `problem`; the view itself is answered all the same.
    """
    look = look_of(shown.view.split)
    try:
        found = asked(shown.view.compare)
        if found is None or shown.screen.plain:
            return None, None
        if found.kind == "divisions":
            return _divisions(shown, found), None
        other = other_of(shown, found)
        own = {name: answers[name] for name in answers if name == "map" or name.startswith("map.")}
        theirs = {name: shown.read(question, shown.scope, other.window)
                  for name, question in map_questions(shown.screen, other.view)}
        label = f"{other.name} {other.more}".strip()
        sides = (Side(other.here, other.here, _span(shown, shown.window), own),
                 Side(other.name, label, _span(shown, other.window), theirs))
    except YipingError as error:
        return Comparison(None, look, problem=str(error)), None
    places = {group.code: group.name for side in sides for group in side.answer.groups}
    return Comparison(found, look, sides, places=places, classes=shown.view.map.classes), other.view


def other_of(shown: Shown, found: Asked) -> Other:
    """The second side of a comparison of instants, windows or metrics.

    Raises:
        WrongInput: it lies in the future or is no other than the view itself. NotFound: no such metric.
    """
    if found.kind == "metric":
        return _metric(shown, found.words[0])
    if found.kind == "at":
        return _instant(shown, found.words[0])
    return _window(shown, found)


def _metric(shown: Shown, name: str) -> Other:
    pack, own = shown.web.pack, map_metric(shown.screen, shown.view)
    if name not in pack.metrics:
        raise NotFound(f"没有指标 {name!r:.40}；请在对比工具中另选一个")
    if name == own:
        raise WrongInput(f"两侧是同一指标 {pack.metrics[own].name}；请另选一个指标")
    view = replace(shown.view, map=replace(shown.view.map, metric=name))
    if map_metric(shown.screen, view) != name:
        raise WrongInput(f"本屏地图不显示{pack.metrics[name].name}；请在对比工具中另选一个")
    return Other(view, shown.window, pack.metrics[own].name, pack.metrics[name].name)


def _instant(shown: Shown, word: str) -> Other:
    now = shown.web.clock.now()
    if word in EARLIER:
        moment = earlier(shown.window.at or _stepped(now), word, shown.zone)
    else:
        moment = instant(word, ZoneInfo(shown.zone), "compare=at")
    if moment == shown.window.at:
        raise WrongInput("两侧是同一时刻；请另选一个对比时刻")
    if moment >= now:
        raise WrongInput(f"对比时刻 {_moment(shown, moment)} 在将来；请选一个过去的时刻")
    text = _local(shown, moment)
    window = window_of({**shown.query, "at": text}, now, shown.zone, shown.screen.window)
    told, view = _moment(shown, moment), replace(shown.view, at=text)
    if word not in INSTANT_WORDS:
        return Other(view, window, _here(shown), told)
    return Other(view, window, _here(shown), INSTANT_WORDS[word], told)


def _window(shown: Shown, found: Asked) -> Other:
    query = {name: value for name, value in shown.query.items() if name not in ("from", "to", "window")}
    word, now = found.words[0], shown.web.clock.now()
    if found.kind == "span":
        query |= {"from": found.words[0], "to": found.words[1]}
        window, label = window_of(query, now, shown.zone), ""
    elif word in BEFORE:
        base = replace(shown.window, start=_minute(shown.window.start), end=_minute(shown.window.end))
        window, label = before(base, word, shown.zone), SPAN_WORDS[word]
    elif word in WINDOWS:
        query["window"] = word
        window, label = window_of(query, now, shown.zone), WINDOW_WORDS.get(word, word)
    else:
        raise WrongInput(f"对比时段 {word!r:.20} 不认识；请在对比工具中重新选择")
    if window.start >= now:
        raise WrongInput(f"对比时段 {_span(shown, window)} 在将来；请选一个过去的时段")
    if (window.start, window.end) == (shown.window.start, shown.window.end) or window.name == shown.window.name != "":
        raise WrongInput("两侧是同一时段；请另选一个对比时段")
    relative = bool(window.name)
    view = replace(shown.view, window=window.name or shown.view.window, start="" if relative else _local(
        shown, window.start), end="" if relative else _local(shown, window.end))
    return Other(view, window, _named(shown, shown.window), label or "对比时段")


def _here(shown: Shown) -> str:
    return f"回放 {_moment(shown, shown.window.at)}" if shown.window.at else "现在"


def _named(shown: Shown, window: Window) -> str:
    return WINDOW_WORDS.get(window.name, "") or "本时段"


def _stepped(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % STEP.total_seconds())


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _local(shown: Shown, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(shown.zone)).isoformat(timespec="seconds")


def _moment(shown: Shown, moment: datetime) -> str:
    return words.moment(words.to_us(moment), shown.zone, shown.web.clock.now_us())


def _span(shown: Shown, window: Window) -> str:
    return f"{_moment(shown, window.start)} 至 {_moment(shown, window.end)}"


def lines_of(web: Web, screen: Screen, view: ViewState) -> tuple[Line, ...]:
    """The rows of the table: the screen's figures, the map's metric, and what the pack declares of them per head."""
    keys = [*(figure.metric for figure in screen.figures), map_metric(screen, view)]
    labels = {figure.metric: figure.label for figure in screen.figures if figure.label}
    per_head = [key for key, metric in web.pack.metrics.items()
                if metric.formula.get("kind") == "per" and metric.formula.get("whole") == "population"
                and metric.formula.get("part") in keys]
    metrics = web.pack.metrics
    held = [(key, metrics[key]) for key in dict.fromkeys([*keys, *per_head]) if key in metrics]
    return tuple(Line(key, labels.get(key) or metric.name, metric.direction if metric.comparable else "")
                 for key, metric in held)


def _divisions(shown: Shown, found: Asked) -> Comparison:
    lines = lines_of(shown.web, shown.screen, shown.view)
    return Comparison(found, lines=lines, columns=tuple(_column(shown, code, lines) for code in found.words))


def _column(shown: Shown, code: str, lines: tuple[Line, ...]) -> Column:
    divisions = shown.web.pack.divisions
    if code not in divisions:
        return Column(code, code[:20], problem=f"没有区划 {code:.20}")
    scope = replace(shown.scope, division=code)
    # The gate decides first: of a division that may not be read nothing is told, not even its population.
    card = shown.read(asks.PROFILE, scope, shown.window)
    if not card.parts:
        return Column(code, divisions.get(code).name, problem=card.note or "没有这个区划的资料")
    figures = {line.key: shown.read(asks.now(line.key), scope, shown.window) for line in lines}
    courses = {line.key: shown.read(asks.last(line.key, "day", COURSE_DAYS), scope, shown.window) for line in lines}
    return Column(code, divisions.get(code).name, {**figures, "profile": card}, courses)


def questions_of(web: Web, screen: Screen, view: ViewState) -> Iterator[Question]:
    """What a comparison asks beyond the view itself, so that the view is made again when any of it changes."""
    kind, _, rest = view.compare.partition(":")
    if screen.plain:
        return
    if kind == "metric" and rest in web.pack.metrics:
        yield Question("metric", rest)
    if kind == "divisions":
        yield asks.PROFILE
        yield from (asks.now(line.key) for line in lines_of(web, screen, view))


def map_of(shown: Shown, answers: dict[str, Answer], found: Comparison | None,
           other: ViewState | None) -> dict[str, Any]:
    """The map's JSON; of a comparison with its second side, how it is shown and what each place says on either."""
    web, screen = shown.web, shown.screen
    if found is None or not found.sides or other is None:
        state = map_state(web, screen, shown.context, answers)
        chosen = [column.code for column in found.columns] if found is not None else []
        return {**state, "compare": {"look": "", "chosen": chosen}} if chosen else state
    # Where the difference is shown nothing else tells the values of very many cells.
    colors = [replace(one, by_limits=one.by_limits and not found.shows_difference) for one in found.shadings]
    here = map_state(web, screen, shown.context, answers, colors[0])
    there = map_state(web, screen, replace(shown.context, view=other), answers | found.sides[1].answers, colors[1])
    change = map_state(web, screen, shown.context, answers, found.change_shading) if found.subtracts else None
    steps = {code: text for code, (_, text) in change["values"].items()} if change else {}
    told = {"look": found.drawn, "labels": [side.label for side in found.sides], "chosen": [], "steps": steps}
    if change is None or not found.shows_difference:
        return {**here, "compare": told, "other": there}
    both = {code: [side["values"].get(code, (0, UNTOLD))[1] for side in (here, there)] for code in steps}
    # Neither points nor their density: what is drawn is the difference, and the legend names nothing else.
    plain = {name: sheet for name, sheet in change["overlays"].items() if name != "heat"}
    return {**change, "marks": {}, "points": [], "overlays": plain, "compare": {**told, "texts": both}}
