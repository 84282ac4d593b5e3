"""The web's services over the county that is counted again, without a server, its clock stopped."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from recount_world import NOW, Recounted

from api.web import Shelf, Web
from api.web_app import answerable
from data.cache import AnswerCache, make_cache
from data.clock import Clock
from data.sessions import Sessions
from data.settings import load_settings
from data.state import State
from layouts.fitting import fitted
from layouts.screens import SCREENS


class Still(Clock):
    """The county's clock, stopped: every window of the test ends where SQL thinks it does."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW / 1e6, UTC)

    def now_us(self) -> int:
        return NOW


def web_of(recounted: Recounted, root: str) -> Web:
    """Everything that a view is made from."""
    gate, folder = recounted.gate, recounted.folder
    settings = load_settings(place=gate.pack.root, state=folder)
    shelf = Shelf(AnswerCache(make_cache(Flask("t"), f"unix://{folder}/none.sock", "t:c:")))
    made = Web(settings, gate.pack, Still(), State(f"unix://{folder}/none.sock", "t:"), gate.live, gate,
               Sessions(root, True), shelf)
    made.screens = fitted(SCREENS, lambda question: answerable(gate.pack, question), gate.pack.place.default_metric,
                          gate.pack.layers)
    return made
