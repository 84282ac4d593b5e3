"""Things that can be touched: real links to the same view, changed by a patch of its address names."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape

from layouts.screen import Context
from layouts.view import to_query
from layouts.words import short

Patch = dict[str, str | None]


def path_of(screen: str) -> str:
    """Path of a screen's page."""
    return "/" if screen == "overview" else f"/{screen}"


def href(context: Context, patch: Patch) -> str:
    """Address of the view after the patch; None removes a name."""
    pairs = dict(parse_qsl(to_query(context.view, context.window)))
    if pairs.get("division") == context.place.code:
        del pairs["division"]
    changes = dict(patch)
    screen = changes.pop("screen", None) or context.view.screen
    for name, value in changes.items():
        pairs.pop(name, None)
        if value is not None:
            pairs[name] = value
    query = urlencode(pairs)
    return path_of(screen) + (f"?{query}" if query else "")


def touch(context: Context, patch: Patch) -> Markup:
    """The two attributes of an element that changes the view: `href` and `data-set`."""
    return Markup('href="{}" data-set="{}"').format(href(context, patch), json.dumps(patch, ensure_ascii=False))


def anchor(context: Context, patch: Patch, inner: object, css: str = "", current: bool = False) -> Markup:
    """A link that changes the view."""
    attributes = Markup(' class="{}"').format(css) if css else Markup("")
    if current:
        attributes += Markup(' aria-current="true"')
    return Markup("<a {}{}>{}</a>").format(touch(context, patch), attributes, escape(inner))


def division_link(context: Context, code: str, name: object, css: str = "dl") -> Markup:
    """A place's name that narrows the whole screen to it; plain text when there is no code."""
    return anchor(context, {"division": code, "bbox": None}, name, css) if code else escape(name)


def near(context: Context, name: str, most: int = 6) -> str:
    """A place's name inside the shown division: without that division's own name before it, and not too long."""
    for _, above in context.chain:
        if name != above:
            name = name.removeprefix(above)
    return short(name, most)
