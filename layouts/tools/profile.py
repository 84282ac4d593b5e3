"""The profile card of the division in view."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Question
from layouts import asks
from layouts.panels import profile
from layouts.screen import Context, Panel, Screen
from layouts.tools import Answers, Tool
from layouts.tools.compare import compare_link
from layouts.view import ViewState

_CARD = Panel("tool-profile", "tool", "区划名片", "O2", "profile", {"card": asks.PROFILE})


def _asks(_screen: Screen, _view: ViewState) -> dict[str, Question]:
    return _CARD.asks


def _render(answers: Answers, _screen: Screen, context: Context) -> Markup:
    return profile.render(_CARD, answers, context) + compare_link(context)


TOOL = Tool("profile", "名片", "p", _asks, _render)
