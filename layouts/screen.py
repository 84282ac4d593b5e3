"""What a screen declares: sentence, six figures, map, panels. A screen is data; the mechanism is here once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from markupsafe import Markup

from analysis.density import Density
from data.answers import Answer, Question
from layouts.choropleth import Shading
from layouts.compared import Comparison
from layouts.view import ViewState


@dataclass(frozen=True)
class Place:
    """The few facts of the pack that layouts may show."""

    code: str
    name: str
    brand: str
    levels: tuple[tuple[str, str], ...]
    boundary_note: str
    official: bool
    timezone: str


@dataclass(frozen=True)
class Context:
    """Everything a panel may look at besides its own answers.

    `chain`: (code, name) of the view's division and all above it. `names`: words of the pack by `metric:<id>`,
    `layer:<key>`, `category:<code>`, `channel:<code>`, `department:<code>`. `children`: (code, name) one level below.
    `window`: the screen's own default, left out of addresses. `busy`: what the program is loading, '' for nothing.
    `layers`: point layers of the map as layer → (declared shape, how many in the division). `unplaced`: layer → how
    many of those have no coordinates and so no mark. `densities`: layer → bandwidth and limits of its density.
    `compared`: what the view is compared with, None for nothing. `shading`: classes of the map's figures, made once.
    """

    place: Place
    view: ViewState
    chain: tuple[tuple[str, str], ...]
    now_us: int
    theme: str = "dark"
    demo: bool = False
    names: dict[str, str] = field(default_factory=dict)
    children: tuple[tuple[str, str], ...] = ()
    window: str = "24h"
    busy: str = ""
    layers: dict[str, tuple[str, int]] = field(default_factory=dict)
    unplaced: dict[str, int] = field(default_factory=dict)
    densities: dict[str, Density] = field(default_factory=dict)
    compared: Comparison | None = None
    shading: Shading | None = None


Answers = dict[str, Answer]
Render = Callable[["Panel", Answers, Context], Markup]


@dataclass(frozen=True)
class Figure:
    """One of the six large figures: the metric, its comparison and the second line."""

    metric: str
    compare: str = "yesterday"
    label: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel. `asks`: name → question; `render` is a panel kind's pure function (answers → title and body).

    `slot` places it in the grid: p1…p6 (three columns of a wall), s1…s6 (second layer on wide walls and desks).
    `shows`: phrases of its topic that it shows; `also`: phrases of other topics.
    """

    key: str
    slot: str
    title: str
    topic: str
    kind: str
    asks: dict[str, Question]
    shows: tuple[str, ...] = ()
    css: str = ""
    options: dict[str, object] = field(default_factory=dict)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class MapView:
    """What the map starts with: its metric, what else it can show, which layers can be switched and which are on.

    `asks`: name → question for the marks beside the names (number, warn, att), answered by children.
    `also`: phrases of topics that the map shows.
    """

    metric: str
    metrics: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    asks: dict[str, Question] = field(default_factory=dict)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Screen:
    """One screen: `key` is also the path (overview = /). A screen without a map metric is a plain page of panels."""

    key: str
    title: str
    topics: tuple[str, ...]
    lead: str
    figures: tuple[Figure, ...]
    map: MapView
    panels: tuple[Panel, ...]
    window: str = "24h"
    lead_asks: dict[str, Question] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """True for a page of panels without map and figures."""
        return not self.map.metric

    @property
    def path(self) -> str:
        """Address of the screen."""
        return "/" if self.key == "overview" else f"/{self.key}"
