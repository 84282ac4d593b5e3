"""Small pieces of every screen: states, freshness, changes, figures, messages. Every value is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from data.answers import FRESHNESS_WORDS, Answer
from layouts import words
from layouts.screen import Context
from layouts.symbols import icon

STATE_WORDS = {"ok": "正常", "att": "关注", "warn": "预警", "alarm": "告警"}
STATE_RANK = {"": 0, "ok": 0, "att": 1, "warn": 2, "alarm": 3}
EMPTY = Markup("")
FRESH = ("live", "scheduled")


def join(pieces: Iterable[object], between: str = "") -> Markup:
    """Escaped pieces in a row."""
    return escape(between).join(escape(piece) for piece in pieces)


def state_mark(state: str | None, word: object | None = None) -> Markup:
    """Shape, colour and word of a state; `word` "" leaves the shape alone (its word stays for screen readers)."""
    key = state if state in STATE_WORDS else "ok"
    shown = STATE_WORDS[key] if word is None else word
    said = EMPTY if shown else Markup(' role="img" aria-label="{0}" title="{0}"').format(STATE_WORDS[key])
    return Markup('<span class="st st-{}"{}>{}{}</span>').format(key, said, icon(f"s-{key}"), shown)


def known(answer: Answer) -> bool:
    """True when an answer holds any figure, word or record: a series or groups of nothing are nothing."""
    values = [answer.value, *(point.value for point in answer.series), *(group.value for group in answer.groups)]
    return any(value is not None for value in values) or any((answer.text, answer.rows, answer.parts.get("name")))


def fresh_mark(answer: Answer, context: Context, with_time: bool = True) -> Markup:
    """Freshness of an answer with its data time; the browser re-judges it by the data-* attributes.

    A source may be on time and still have nothing for this division: that is unknown, not live.
    """
    if answer.question.kind == "metric" and answer.freshness in FRESH and not known(answer):
        return fresh_word("unknown", (0, 0), answer.cadence_s)
    time_us = words.to_us(answer.time) if answer.time else 0
    tail = ""
    if with_time:
        tail = answer.parts.get("period", "") if answer.freshness == "scheduled" else ""
        tail = words.period(str(tail)) if tail else (words.moment(time_us, context.place.timezone, context.now_us)
                                                     if time_us else words.NONE)
    return fresh_word(answer.freshness, times_us(answer), answer.cadence_s, tail)


def times_us(answer: Answer) -> tuple[int, int]:
    """(data time, last contact) by the present clock, from which ages may be taken; 0 = never."""
    at = words.to_us(answer.time) + answer.stepped_us if answer.time else 0
    return at, answer.contact_us or at


def fresh_word(freshness: str, instants: tuple[int, int], cadence_s: float, tail: str = "") -> Markup:
    """The mark itself; `instants` = (data time, last contact) in µs, 0 = never."""
    key = freshness if freshness in FRESHNESS_WORDS else "unknown"
    shape = "f-live" if key == "scheduled" else f"f-{key}"
    return Markup('<span class="fr fr-{0}" data-fresh="{0}" data-time="{1}" data-contact="{2}" data-cadence="{3:g}" '
                  'data-scheduled="{4}">{5}<span class="fw">{6}</span>{7}</span>').format(
        key, *instants, cadence_s, int(key == "scheduled"), icon(shape), FRESHNESS_WORDS[key],
        Markup('<span class="ft">·{}</span>').format(tail) if tail else EMPTY)


def stations_mark(answers: Iterable[Answer]) -> Markup:
    """How many stations are in the figures, of how many: the worst of them; amber with a sign where too few."""
    held = [answer.stations for answer in answers if answer.stations is not None and answer.stations.known]
    if not held:
        return EMPTY
    found = min(held, key=lambda one: (one.enough, one.told / one.known, -one.known))
    text = f"{found.told}/{found.known} 站"
    if found.enough:
        return Markup('<span class="cov" title="在报站点/全部站点">{}</span>').format(text)
    return Markup('<span class="cov cov-low st-att" title="在报站点太少，不能代表全部">{}{}</span>').format(
        icon("s-att"), text)


def change_mark(answer: Answer, word: str | None = None) -> Markup:
    """Word of the comparison (`word`: a shorter one), arrow, sign, unit: 较昨日 ▼ −62; nothing without a comparison."""
    change = answer.change
    if change is None:
        return EMPTY
    text = words.signed(change.value, words.difference_decimals(change.unit, answer.decimals))
    flat = text == "持平"
    arrow = "a-eq" if flat else "a-up" if change.value > 0 else "a-dn"
    return Markup('<span class="chg">{}{}{}{}</span>').format(change.word if word is None else word, icon(arrow), text,
                                                              "" if flat else _unit(change.unit))


def _unit(unit: str) -> str:
    return unit if unit in ("%", "百分点", "") else f" {unit}"


def figure_text(answer: Answer) -> Markup:
    """A value with its smaller unit; a word (answer.text) stands as it is."""
    if answer.value is None and answer.text:
        return escape(answer.text)
    return Markup("{}<small>{}</small>").format(words.value(answer, answer.value),
                                                answer.unit if answer.value is not None else "")


def with_unit(value: float | None, unit: str, decimals: int = 0) -> Markup:
    """A bold figure with its unit for a table's cell."""
    return Markup('<b>{}</b><span class="u">{}</span>').format(words.number(value, decimals),
                                                               unit if value is not None else "")


