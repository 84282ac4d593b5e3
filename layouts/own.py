"""Own React components without a build: their drawing is in assets/own.js under `window.yiping_own`.

This rests on what `dash-generate-components` emits (namespace, type, prop names), which Dash does not document: Dash is
pinned, and a browser test mounts each of them.
"""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component


def _names(*names: str) -> list[str]:
    return list(names)


class _Own(Component):
    """What all own components share: no wildcard attributes, children only where declared."""

    _namespace = "yiping_own"
    _children_props = _names()
    _base_nodes = _names("children")
    _valid_wildcard_attributes = _names()
    available_wildcard_properties = _names()
    _prop_names = _names("id")
    _type = "Own"

    def __init__(self, **props: Any) -> None:
        self.available_properties = self._prop_names
        Component.__init__(self, **props)


class Fragment(_Own):
    """A region of finished, escaped HTML; the page's first HTML is taken over when `html` was never set."""

    _type = "Fragment"
    _prop_names = _names("id", "html", "tag", "className")


class CountyMap(_Own):
    """Drives the canvases of the map: `data` is the view's map part, `drawn` the stamp of the last picture."""

    _type = "CountyMap"
    _prop_names = _names("id", "data", "drawn")


class Dialog(_Own):
    """A modal dialog; it closes itself and says so through `opened`."""

    _type = "Dialog"
    _prop_names = _names("id", "children", "title", "opened", "className")


class Held(_Own):
    """A value that callbacks share; it shows nothing."""

    _type = "Held"
    _prop_names = _names("id", "data")


class Notice(_Own):
    """One line that says when the connection is lost or an address is wrong; live.js fills it."""

    _type = "Notice"
    _prop_names = _names("id", "className")


class Finder(_Own):
    """The search box; find.js fills it. `root` is the place's own code."""

    _type = "Finder"
    _prop_names = _names("id", "className", "root")
