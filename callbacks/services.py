"""What the Dash app needs from the rest of the program; the composition root fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol, TypedDict

from layouts.screen import Place, Screen


class Enlarged(TypedDict):
    """A panel for the dialog: `figure` is a Plotly figure or None; `rows` are texts under `columns`."""

    title: str
    figure: dict[str, Any] | None
    columns: list[str]
    rows: list[list[str]]
    note: NotRequired[str]


class FirstView(Protocol):
    """(path, query) → the view's JSON as `GET /api/v1/view` answers it; NotFound when there is no such page."""

    def __call__(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer from memory; a page is never held up by a store."""


class Enlarge(Protocol):
    """(query of the view with `screen`, panel key) → the panel in full."""

    def __call__(self, query: Mapping[str, str], panel: str) -> Enlarged:
        """Raise NotFound for an unknown screen or panel."""


@dataclass(frozen=True)
class Services:
    """`wall_root_px`: root size of a wall from its pitch and viewing distance, 0 = the style sheet's own rule.

    `pictures`: origins of tiles that the pack names, the only foreign ones from which a page may load anything.
    """

    place: Place
    screens: tuple[Screen, ...]
    first_view: FirstView
    enlarge: Enlarge
    demo: bool = False
    wall_root_px: float = 0.0
    pictures: tuple[str, ...] = ()
