"""Tables, bars and heat maps: rows in, markup out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from layouts import words

EMPTY = Markup("")


@dataclass(frozen=True)
class Column:
    """A column's head; `right` aligns figures, `wide` takes what is left and ends with … when too long.

    `optional` goes first where there is little room (phone), `second` on desks too.
    """

    head: str
    right: bool = False
    wide: bool = False
    optional: bool = False
    second: bool = False

    @property
    def css(self) -> str:
        """Classes of its cells."""
        return " ".join(word for word, on in (("r", self.right), ("el", self.wide), ("opt", self.optional),
                                    ("snd", self.second)) if on)


@dataclass(frozen=True)
class Cut:
    """A text that is shown to so many letters, in full on hovering; `tag`: (a word, what it means) beside it.

    `brief`: the letters there is room for on a wall, where that is less (0 = as many).
    """

    text: str
    most: int
    tag: tuple[str, str] | None = None
    brief: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], css: str = "", most: int = 0) -> Markup:
    """A table that fills its panel; rows from `most` on are shown only where there is room for them (a wide wall)."""
    head = EMPTY.join(Markup('<th class="{}" scope="col">{}</th>').format(c.css.replace("el", "").strip(), c.head)
                      for c in columns)
    body = EMPTY.join(Markup("<tr{}>{}</tr>").format(
        Markup(' class="spare"') if 0 < most <= number else "",
        EMPTY.join(_cell(c, v) for c, v in zip(columns, row, strict=True))) for number, row in enumerate(rows))
    few = " few" if len(rows) < 4 else ""
    return Markup('<div class="tb"><table class="fill{}"><thead><tr>{}</tr></thead>'
                  '<tbody>{}</tbody></table></div>').format(
        f" {css}{few}" if css else few, head, body)


def _cell(column: Column, value: object) -> Markup:
    if isinstance(value, Cut):
        tag = Markup(' <span class="tag">{}</span>').format(value.tag[0]) if value.tag else EMPTY
        title = f"{value.text}：{value.tag[1]}" if value.tag else value.text
        shown: object = words.short(value.text, value.most)
        if 0 < value.brief < len(value.text):
            shown = Markup('<span class="roomy">{}</span><span class="brief">{}</span>').format(
                shown, words.short(value.text, value.brief))
        return Markup('<td class="{}" title="{}">{}{}</td>').format(column.css, title, shown, tag)
    if column.wide:
        return Markup('<td class="{}" title="{}">{}</td>').format(column.css, plain(value), value)
    return Markup('<td class="{}">{}</td>').format(column.css, value)


def data_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """The figures behind a chart as a plain table, shown instead of it on demand and read by screen readers."""
    top = EMPTY.join(Markup('<th scope="col">{}</th>').format(h) for h in head)
    body = EMPTY.join(Markup("<tr>{}</tr>").format(EMPTY.join(Markup("<td>{}</td>").format(v) for v in row))
                      for row in rows)
    return Markup('<div class="asdata"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(top,
                                                                                                                 body)


@dataclass(frozen=True)
class Bar:
    """One bar: `value` and `tick` share the axis; `css` is "", hi, f-att, f-warn or f-alarm."""

    name: object
    value: float | None
    text: object
    tick: float | None = None
    css: str = ""
    extra: object | None = None


def text_rem(text: object) -> float:
    """Width of a label in rem: a Chinese letter counts .9375, a comma .3, m .85, another .56, an icon one."""
    icons = str(escape(text)).count("<svg")
    wide = {".": .3, ",": .3, "m": .85, "M": .85, "W": .85}
    return sum(.9375 if ord(c) > 0x2000 else wide.get(c, .56) for c in plain(text)) + icons * .94


def plain(value: object) -> str:
    """The words of a piece of markup, for titles and widths; escaped again when they are put in."""
    return escape(value).striptags()


def bars(rows: Sequence[Bar], cap: float, low: float = 0.0, name_rem: float = 0.0, most_rem: float = 9.4) -> Markup:
    """Horizontal bars from `low` to `cap` with values at the right; names take `name_rem` to `most_rem`."""
    span = (cap - low) or 1.0
    value_rem = max((text_rem(row.text) for row in rows), default=0) + .7
    extra_rem = max((text_rem(row.extra) * .94 for row in rows if row.extra is not None), default=-.7) + .7
    longest = max((text_rem(row.name) for row in rows), default=0) + .6
    widths = (min(max(name_rem, longest), most_rem), value_rem, extra_rem)
    return Markup('<div class="bars{}">{}</div>').format(
        " few" if len(rows) < 4 else "", EMPTY.join(_bar(row, low, span, widths) for row in rows))


def _bar(row: Bar, low: float, span: float, widths: tuple[float, float, float]) -> Markup:
    fill = EMPTY
    if row.value is not None:
        fill = Markup('<i class="{}" style="width:{:.1f}%"></i>').format(row.css, _share(row.value, low, span))
    tick = Markup('<u style="left:{:.1f}%"></u>').format(_share(row.tick, low, span)) if row.tick is not None else EMPTY
    extra = (Markup('<span class="x" style="width:{:.2f}rem">{}</span>').format(widths[2], row.extra)
             if row.extra is not None else EMPTY)
    return Markup('<div class="bar"><span class="n" style="width:{:.2f}rem" title="{}">{}</span>'
                  '<span class="trk">{}{}</span>'
                  '<span class="v" style="width:{:.2f}rem">{}</span>{}</div>').format(
        widths[0], plain(row.name), row.name, fill, tick, widths[1], row.text, extra)


def _share(value: float, low: float, span: float) -> float:
    return min(100.0, max(0.0, 100 * (value - low) / span))


def heat(rows: Sequence[tuple[str, Sequence[float | None]]], labels: dict[int, str], breaks: Sequence[float]) -> Markup:
    """A grid of shades: rows of (name, cells); `labels` names columns; unknown cells are hatched."""
    cells = max((len(values) for _, values in rows), default=0)
    pieces = []
    for name, values in rows:
        pieces.append(Markup("<b>{}</b>").format(name))
        pieces += [_shade(value, breaks) for value in values]
    pieces.append(Markup("<b></b>"))
    pieces += [Markup('<span class="x">{}</span>').format(labels.get(k, "")) for k in range(cells)]
    return Markup('<div class="heat" style="grid-template-columns:2.6rem repeat({},1fr)">{}</div>').format(
        max(cells, 1), EMPTY.join(pieces))


def _shade(value: float | None, breaks: Sequence[float]) -> Markup:
    if value is None:
        return Markup('<s class="kn" title="未知"></s>')
    return Markup('<s class="k{}" title="{:g}"></s>').format(sum(value >= limit for limit in breaks), round(value, 1))
