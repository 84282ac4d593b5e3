"""City events of the demo county: each goes through its stages; any stretch of time can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from data.records import STAGES
from demo.chance import Ints, Reals, normal, uniform
from demo.days import DAY_S, date_of
from demo.intake import BY_POINT, BY_VILLAGE, Desk, Intake, lateness
from demo.series import MICRO
from demo.sites import short
from demo.texts import CHANNELS, DETAIL, URGENT, reporter_of, title_of

if TYPE_CHECKING:
    from demo.county import County

LONGEST_DAYS = 27
DAYS_BACK = LONGEST_DAYS + 2
ACTS = ("", "delay", "return", "merge", "supervise")
SHARES = np.array([0.0, 0.02, 0.05, 0.25, 0.80, 0.90, 1.0])
RECEIVED, DISPATCHED, HANDLING, CLOSED, RATED = 0, 2, 3, 6, 7


@dataclass(frozen=True)
class Steps:
    """Stage changes in columns, by time: `event` = position in the day, indices, `due` in s, `score` 1–5."""

    event: Ints
    stage: Ints
    at: Ints
    act: Ints
    due: Ints
    score: Reals


@dataclass(frozen=True)
class EventDay:
    """Events received on a local day with all stage changes they will go through."""

    day: int
    ids: list[str]
    titles: list[str]
    reporters: list[str | None]
    intake: Intake
    steps: Steps


class CityEvents:
    """The events of a county."""

    def __init__(self, county: County):
        self.county = county
        self.desk = Desk(county)
        self.of_day = lru_cache(maxsize=2 * DAYS_BACK)(self._of_day)

    def _of_day(self, day: int) -> EventDay:
        """Events received on a local day; cached."""
        made = self.desk.intake(day)
        number, seed = len(made.time), self.county.seed
        stamp = date_of(day).strftime("%Y%m%d")
        ids = [f"YD{stamp}{position + 1:04d}" for position in range(number)]
        draws = uniform(seed, "words", day, np.arange(number), np.arange(3)[:, None]).tolist()
        names = [_short(self.county, int(village)) for village in made.village]
        titles = [title_of(self.desk.keys[kind], name, first, second) for kind, name, first, second
                  in zip(made.category.tolist(), names, draws[0], draws[1], strict=True)]
        reporters = [reporter_of(CHANNELS[channel], draw)
                     for channel, draw in zip(made.channel.tolist(), draws[2], strict=True)]
        return EventDay(day, ids, titles, reporters, made, self._steps(day, made))

    def _steps(self, day: int, made: Intake) -> Steps:
        seed, which = self.county.seed, np.arange(len(made.time))
        taken, direct = lateness(self.desk, day, made)
        hours = self.desk.hours[made.category] * 3600.0
        merged = (made.twin >= 0) & (uniform(seed, "merged", day, which) < 0.5)
        taken = np.where(direct, 240 + 600 * uniform(seed, "talk", day, which), taken)
        taken = np.where(merged, 1200 + 3600 * uniform(seed, "merge", day, which), taken)
        brief = direct | merged
        shares = SHARES * (0.96 + 0.08 * uniform(seed, "pace", day, which[:, None], np.arange(7)))
        shares[:, 0], shares[:, CLOSED] = 0.0, 1.0
        table = np.full((len(which), 8), -1.0)
        table[:, :7] = np.maximum(shares * taken[:, None], np.arange(7) * 61.0)
        table[brief, 1:CLOSED] = -1.0
        asked = ~merged & np.isin(made.channel, (0, 3, 4)) & (uniform(seed, "rated", day, which) < 0.7)
        table[:, RATED] = np.where(asked, table[:, CLOSED] + 3600 + 100_000 * uniform(seed, "call", day, which), -1.0)
        event, stage = np.nonzero(table >= 0)
        act = np.where(merged[event] & (stage == CLOSED), ACTS.index("merge"), 0)
        rows = [np.stack([event, stage, table[event, stage], act], axis=1)]
        rows += self._turns(day, which[~brief], taken, hours)
        return self._sorted(day, made, np.concatenate(rows), hours, taken)

    def _turns(self, day: int, which: Ints, taken: Reals, hours: Reals) -> list[Reals]:
        """Extra rows (event, stage, offset s, act): sent back and sent out again, put off, supervised."""
        seed, taken_s, limit = self.county.seed, taken[which], hours[which]
        back = uniform(seed, "back", day, which) < 0.04
        late = (taken_s > 0.85 * limit) & (uniform(seed, "delay", day, which) < 0.35)
        watched = (taken_s > 1.4 * limit) & (uniform(seed, "watch", day, which) < 0.4)
        put_off = np.minimum(0.6 * taken_s, 0.84 * limit)
        reminded = np.minimum(1.02 * limit, 0.76 * taken_s)
        kinds = ((back, DISPATCHED, 0.11 * taken_s, "return"), (back, DISPATCHED, 0.17 * taken_s, ""),
                 (late, HANDLING, put_off, "delay"), (watched, HANDLING, reminded, "supervise"))
        return [np.stack([which[chosen], np.full(chosen.sum(), stage), offset[chosen],
                          np.full(chosen.sum(), ACTS.index(act))], axis=1) for chosen, stage, offset, act in kinds]

    def _sorted(self, day: int, made: Intake, rows: Reals, hours: Reals, taken: Reals) -> Steps:
        event, stage = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
        act = rows[:, 3].astype(np.int64)
        at = made.time[event] + rows[:, 2].astype(np.int64)
        due = made.time[event] + hours[event].astype(np.int64)
        put_off = np.full(len(made.time), np.iinfo(np.int64).max)
        delays = act == ACTS.index("delay")
        put_off[event[delays]] = at[delays]
        due = due + np.where(at >= put_off[event], hours[event] * 0.5, 0.0).astype(np.int64)
        kept = np.where(taken[event] <= hours[event], 4.4, 2.7)
        score = np.clip(np.round(kept + 1.1 * normal(self.county.seed, "score", day, event)), 1, 5)
        score = np.where(stage == RATED, score, np.nan)
        order = np.lexsort((stage, at))
        return Steps(event[order], stage[order], at[order], act[order], due[order], score[order])

    def changes(self, after: int, until: int) -> list[dict[str, Any]]:
        """Event records whose stage changed in (after, until] (s), by time."""
        found: list[tuple[int, dict[str, Any]]] = []
        for day in self.days(after, until):
            table = self.of_day(day)
            chosen = np.flatnonzero((table.steps.at > after) & (table.steps.at <= until))
            found += [(int(table.steps.at[row]), self.record(table, int(row))) for row in chosen]
        return [record for _, record in sorted(found, key=lambda pair: (pair[0], pair[1]["id"]))]

    def days(self, after: int, until: int) -> range:
        """Local days whose events can change in (after, until]."""
        zone = self.county.days.zone_s
        return range((after + zone) // DAY_S - DAYS_BACK, (until + zone) // DAY_S + 1)

    def standing(self, now: int, recent_days: int = 3) -> list[dict[str, Any]]:
        """All past stage changes of events that are open at `now`, or were received in the last days; by time."""
        found: list[tuple[int, dict[str, Any]]] = []
        for day in self.days(now, now):
            table = self.of_day(day)
            steps, number = table.steps, len(table.ids)
            closed = np.zeros(number, bool)
            closed[steps.event[(steps.stage == CLOSED) & (steps.at <= now)]] = True
            wanted = ~closed | (table.intake.time > now - recent_days * DAY_S)
            chosen = np.flatnonzero(wanted[steps.event] & (steps.at <= now))
            found += [(int(steps.at[row]), self.record(table, int(row))) for row in chosen]
        return [record for _, record in sorted(found, key=lambda pair: (pair[0], pair[1]["id"]))]

    def record(self, table: EventDay, row: int) -> dict[str, Any]:
        """The canonical event record (times in µs) of one stage change."""
        steps, made = table.steps, table.intake
        event = int(steps.event[row])
        category = self.desk.keys[made.category[event]]
        channel = CHANNELS[made.channel[event]]
        record: dict[str, Any] = {
            "id": table.ids[event], "time": int(made.time[event]) * MICRO, "category": category, "channel": channel,
            "stage": STAGES[steps.stage[row]], "stage_time": int(steps.at[row]) * MICRO,
            "title": table.titles[event], "detail": DETAIL[channel].format(title=table.titles[event]),
            "department": self.desk.departments[made.category[event]], "due": int(steps.due[row]) * MICRO,
            "level": "紧急" if category in URGENT else "一般", "demo": True}
        record |= self.place(made, event)
        if steps.act[row]:
            record["act"] = ACTS[steps.act[row]]
        if steps.stage[row] == RATED:
            record["satisfaction"] = float(steps.score[row])
        if table.reporters[event]:
            record["reporter"] = table.reporters[event]
        return record

    def place(self, made: Intake, event: int) -> dict[str, Any]:
        """lon and lat, or the division where only the village or the township is known."""
        if made.placing[event] == BY_POINT:
            return {"lon": round(float(made.lon[event]), 6), "lat": round(float(made.lat[event]), 6)}
        village = self.county.ground.villages[made.village[event]]
        if made.placing[event] == BY_VILLAGE:
            return {"division": village.code}
        return {"division": self.county.ground.towns[village.town].code}


def _short(county: County, village: int) -> str:
    return short(county.ground.villages[village].name)
