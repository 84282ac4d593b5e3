"""The demo county as its screens showed it at some instants, recorded live, and everything that was received since."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from recount_world import DAY, MINUTE, NOW, NOW_S, YUDU, Desk, Records, old_part, register
from recount_world import event as stage_of

from access.principal import demo_principal
from api import view
from api.web import Web
from api.web_app import services
from data.answers import Answer, Scope
from data.batches import Batch
from data.clock import Clock, from_us
from data.feedbook import FeedBook
from data.ledger import Ledger
from data.past import Past
from data.settings import load_settings
from data.watch import FeedWatch
from data.windows import window_of
from demo.opening import first_memory, opening
from demo.world import make_world
from layouts.regions import questions
from layouts.view import from_query

ROOT, TOWN, OTHER = "360731000000", "360731100000", "360731101000"
ZONE = "Asia/Shanghai"
OF_NOW = frozenset({"served_from", "contact_us", "stepped_us"})
View = dict[str, Any]


class Set(Clock):
    """A clock that stands where the test puts it."""

    def __init__(self, now_us: int) -> None:
        super().__init__()
        object.__setattr__(self, "at_us", now_us)

    def put(self, now_us: int) -> None:
        object.__setattr__(self, "at_us", now_us)

    def now_us(self) -> int:
        return int(self.__dict__["at_us"])

    def now(self) -> Any:
        return from_us(self.now_us())


@dataclass
class Shown:
    """What stood on every screen at an instant: answers by screen and name, and the views themselves."""

    at_us: int
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)


class Recorder(Desk):
    """A place with a collector's books and a web process without sockets; `record` notes what it shows now."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = Set(NOW)
        settings = load_settings(place=YUDU, state=folder, redis_url=f"unix://{folder}/none.sock")
        self.web: Web = services(settings, self.pack)
        self.web.clock = self.web.live.clock = self.clock
        ledger = Ledger(settings.state_dir)
        self.book = FeedBook(settings.state_dir, settings.zone(), self.pack.feeds, ledger)
        self.watch = FeedWatch(self.pack, self.book, ledger, self._own, demo=True)
        self.screens = {screen.key: screen for screen in self.web.screens}

    people: Records

    def population(self) -> Records:
        """What the county said of its people, township by township."""
        world = make_world(self.pack, "storm", NOW_S)
        return [row for row in world.economy.population(2025) if row["division"] != ROOT]

    def asset(self, layer: str) -> dict[str, Any]:
        """The first asset of a layer, as it was registered."""
        return next(row for row in register(make_world(self.pack, "storm", NOW_S)) if row["layer"] == layer)

    def forget_past(self) -> None:
        """The next replay reads everything from history, as one in another process does."""
        gate = self.web.gate
        gate._past = Past(self.pack, self.web.live, gate._past._reader, gate._past._feeds)

    def _own(self, feed: str, records: Any) -> Any:
        self.push(feed, list(records), self.clock.now_us())

    def push(self, feed: str, records: Records, received: int) -> None:
        """Accepts, notes in the feed's book, buffers for history, and applies once memory is loaded."""
        found = self.lanes[feed].prepare(records, self.seq, received)
        assert not found.rejected, (feed, found.rejected[:3])
        self.book.took(feed, found, received)
        if not found.rows:
            return
        batch = Batch(self.seq, found.rows[-1]["seq"], feed, self.lanes[feed].kind, received, found.rows)
        self.seq = batch.seq1 + 1
        self.writer.append(batch)
        if self.live is not None:
            self.live.tables.apply(batch)

    def begin(self) -> None:
        """Reads history as a web process does when it starts."""
        self.writer.commit()
        self.live = self.web.live
        self.live.tables.load(self.clock.now_us())
        self.live.served_from = "live"

    def record(self) -> Shown:
        """Every screen of now, over the county and a township."""
        for feed, declared in self.pack.feeds.items():
            if declared.source.kind != "push":
                # Their runners ask every few seconds, and are answered.
                self.book.answered(feed, self.clock.now_us())
        self.watch.tick(self.clock.now_us())
        self.web.live.tables.forget(self.clock.now_us())
        self.web.live.health = self.book.states()
        return self.show({})

    def show(self, query: dict[str, str]) -> Shown:
        """Every screen at an address's instant."""
        found, who = Shown(self.clock.now_us()), demo_principal(ROOT)
        for key, screen in self.screens.items():
            for division in (ROOT, TOWN):
                asked, place = {**query, "division": division}, f"{key} {division}"
                span = window_of(asked, self.clock.now(), ZONE, screen.window)
                for name, question in questions(screen, from_query(key, asked, screen.window)):
                    found.answers[place, name] = view.ask(self.web, who, question, Scope(division), span)
                found.views[place] = view.build(self.web, who, key, asked)
        return found

    def replay(self, at_us: int, **more: str) -> Shown:
        """The same as `record`, asked for later."""
        return self.show({"at": from_us(at_us).isoformat(), **more})


def told(answer: Answer) -> dict[str, Any]:
    """An answer's fields, but for what is only ever known of now: where it came from and when its source last spoke."""
    return {spec.name: getattr(answer, spec.name) for spec in fields(Answer) if spec.name not in OF_NOW}


def words(region: str) -> str:
    """What a reader sees of a region."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", region))).strip()


def first_day(folder: Path) -> Recorder:
    """The county in a storm, its web process just started."""
    county = Recorder(folder)
    world = make_world(county.pack, "storm", NOW_S)
    old_part(county, world)
    # Ended two months ago: memory has let go of it.
    for stage, ago in (("received", 24 * 57), ("closed", 24 * 56)):
        county.push("events", [stage_of("planted-old", stage, ago, 24 * 57, division=TOWN)], NOW - 50 * DAY)
    for feed, records in opening(world, first_memory(NOW_S, "storm")):
        county.push(feed, records, NOW - MINUTE)
    county.begin()
    return county


def go_on(county: Recorder, until_us: int) -> None:
    """What the county's sources send until an instant, a quarter of an hour at a time."""
    world = make_world(county.pack, "storm", NOW_S)
    fine = first_memory(NOW_S, "storm").fine_from
    while county.clock.now_us() < until_us:
        before = county.clock.now_us()
        now = min(before + 15 * MINUTE, until_us)
        county.clock.put(now)
        span = (before // 1_000_000, now // 1_000_000)
        for feed in ("sensors", "rain", "river", "reservoir", "air_hourly", "power", "traffic", "hall"):
            county.push(feed, world.observations.reported(feed, *span, fine), now)
        county.push("events", world.events.changes(*span), now)
        county.push("warnings", world.bulletins.records(*span), now)
        county.writer.commit()
