"""Sends quarantined rows in again, corrected or as they came, through the collector's own door; or dismisses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import orjson

from data.again import Again
from data.audit import AuditFile
from data.batches import Verdict
from data.bodies import BadBody, key_twice, read_body
from data.clock import Clock
from data.errors import Unavailable, WrongInput
from data.mapping import RowMapper
from data.pack import Feed, Pack
from data.quarantine import MOST_RAW, WAITING, Judged, Quarantine, kind_of
from data.quarantine_view import Chosen, QuarantineView
from data.records import FIELDS

ANSWER_S = 60.0
Submit = Callable[[str, Sequence[Any], Again], Future[Verdict]]


@dataclass
class Outcome:
    """What came of it, in rows: taken in, dismissed, still waiting (by kind of reason); `reason`: the first one."""

    replayed: int = 0
    dismissed: int = 0
    waiting: int = 0
    reason: str = ""
    reasons: Counter[str] = field(default_factory=Counter)

    def refuse(self, reason: str) -> None:
        """One row goes on waiting."""
        self.waiting += 1
        self.reason = self.reason or reason
        self.reasons[kind_of(reason)] += 1

    def as_json(self) -> dict[str, Any]:
        """As the doors answer."""
        return {"replayed": self.replayed, "dismissed": self.dismissed, "waiting": self.waiting, "reason": self.reason,
                "reasons": dict(self.reasons)}


@dataclass(frozen=True)
class Replaying:
    """Works on waiting rows for somebody who may (the caller has asked gate.act). For any thread of the collector."""

    pack: Pack
    quarantine: Quarantine
    view: QuarantineView
    audit: AuditFile
    clock: Clock
    submit: Submit

    def correct(self, item: int, text: str, who: str) -> Outcome:
        """Sends one row in with a new text.

        Raises:
            NotFound: no such row. WrongInput: it is settled, or the text holds no record.
            Unavailable: the disk refuses, or the feed is busy.
        """
        row = self._open(item)
        if len(text) > MOST_RAW:
            raise WrongInput(f"更正后的原文超过 {MOST_RAW // 1_000_000} MB；请分成几条")
        self._read(row["feed"], text)
        sent = "" if text == row["raw"] else text
        self.audit.note(who, "correct", item=item, feed=row["feed"], reason=row["reason"], before=row["raw"],
                        after=text)
        out = Outcome()
        self._send(row["feed"], [row], {item: sent} if sent else {}, who, out)
        self.audit.note(who, "corrected", item=item, **out.as_json())
        return out

    def replay(self, chosen: Chosen, who: str) -> Outcome:
        """Sends rows in as they came: what was unknown then may be known now. Raises as `correct`."""
        self._check(chosen)
        self.audit.note(who, "replay", ids=list(chosen.ids), feed=chosen.feed, kind=chosen.kind, station=chosen.station)
        out = Outcome()
        for rows in self.view.chunks(chosen):
            for feed in dict.fromkeys(row["feed"] for row in rows):
                self._send(feed, [row for row in rows if row["feed"] == feed], {}, who, out)
        self.audit.note(who, "replayed", **out.as_json())
        return out

    def dismiss(self, chosen: Chosen, who: str) -> Outcome:
        """Settles rows without sending them in; they stay to be looked at. Raises as `correct`."""
        self._check(chosen)
        self.audit.note(who, "dismiss", ids=list(chosen.ids), feed=chosen.feed, kind=chosen.kind,
                        station=chosen.station)
        out = Outcome()
        for rows in self.view.chunks(chosen):
            out.dismissed += self.quarantine.dismiss([row["id"] for row in rows], who, self.clock.now_us())
        self.audit.note(who, "dismissed", **out.as_json())
        return out

    def _open(self, item: int) -> dict[str, Any]:
        row = self.view.row(item)
        if row["state"] != WAITING:
            raise WrongInput(f"第 {item} 号记录已经处理过，不能再送；要改正已入库的值请由来源重送")
        return row

    def _check(self, chosen: Chosen) -> None:
        if not chosen.ids and not chosen.feed:
            raise WrongInput("没有说明是哪些记录；请给出编号，或数据源（可再加原因、站点）")
        for item in chosen.ids:
            self._open(item)

    def _send(self, feed: str, rows: Sequence[Mapping[str, Any]], sent: dict[int, str], who: str, out: Outcome) -> None:
        again, raws = Again([], who, sent), []
        for row in rows:
            try:
                found = self._read(feed, sent.get(row["id"], row["raw"]))
            except WrongInput as error:
                out.refuse(str(error))
                if sent:
                    self.quarantine.put([], [Judged(row["id"], who, self.clock.now_us(), reason=str(error))])
                continue
            again.items += [row["id"]] * len(found)
            raws += found
        if not raws:
            return
        try:
            self.submit(feed, raws, again).result(ANSWER_S)
        except TimeoutError as error:
            raise Unavailable("采集器很忙，这次送回还在排队；请过一分钟刷新查看结果，不要重复送") from error
        self._tell(again, out)

    def _read(self, feed: str, text: str) -> list[Any]:
        if feed not in self.pack.feeds:
            raise WrongInput(f"数据源 {feed} 已不在 feeds.yaml；请先恢复声明或作废这些记录")
        return records_of(self.pack.feeds[feed], text, self.clock)

    def _tell(self, again: Again, out: Outcome) -> None:
        for state, reason in self.view.states(list(dict.fromkeys(again.items))):
            if state == WAITING:
                out.refuse(reason)
            else:
                out.replayed += 1


def records_of(feed: Feed, text: str, clock: Clock) -> list[Any]:
    """The raw canonical records in a text: one JSON object, an array, or JSON lines.

    Objects whose names are not all canonical fields come from a file or another system: the feed's mapping is applied.

    Raises:
        WrongInput: no JSON, no record, or refused by the mapping.
    """
    found = _objects(text)
    names = {spec.name for spec in FIELDS[feed.kind]} | {"demo"}
    if not feed.map.named or all(set(raw) <= names for raw in found if isinstance(raw, dict)):
        return found
    mapped = RowMapper(feed, clock).apply([raw for raw in found if isinstance(raw, dict)])
    if mapped.rejected:
        raise WrongInput(mapped.rejected[0][1])
    if not mapped.rows:
        raise WrongInput("按该数据源的映射读不出记录；请核对列名与数值")
    return mapped.rows


def _objects(text: str) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            lines = read_body(text.encode("utf-8", "replace"), lines=True)
        except (BadBody, ValueError) as error:
            raise WrongInput(f"原文不是完整的 JSON（{error}）；请改成一条 JSON 记录再送回") from error
        if lines.broken or not lines.raws:
            why = f"（{lines.broken[0][2]}）" if lines.broken else ""
            raise WrongInput(f"原文不是完整的 JSON{why}；请改成一条 JSON 记录再送回") from None
        return lines.raws
    if why := key_twice(text.encode("utf-8", "replace"), found):
        raise WrongInput(why)
    if isinstance(found, list) and found:
        return found
    if not isinstance(found, dict):
        raise WrongInput("原文里没有记录；请改成一条 JSON 记录再送回")
    return [found]