def elapsed(since_us: int, now_us: int, form: str = "long") -> Markup:
    """Time since an instant; the browser counts on. form: long | short."""
    text = (words.short_age if form == "short" else words.age)((now_us - since_us) / 1e6)
    return Markup('<span class="age" data-since="{}" data-form="{}">{}</span>').format(since_us, form, text)


def chip(text: object, css: str = "chip-plain") -> Markup:
    """A short word in a frame."""
    return Markup('<span class="chip {}">{}</span>').format(css, text)


def demo_chip() -> Markup:
    """The mark of invented figures."""
    return chip("演示数据", "chip-plain demo")


def empty(sign: str, say: object, sub: object = "") -> Markup:
    """A calm message in place of a body."""
    below = Markup('<div class="note mt">{}</div>').format(sub) if sub else EMPTY
    return Markup('<div class="empty">{}<div class="say">{}</div>{}</div>').format(icon(sign), say, below)


def calm(answer: Answer, say: object, sub: object = "") -> Markup:
    """Nothing to report; but silence of a late source is no proof of calm, and says so."""
    if answer.freshness in ("live", "scheduled"):
        return empty("e-calm", say, sub)
    return empty("e-none", "停更期间不能判断", "来源恢复前，没有记录不等于没有情况")


def banner(sign: str, text: object, action: object = "") -> Markup:
    """A dashed strip over a body: since when it is not what it should be, and what to do."""
    right = Markup('<span class="push">{}</span>').format(action) if action else EMPTY
    return Markup('<div class="banner">{}<span class="bt">{}</span>{}</div>').format(icon(sign), text, right)


def skeleton() -> Markup:
    """Grey bars while the first answer is under way."""
    return Markup('<div class="skeleton" aria-label="正在载入">{}</div>').format(
        Markup("").join(Markup('<i class="w{}"></i>').format(k) for k in (3, 5, 4, 5, 2)))


def axis_note(left: object, right: object = "") -> Markup:
    """The small line under a chart or table."""
    push = Markup('<span class="push">{}</span>').format(right) if right else EMPTY
    return Markup('<div class="axis-note"><span class="an">{}</span>{}</div>').format(left, push)


def headline(figure: object, unit: object, lines: Iterable[object]) -> Markup:
    """A large figure on the left, at most two lines of notes on the right."""
    notes = Markup("").join(Markup("<div>{}</div>").format(line) for line in lines if line)
    return Markup('<div class="row top"><div class="fig">{}<small>{}</small></div>'
                  '<div class="push r note">{}</div></div>').format(
        figure, unit, notes)


def two_facts(facts: Iterable[tuple[object, object]]) -> Markup:
    """Facts side by side under a message: (label, value)."""
    cells = Markup("").join(Markup('<div><div class="note q">{}</div>'
                                   '<div class="lbl b fact">{}</div></div>').format(*fact)
                            for fact in facts)
    return Markup('<div class="days">{}</div>').format(cells)
