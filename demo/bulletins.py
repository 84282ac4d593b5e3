"""Warnings of the demo county's weather office, by stated rules from rain that fell and from dry, hot or foggy days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.chance import Reals, one
from demo.days import DAY_S, date_of
from demo.series import MICRO

if TYPE_CHECKING:
    from demo.county import County

OFFICE = "县气象局"
# level: hours of rain, mm at the wettest station, hours that the warning holds
RAIN_RULES = (("red", 3, 100.0, 6), ("orange", 3, 50.0, 6), ("yellow", 6, 50.0, 6), ("blue", 12, 50.0, 12))
WORDS = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}
ORDER = ("", "blue", "yellow", "orange", "red")
LOOK_BACK_H = 96
NAMED = 4


@dataclass(frozen=True)
class Bulletin:
    """A warning in force from `sent` to `ends` (s); `ends` is earlier than `expires` when lifted or raised."""

    id: str
    kind: str
    level: str
    sent: int
    expires: int
    ends: int
    towns: tuple[int, ...]
    detail: str
    references: tuple[str, ...]


class Bulletins:
    """All warnings of a county, as a function of time."""

    def __init__(self, county: County):
        self.county = county

    def between(self, after: int, until: int) -> list[Bulletin]:
        """Warnings sent in (after, until] (s), by time."""
        found = [one_ for one_ in self._rain(after, until) + self._daily(after, until) if after < one_.sent <= until]
        return sorted(found, key=lambda bulletin: (bulletin.sent, bulletin.id))

    def records(self, after: int, until: int) -> list[dict[str, Any]]:
        """Records told in (after, until]: issues, and the same warning again when it is lifted or replaced."""
        told: list[tuple[int, dict[str, Any]]] = []
        for bulletin in self.between(after - 5 * DAY_S, until):
            if bulletin.sent > after:
                told.append((bulletin.sent, self.record(bulletin, bulletin.expires, "actual")))
            if bulletin.ends < bulletin.expires and after < bulletin.ends <= until:
                told.append((bulletin.ends, self.record(bulletin, bulletin.ends, "cancelled")))
        return [record for _, record in sorted(told, key=lambda pair: (pair[0], pair[1]["id"]))]

    def record(self, bulletin: Bulletin, expires: int, status: str) -> dict[str, Any]:
        """The canonical warning record."""
        word = WORDS[bulletin.level]
        return {"id": bulletin.id, "kind": bulletin.kind, "level": bulletin.level, "sent": bulletin.sent * MICRO,
                "expires": expires * MICRO, "status": status, "demo": True,
                "headline": f"{OFFICE}{'解除' if status == 'cancelled' else '发布'}{bulletin.kind}{word}预警",
                "detail": bulletin.detail, "references": list(bulletin.references),
                "divisions": [self.county.ground.towns[town].code for town in bulletin.towns]
                or [self.county.ground.divisions.root.code]}

    def _rain(self, after: int, until: int) -> list[Bulletin]:
        """Walks the hours from a fixed grid of days before, so that every call sees the same warnings."""
        first = after // 3600 - after // 3600 % 24 - LOOK_BACK_H
        last = until // 3600 + 1
        fell = self.county.sky.hours(first - 12, last)
        sums = np.concatenate([np.zeros((1, fell.shape[1])), np.cumsum(fell, axis=0)])
        stations = len(self.county.sites["station_rain"].ids)
        issued: list[Bulletin] = []
        for hour in range(first, last):
            row = hour - first + 13
            # gauges count in tenths: so two of the same rain stay the same from whatever hour the sums began
            wet = {hours: np.round(sums[row] - sums[row - hours], 1) for _, hours, _, _ in RAIN_RULES}
            level = next((rule for rule in RAIN_RULES if wet[rule[1]][:stations].max() >= rule[2]), None)
            self._step(issued, (hour + 1) * 3600, level, self._by_town(wet[level[1]], stations) if level else None)
        return issued

    def _by_town(self, wet: Reals, stations: int) -> tuple[Reals, Reals]:
        """(towns,) mm at the wettest gauge of each township (0 where it has none), and mm that fell on it."""
        measured = np.zeros(len(wet) - stations)
        np.maximum.at(measured, self.county.sites["station_rain"].town, wet[:stations])
        return measured, np.maximum(measured, wet[stations:])

    def _step(self, issued: list[Bulletin], now: int, rule: tuple[str, int, float, int] | None,
              fallen: tuple[Reals, Reals] | None) -> None:
        current = issued[-1] if issued and issued[-1].ends > now else None
        if rule is None or fallen is None:
            return
        level, hours, limit, holds = rule
        if current is not None and ORDER.index(current.level) >= ORDER.index(level):
            return
        sent = now + 240
        if current is not None:
            issued[-1] = Bulletin(**{**current.__dict__, "ends": sent})
        measured, fell = fallen
        reached = [int(town) for town in np.argsort(-measured, kind="stable") if measured[town] >= limit]
        wet = [int(town) for town in np.argsort(-fell, kind="stable") if fell[town] >= 0.5 * limit]
        towns = (*reached, *(town for town in wet if town not in reached))
        text = f"过去{hours}小时{self._named(reached)}降雨量已达{limit:.0f}毫米以上，预计强降雨仍将持续，"
        text += f"另有{len(towns) - len(reached)}个乡镇可能受影响，" if len(towns) > len(reached) else ""
        text += "请注意防范。"
        issued.append(Bulletin(_id(self.county, sent, f"rain-{level}"), "暴雨", level, sent, sent + holds * 3600,
                               sent + holds * 3600, towns, text, (current.id,) if current else ()))

    def _named(self, towns: list[int]) -> str:
        """The first `NAMED` of the townships, and how many they are in all where there are more."""
        names = "、".join(self.county.ground.towns[town].name for town in towns[:NAMED])
        return f"{names}等{len(towns)}个乡镇" if len(towns) > NAMED else names

    def _daily(self, after: int, until: int) -> list[Bulletin]:
        zone = self.county.days.zone_s
        found = []
        for day in range((after + zone) // DAY_S - 3, (until + zone) // DAY_S + 1):
            found += [bulletin for bulletin in (self._fire(day), self._heat(day), self._fog(day)) if bulletin]
        return found

    def _make(self, day: int, hours: tuple[float, float], kind: str, level: str, detail: str) -> Bulletin:
        """A warning of the whole county from one local hour of the day to another."""
        sent, ends = (self.county.days.start(day) + int(hour * 3600) for hour in hours)
        return Bulletin(_id(self.county, sent, kind), kind, level, sent, ends, ends, (), detail, ())

    def _fire(self, day: int) -> Bulletin | None:
        """Forest fire danger in the dry months: yellow after 6 days under 2 mm, orange after 12."""
        if 3 <= date_of(day).month <= 9 or day % 2:
            return None
        stations = len(self.county.sites["station_rain"].ids)
        hours = (self.county.days.start(day) // 3600) - 12 * 24
        fell = self.county.sky.hours(hours, hours + 12 * 24)[:, :stations]
        daily = fell.mean(axis=1).reshape(12, 24).sum(axis=1)
        if daily[-6:].sum() >= 2.0:
            return None
        level = "orange" if daily.sum() < 2.0 else "yellow"
        text = "近期降雨持续偏少，森林火险气象等级较高，请加强野外火源管控。"
        return self._make(day, (10.0, 56.0), "森林火险", level, text)

    def _heat(self, day: int) -> Bulletin | None:
        noon = np.array([self.county.days.start(day) + 15 * 3600])
        hottest = float(self.county.sky.temperature(noon)[0])
        if hottest < 35.5:
            return None
        return self._make(day, (9.5, 19.5), "高温", "orange" if hottest >= 37.0 else "yellow",
                          f"预计今天午后最高气温将达{hottest:.0f}℃左右，请注意防暑降温。")

    def _fog(self, day: int) -> Bulletin | None:
        if date_of(day).month in (6, 7, 8, 9) or one(self.county.seed, "fog", day) > 0.05:
            return None
        return self._make(day, (5.5, 10.5), "大雾", "yellow", "预计未来数小时部分乡镇能见度低于500米，请注意行车安全。")


def _id(county: County, sent: int, kind: str) -> str:
    local = sent + county.days.zone_s
    stamp = date_of(local // DAY_S).strftime("%Y%m%d") + f"{local % DAY_S // 3600:02d}{local % 3600 // 60:02d}00"
    kinds = {"森林火险": "25", "高温": "09", "大雾": "17"}
    return f"{county.ground.divisions.root.code[:6]}41600000_{stamp}_{kinds.get(kind, kind)}"
