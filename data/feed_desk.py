"""Behind the page of the feeds: volume against usual, quality, departments, devices, and the quarantine's rows."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from access.principal import CORRECT, Principal
from analysis.feed_score import DAY_H, RULE, Shares, empty_slots, judged_hours, score, silence, timely, usual
from data.clock import from_us, to_us
from data.errors import WrongInput
from data.far_desk import Ask, views
from data.health import FeedHealth, freshness, seconds
from data.inputs import Tables
from data.ledger import HOUR_US, WEEKS, Spell
from data.pack import Pack
from data.quarantine_view import MOST_SHOWN, fields_of, masked

HELD_S, MOST_DIGITS = 3.0, 18
WEEK_US = 168 * HOUR_US
NAMES = ("feed_departments", "quarantine", "quarantine_item", "devices", "device_types")
Rows = tuple[dict[str, Any], ...]
Health = Mapping[str, FeedHealth]


class FeedDesk:
    """Reads the ledger and the quarantine of a state folder (with `ask`: of a far collector); keeps what takes long
    for some seconds.

    Raises (in every method):
        Unavailable: a file cannot be read now.
    """

    def __init__(self, pack: Pack, folder: Path, ask: Ask | None = None) -> None:
        self._pack, self._zone = pack, ZoneInfo(pack.place.timezone)
        self._ledger, self.quarantine = views(folder, ask)
        self._lock = threading.Lock()
        self._held: tuple[float, dict[str, dict[str, Any]]] = (-HELD_S, {})

    def facts(self, now_us: int, health: Health) -> dict[str, dict[str, Any]]:
        """feed → volume, usual, span_h, score, shares in %, week's accepted and rejected, lost_s, drift, reasons."""
        with self._lock:
            if time.monotonic() - self._held[0] >= HELD_S:
                self._held = (time.monotonic(), self._facts(now_us, health))
            return self._held[1]

    def _facts(self, now_us: int, health: Health) -> dict[str, dict[str, Any]]:
        hours = self._ledger.hours(now_us - WEEKS * WEEK_US)
        spells = self._ledger.spells(now_us - WEEK_US)
        drifts = self._ledger.drifts(now_us - WEEK_US)
        reasons: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for group in self.quarantine.groups():
            reasons[group["feed"]].append(group)
        found = {}
        for feed in self._pack.feeds:
            lost = [_stretch(one, now_us) for one in spells if one.feed == feed]
            drift = drifts.get(feed, (0, ""))
            missed = lost + self._silence(feed, health.get(feed), now_us)
            found[feed] = self._fact(feed, hours.get(feed, {}), missed, now_us) | {
                "lost_s": sum(end - began for began, end in lost) // 1_000_000,
                "drift": drift[1], "drift_since_us": drift[0], "waiting": sum(one["waiting"] for one in reasons[feed]),
                "reasons": "；".join(f"{one['kind']} {one['waiting'] or one['count']}" for one in reasons[feed][:3])}
        return found

    def _silence(self, feed: str, health: FeedHealth | None, now_us: int) -> list[tuple[int, int]]:
        """The running silence, where freshness calls it one: of readings since the newest, else since an answer."""
        declared = self._pack.feeds[feed]
        if health is None or not health.last_received or declared.release:
            return []
        last = health.heard_us if declared.kind == "observation" else health.contact_us
        return silence(last, now_us, round(max(3 * seconds(declared.cadence), 30.0) * 1e6))

    def _fact(self, feed: str, hours: Mapping[int, tuple[int, ...]], missed: list[tuple[int, int]],
              now_us: int) -> dict[str, Any]:
        now = now_us // HOUR_US
        taken = {hour: counts[0] for hour, counts in hours.items()}
        first = min((hour for hour, number in taken.items() if number), default=now)
        start = max(now - 168, first)
        accepted = sum(number for hour, number in taken.items() if hour >= start)
        rejected = sum(counts[2] for hour, counts in hours.items() if hour >= start)
        span = self._span(feed)
        asked = range(now - span, now)
        volume, normal = sum(taken.get(hour, 0) for hour in asked), usual(taken, asked, first) if span else None
        day = range(max(now - DAY_H, first), now)
        normally = usual(taken, day, first) if span else None
        shares = Shares(self._timely(feed, taken, missed, now_us),
                        accepted / (accepted + rejected) if accepted + rejected else None,
                        min(1.0, sum(taken.get(hour, 0) for hour in day) / normally) if normally else None)
        return {"volume": volume if span else None, "usual": normal, "span_h": span, "score": score(shares),
                "timely": _pct(shares.timely), "sound": _pct(shares.sound), "complete": _pct(shares.complete),
                "week_accepted": accepted, "week_rejected": rejected, "rule": RULE}

    def _timely(self, feed: str, taken: Mapping[int, int], missed: list[tuple[int, int]], now_us: int) -> float | None:
        """Share of the time judged in which the feed came in its rhythm; None for one that never came."""
        held = [hour for hour, number in taken.items() if number]
        if not held:
            return None
        declared, now = self._pack.feeds[feed], now_us // HOUR_US
        cadence = seconds(declared.cadence)
        start = max(now - judged_hours(cadence), min(held))
        # Only readings come by the clock; an hour without an event is none that was missed.
        gaps = empty_slots(taken, start, min(now, max(held)), cadence) if declared.kind == "observation" else []
        return timely([*missed, *((begin * HOUR_US, end * HOUR_US) for begin, end in gaps)], start * HOUR_US, now_us)

    def _span(self, feed: str) -> int:
        """Whole hours over which a volume says something: one, a day for feeds slower than an hour, 0 for rare ones."""
        declared = self._pack.feeds[feed]
        cadence = seconds(declared.cadence)
        if declared.release or declared.kind in ("asset", "warning", "indicator") or declared.source.kind == "own":
            return 0
        return 1 if cadence < 3600 else 24

    def spells(self, since_us: int) -> list[Spell]:
        """Losses of feeds that touch the time after an instant."""
        return self._ledger.spells(since_us)

    def lost_at(self, at_us: int) -> dict[str, str]:
        """feed → why, of the feeds that were lost at an instant; of a year at most."""
        return {one.feed: one.why for one in self._ledger.spells(at_us) if one.began <= at_us}

    def departments(self, rows: Rows, silent: Mapping[str, int], now_us: int) -> Rows:
        """A row a department for this week: who collects, who answers for it, and how it stands. Worst score first."""
        local = from_us(now_us).astimezone(self._zone)
        monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = to_us(monday)
        hours, spells = self._ledger.hours(begin), self._ledger.spells(begin)
        found = []
        for name in dict.fromkeys(row["department"] for row in rows):
            own = [row for row in rows if row["department"] == name]
            keys = {row["feed"] for row in own}
            sums = np.sum([counts for key in keys for counts in hours.get(key, {}).values()] or [(0, 0, 0, 0)], axis=0)
            lost = [_stretch(one, now_us, begin) for one in spells if one.feed in keys]
            scores = [row["score"] for row in own if row.get("score") is not None]
            found.append({
                "department": name, "feeds": len(own), "feed_names": "、".join(str(row["name"]) for row in own),
                "normal": sum(row["freshness"] in ("live", "scheduled") for row in own),
                "last_time_us": max((row["last_time_us"] for row in own), default=0), "since_us": begin,
                "accepted": int(sums[0]), "duplicate": int(sums[1]), "rejected": int(sums[2]), "late": int(sums[3]),
                "sound": _pct(sums[0] / (sums[0] + sums[2])) if sums[0] + sums[2] else None,
                "lost_s": sum(end - began for began, end in lost) // 1_000_000, "losses": len(lost),
                "waiting": sum(row.get("waiting") or 0 for row in own),
                "silent": sum(silent.get(key, 0) for key in keys),
                "score": round(sum(scores) / len(scores), 1) if scores else None})
        return tuple(sorted(found, key=lambda row: 101 if row["score"] is None else row["score"]))

    def groups(self, tables: Tables) -> Rows:
        """Refusals by feed and reason, waiting ones first; `ready`: rows whose station has become known since."""
        found = []
        for group in self.quarantine.groups():
            feed = self._pack.feeds.get(group["feed"])
            ready = 0
            if feed is not None and feed.stations and group["waiting"] and group["kind"].startswith("不认识的站点"):
                known = {asset["id"] for asset in tables.assets.layer(feed.stations)}
                ready = sum(number for station, number in self.quarantine.stations(group["feed"]).items()
                            if station in known)
            found.append({**group, "name": feed.name if feed else group["feed"], "ready": ready,
                          "department": feed.department if feed else ""})
        return tuple(found)

    def item(self, principal: Principal, wanted: str) -> Rows:
        """The row to be corrected: the one asked for, else the newest waiting; none when nothing waits.

        Raises:
            WrongInput: no number. NotFound: no such row.
        """
        if wanted and not (wanted.isdecimal() and len(wanted) <= MOST_DIGITS):
            raise WrongInput(f"隔离记录的编号 {wanted!r:.20} 应为数字；请从列表里选择")
        newest = (group["sample"] for group in self.quarantine.groups() if group["sample"])
        number = int(wanted) if wanted else next(newest, None)
        if number is None:
            return ()
        row = self.quarantine.row(number)
        may_correct = CORRECT in principal.capabilities
        shown = [row["raw"], row["sent"] or ""]
        raw, sent = shown if may_correct else [masked(text) for text in shown]
        feed = self._pack.feeds.get(row["feed"])
        return ({**row, "raw": raw[:MOST_SHOWN], "sent": sent[:MOST_SHOWN], "may": may_correct,
                 "cut": len(raw) > MOST_SHOWN, "fields": fields_of(raw),
                 "name": feed.name if feed else row["feed"],
                 "department": feed.department if feed else ""},)

    def devices(self, tables: Tables, health: Health, now_us: int) -> Rows:
        """Devices of every feed that delivers: when each was last heard; the one that fell silent last stands first.

        silent: not heard within 3 × cadence of the feed's newest record. Devices of a lost feed are not judged.
        """
        found = []
        for key, feed in self._pack.feeds.items():
            layers = self._layers(key)
            if feed.kind != "observation" or not layers:
                continue
            if freshness(seconds(feed.cadence), False, health.get(key), now_us) not in ("live", "late"):
                continue
            heard = _heard(tables, key)
            newest = max(heard.values(), default=now_us)
            for asset in (asset for layer in layers for asset in tables.assets.devices(layer)):
                last = heard.get(asset["id"], 0)
                quiet = newest - last > 3 * seconds(feed.cadence) * 1e6
                found.append({"id": asset["id"], "name": asset["name"], "layer": asset["layer"], "feed": key,
                              "feed_name": feed.name, "department": feed.department, "last_time_us": last,
                              "silent": quiet, "division_code": self._pack.divisions.items[asset["index"]].code,
                              "index": asset["index"]})
        return tuple(sorted(found, key=lambda row: (not row["silent"], -row["last_time_us"])))

    def _layers(self, feed: str) -> tuple[str, ...]:
        """Layers of a feed's devices: declared by the feed, else by the metric that counts those on line."""
        declared = self._pack.feeds[feed].stations
        online = [metric for metric in self._pack.metrics.values()
                  if metric.formula.get("kind") == "online" and metric.feeds[:1] == (feed,)]
        return (declared,) if declared else tuple(dict.fromkeys(layer for metric in online
                                                                for layer in metric.formula.get("layers", ())))

    def device_types(self, devices: Rows) -> Rows:
        """Devices by type (layer): how many, how many are heard, in %."""
        every = Counter(row["layer"] for row in devices)
        quiet = Counter(row["layer"] for row in devices if row["silent"])
        first = {row["layer"]: row for row in devices}
        rows = [{"layer": layer, "name": self._word(layer) or first[layer]["feed_name"], "count": count,
                 "silent": quiet[layer], "online": _pct(1 - quiet[layer] / count),
                 "feed_name": first[layer]["feed_name"], "department": first[layer]["department"]}
                for layer, count in every.items()]
        return tuple(sorted(rows, key=lambda row: row["online"] or 0.0))

    def _word(self, layer: str) -> str:
        return next((one.name for one in self._pack.layers.values() if one.source == layer), "")


def _stretch(spell: Spell, now_us: int, begin: int = 0) -> tuple[int, int]:
    """(from, to) of a loss, not before an instant; none is shorter than nothing where the clock stepped back."""
    began = max(spell.began, begin)
    return began, max(began, spell.ended or now_us)


def _heard(tables: Tables, feed: str) -> dict[str, int]:
    """station → instant of its newest reading of any metric, as far as memory reaches."""
    table = tables.observations.get(feed)
    return table.last_heard() if table is not None else {}


def _pct(share: Any) -> float | None:
    return None if share is None else round(100 * float(share), 1)


def wanted_item(filters: Sequence[tuple[str, str]]) -> str:
    """The row that the address names (`f.item`)."""
    return dict(filters).get("item", "")
