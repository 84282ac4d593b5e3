"""The page's frame, written once: as components for Dash and as HTML for the first paint, the same markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component
from markupsafe import Markup, escape

from layouts import ids
from layouts.map import county_map
from layouts.own import CountyMap, Dialog, Fragment, Held, Notice
from layouts.screen import Place
from layouts.symbols import brand_mark, symbols


@dataclass(frozen=True)
class Box:
    """One element of the frame: a plain box with boxes inside, a region of HTML, or a `slot` filled by components."""

    css: str
    inside: tuple[Box, ...] = ()
    tag: str = "div"
    region: str = ""
    slot: str = ""


def _regions(css: str, *names: str) -> Box:
    """A column: every region stands in the column's own grid (its wrapper has no box)."""
    return Box(css, tuple(Box("rg", region=name) for name in names))


FRAME = Box("page", (
    Box("head", (Box("brand", slot="brand"), Box("nav", tag="nav", region="nav"), Box("notice", slot="notice"),
                 Box("sit", region="situation")), tag="header"),
    Box("filters", region="filters"),
    Box("stage", (
        _regions("col far", "s1", "s2", "s5"),
        _regions("col", "p1", "p2", "p3"),
        Box("mapcell", (
            Box("rg", region="lead"), Box("kpis", region="figures"),
            Box("canvas", (
                Box("mapbox", slot="map"),
                Box("over crumb", region="crumb"), Box("over mtitle", region="maphead"),
                Box("over layers", region="layers"), Box("over legends", region="legends"),
                Box("over claim", region="claim"), Box("over sides", region="sides"),
                Box("over tools", region="tools"))))),
        _regions("col", "p4", "p5", "p6"),
        _regions("col far", "s3", "s4", "s6"),
        Box("toolbox", region="tool")), tag="main"),
    Box("foot", (Box("ticker", region="ticker"), Box("feeds", region="feeds")), tag="footer"),
))


_TAGS: dict[str, Callable[..., Component]] = {
    "div": html.Div, "header": html.Header, "main": html.Main, "footer": html.Footer}


def brand(place: Place) -> Markup:
    """The mark, the place's name and the software's name."""
    return Markup("{}{}<em>{}</em>").format(brand_mark(), place.name, place.brand)


def shell(place: Place) -> Component:
    """The whole page as components; it holds no data, so it is the same for every view and viewer."""
    slots: dict[str, Callable[[str], Component]] = {
        "brand": lambda css: Fragment(id=ids.BRAND, className=css, html=str(brand(place))),
        "notice": lambda css: Notice(id=ids.NOTICE, className=css),
        "map": lambda css: html.Div([county_map()], className=css)}

    def build(box: Box) -> Component:
        if box.slot:
            return slots[box.slot](box.css)
        if box.region:
            return Fragment(id=ids.region(box.region), className=box.css, tag=box.tag)
        return _TAGS[box.tag]([build(inner) for inner in box.inside], className=box.css)

    stores = [Held(id=key) for key in (ids.VIEW, ids.CONTROL, ids.LIVE, ids.ANSWER)]
    frame = [build(inner) for inner in FRAME.inside]
    return html.Div([*frame, Dialog(id=ids.DIALOG, className="dialog", opened=False, title="", children=[]), *stores,
                     CountyMap(id=ids.MAP_STATE)], id=ids.PAGE, className=FRAME.css)


def first_paint(place: Place, regions: Mapping[str, str]) -> Markup:
    """The same frame as HTML with the first view's regions in place; the page's script moves them over."""
    def build(box: Box) -> Markup:
        if box.slot:
            inner, mark = brand(place) if box.slot == "brand" else Markup(""), Markup("")
        elif box.region:
            inner = Markup(regions.get(box.region, ""))  # noqa: S704 - regions are finished, escaped HTML
            mark = Markup(' data-region="{}"').format(ids.region(box.region))
        else:
            inner, mark = Markup("").join(build(item) for item in box.inside), Markup("")
        return Markup('<{0} class="{1}"{2}>{3}</{0}>').format(box.tag, box.css, mark, inner)

    body = Markup("").join(build(inner) for inner in FRAME.inside)
    return Markup('<div id="first-paint" class="{}">{}</div>').format(FRAME.css, body)


def error_regions(message: str) -> dict[str, str]:
    """Regions of a page whose first view failed: one sentence in the lead, the rest fills when the view can be read."""
    return {"lead": f'<div class="lead"><div class="txt"><h1>{escape(message)}</h1></div></div>'}


def watermark(demo: bool) -> Markup:
    """The mark over every page whose figures are invented."""
    return Markup('<div class="wm" aria-hidden="true"></div>') if demo else Markup("")


def page_signs() -> Markup:
    """The hidden symbols that every sign refers to."""
    return symbols()


def lost_page(title: str = "没有这一页", sentence: str = "地址写错了，或这一页还没有做。") -> Markup:
    """What an address that is no page gets: one sentence and the way home."""
    return Markup('<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{0}</title>'
                  '<link rel="stylesheet" href="/assets/all.css"></head>'
                  '<body style="padding:3rem"><h1>{0}</h1><p class="note">{1}</p>'
                  '<p><a href="/" style="color:var(--accent)">回到总览</a></p></body></html>').format(title, sentence)
