"""What stands over two compared maps: what each side is, how they are shown, shared or own legends, the way back."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from layouts import words
from layouts.choropleth import Shading
from layouts.compared import Comparison, Side
from layouts.comparing import DIFFERENCE, SIDE, SLIDER
from layouts.links import anchor
from layouts.parts import EMPTY, fresh_mark, join
from layouts.screen import Context

LOOK_WORDS = {SIDE: "并排", SLIDER: "滑动", DIFFERENCE: "差值"}
LEAVE: dict[str, str | None] = {"compare": None, "split": None, "cut": None}


def strip(context: Context) -> Markup:
    """The line under the two maps: each side's facts, the choice of look, and the end of the comparison."""
    found = context.compared
    if found is None:
        return EMPTY
    if found.problem:
        return Markup('<div class="side-bad" role="status">{}{}</div>').format(found.problem, end(context))
    if not found.sides:
        return EMPTY
    here, there = found.sides
    middle = Markup('<div class="looks" role="group" aria-label="对比方式">{}{}</div>').format(looks(found, context),
                                                                                        end(context))
    return caption(here, "here", context) + middle + caption(there, "there", context)


def caption(side: Side, css: str, context: Context) -> Markup:
    """What one side is: its name; metric, window, source, data time and freshness."""
    answer = side.answer
    if answer.note and not answer.groups:
        facts = answer.note
    else:
        facts = join(filter(None, [side.span, answer.name if side.label != answer.name else "", answer.source]), "·")
    return Markup('<div class="side-cap {}"><b>{}</b>{}<span title="{}">{}</span></div>').format(
        css, side.label, fresh_mark(answer, context), facts, facts)


def looks(found: Comparison, context: Context) -> Markup:
    """Side by side, slider, difference; the last one only where the figures can be subtracted."""
    keys = [key for key in LOOK_WORDS if key != DIFFERENCE or found.subtracts]
    return EMPTY.join(anchor(context, {"split": None if key == SIDE else key}, LOOK_WORDS[key],
                             "ctl on" if key == found.drawn else "ctl", key == found.drawn) for key in keys)


def end(context: Context) -> Markup:
    """The one act that leads back to the plain map."""
    return anchor(context, LEAVE, "结束对比", "ctl end")


def legends(found: Comparison, level_word: str) -> Markup:
    """One legend with both sides' counts where they share classes, the difference's own, or one each."""
    here, there = found.sides
    if found.shows_difference:
        unit = "百分点" if here.answer.unit == "%" else here.answer.unit
        return _one(f"{here.answer.name}差值" + (f"（{unit}）" if unit else ""), found.change_shading, level_word,
                    f"{here.name}减{there.name}：{tally(found)}")
    if found.same_metric:
        return _both(_named(here), found, level_word)
    left, right = (_one(f"{mark} {_named(side)}", shading, level_word)
                   for mark, side, shading in zip("左右", found.sides, found.shadings, strict=True))
    return left + Markup('<div class="there">{}</div>').format(right)


def tally(found: Comparison) -> str:
    """How many rose, fell, stayed equal, are unknown."""
    told = zip(("升", "降", "平", "未知"), found.differences.counts, strict=True)
    return "·".join(f"{word} {words.number(count)}" for word, count in told)


def _named(side: Side) -> str:
    return f"{side.answer.name}（{side.answer.unit}）" if side.answer.unit else side.answer.name


def _one(title: str, shading: Shading, level_word: str, note: str = "") -> Markup:
    rows = EMPTY.join(_row(token, told, f"{count} 个") for token, told, count in shading.legend)
    below = Markup('<div class="blind">{}</div>').format(note) if note else EMPTY
    return Markup('<div class="legend"><h3>{}·按{}</h3>{}{}</div>').format(title, level_word, rows, below)


def _both(title: str, found: Comparison, level_word: str) -> Markup:
    left, right = found.shadings
    pairs: Sequence[tuple[str, str, int, int]] = [
        (token, told, count, other) for (token, told, count), (_, _, other)
        in zip(left.legend, right.legend, strict=True)]
    rows = EMPTY.join(_row(token, told, f"{count} / {other} 个") for token, told, count, other in pairs)
    return Markup('<div class="legend"><h3>{}·按{}</h3>{}<div class="q">{}</div></div>').format(
        title, level_word, rows or Markup("<div>暂无数据</div>"), f"两侧同一分级，个数为左 / 右；{left.method}")


def _row(token: str, told: str, count: str) -> Markup:
    return Markup('<div><span class="sw {}"></span>{}<span class="n">{}</span></div>').format(token, told, count)
