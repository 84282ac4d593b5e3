"""What was on the screens at an instant is what a replay of it shows, whatever was received since: field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from recorded_county import OTHER, ROOT, TOWN, Recorder, Shown, first_day, go_on, stage_of, told, words
from recount_world import DAY, HOUR, MINUTE, NOW, observation

from access.principal import demo_principal
from data.answers import Answer, Question, Scope
from data.clock import from_us
from data.windows import window_of

pytestmark = [pytest.mark.integration, pytest.mark.slow]
INSTANTS = tuple(NOW + minutes * MINUTE for minutes in (7, 41, 97))
# Counted since midnight, over weeks, or as the present puts it: of these only the present is kept (architecture.md).
ROWS_OF_NOW = {"accepted", "duplicate", "rejected", "last_received_us", "last_contact_us", "read_as", "judged_us",
               "volume", "usual", "span_h", "score", "timely", "sound", "complete", "week_accepted", "week_rejected",
               "rule", "lost_s", "drift", "drift_since_us", "waiting", "reasons", "last_time_us"}
DESK_OF_NOW = {"quarantine", "quarantine_item", "feed_departments"}
# Regions that say it is a replay, or show what DESK_OF_NOW and ROWS_OF_NOW say.
SAY_SO = {"situation"}
BANNER = ("未更新", "到回放时刻")


@dataclass
class Story:
    """The recorded instants, and the county some hours on."""

    county: Recorder
    live: dict[int, Shown]


def corrections(county: Recorder, at: int) -> None:
    """What was said wrongly or too late before: none of it may be seen in a replay of the time before."""
    hour = NOW // HOUR * HOUR
    county.push("rain", [observation("RN01", "rain_mm", hour - HOUR, 99.5)], at)
    county.push("river", [observation("RV01", "river_level_m", hour, 113.3)], at)
    # Older than what memory holds, so that history itself is asked: four days, and hours nobody had told of.
    county.push("air_hourly", [observation("AQ01", name, hour - 4 * DAY - n * HOUR, 333.0)
                               for name in ("pm25", "pm10") for n in range(20)], at)
    county.push("rain", [observation("RN02", "rain_mm", hour - 9 * HOUR + 7 * MINUTE, 44.0)], at)
    # A complaint that was another township's, one that nobody had told of, one of two months ago that stirs again.
    moved = dict(division=OTHER, due=NOW - 2 * HOUR, title="更正后的标题")
    county.push("events", [stage_of("planted-moved", "received", 3, 3, **moved)], at)
    county.push("events", [stage_of("planted-late", "received", 30, 30, division=TOWN, due=NOW - HOUR)], at)
    county.push("events", [stage_of("planted-old", "handling", -0.15, 24 * 57, division=TOWN, due=NOW + DAY)], at)
    county.push("population", [{**row, "value": row["value"] * 2} for row in county.people[:6]], at)


def plant(county: Recorder) -> None:
    """What the corrections of later are about."""
    county.people = county.population()
    county.push("events", [stage_of("planted-moved", "received", 3, 3, division=TOWN, due=NOW + HOUR)], NOW)
    county.push("warnings", [warning("w-raised", "yellow"), warning("w-lifted", "red")], NOW)


def warning(key: str, level: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": "雷电", "level": level, "sent": NOW - HOUR, "expires": NOW + 5 * HOUR,
            "divisions": [ROOT], "headline": f"雷电预警 {key}", "demo": True} | more


def upheaval(county: Recorder, at: int) -> None:
    """Warnings are raised and lifted, a camera moves and is renamed, one is new, a source refuses."""
    county.push("warnings", [warning("w-raised", "orange", expires=at + 9 * HOUR),
                             warning("w-end", "red", sent=at, references=["w-lifted"], status="cancelled")], at)
    camera = county.asset("camera")
    county.push("assets", [{**camera, "name": "换了名字的摄像头", "lon": camera["lon"] + 0.05,
                            "properties": {**camera["properties"], "online": False}},
                           {**camera, "id": "camera-new", "name": "新装的摄像头"}], at)
    county.book.failed("parking", "对方拒绝连接", at)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    county = first_day(tmp_path_factory.mktemp("story"))
    plant(county)
    live = {}
    for instant in INSTANTS:
        go_on(county, instant)
        live[instant] = county.record()
        if instant == INSTANTS[0]:
            corrections(county, instant + MINUTE)
            county.clock.put(instant + MINUTE)
        if instant == INSTANTS[1]:
            upheaval(county, instant + MINUTE)
            county.clock.put(instant + MINUTE)
    go_on(county, INSTANTS[-1] + 10 * MINUTE)
    county.writer.commit()
    return Story(county, live)


def differing(was: Answer, shown: Answer) -> dict[str, tuple[Any, Any]]:
    """Fields in which two answers differ beyond what is only kept of now."""
    old, new = told(was), told(shown)
    if was.question.kind == "feeds":
        for found in (old, new):
            found["rows"] = [{key: value for key, value in row.items() if key not in ROWS_OF_NOW}
                             for row in found["rows"]]
            found["time"] = None
    if was.question.order == "newest":
        # Of what ended before memory the coordinates stay with history: when it leaves is no matter of the instant.
        old["unlocated"] = new["unlocated"]
    same = {name for name in old if old[name] == new[name] or near(old[name], new[name])}
    return {name: (old[name], new[name]) for name in old if name not in same}


def near(was: Any, shown: Any) -> bool:
    """Equal but for the last digits of sums taken in another order."""
    if isinstance(was, float) and isinstance(shown, float):
        return was == pytest.approx(shown, rel=1e-12)
    if isinstance(was, tuple) and isinstance(shown, tuple) and len(was) == len(shown):
        return all(a == b or (hasattr(a, "value") and type(a) is type(b) and vars(a) | {"value": 0} == vars(b) |
                              {"value": 0} and near(a.value, b.value)) for a, b in zip(was, shown, strict=True))
    return False


def kept(where: str, answer: Answer) -> bool:
    return answer.question.name not in DESK_OF_NOW and answer.question.kind != "topics"


@pytest.mark.parametrize("instant", INSTANTS)
@pytest.mark.parametrize("order", ["alone", "stepped"])
def test_every_answer_of_every_screen_is_that_of_then(story: Story, instant: int, order: str) -> None:
    if order == "stepped":
        # From an instant some minutes before, as a player comes: made from its tables and what was received since.
        for before in (4 * MINUTE + 123, MINUTE - 7):
            ask(story, Question("feeds"), at=from_us(instant - before).isoformat())
    else:
        story.county.forget_past()
    then, live = story.county.replay(instant), story.live[instant]
    assert then.answers.keys() == live.answers.keys()
    wrong = {key: found for key, was in live.answers.items() if kept(key[0], was)
             and (found := differing(was, then.answers[key]))}
    assert wrong == {}


@pytest.mark.parametrize("instant", INSTANTS)
def test_every_page_reads_as_it_read_then(story: Story, instant: int) -> None:
    then, live = story.county.replay(instant), story.live[instant]
    wrong = []
    for place, was in live.views.items():
        if place.startswith(("feeds", "topics")):
            continue
        for name, region in was["regions"].items():
            old, new = words(region), words(then.views[place]["regions"][name])
            if name not in SAY_SO and old != new and not all(word in new for word in BANNER):
                wrong.append((place, name, old, new))
        for name in ("values", "classes", "marks", "level", "metric", "focus"):
            if was["map"].get(name) != then.views[place]["map"].get(name):
                wrong.append((place, name, was["map"].get(name), then.views[place]["map"].get(name)))
    assert wrong == []


def ask(story: Story, question: Question, code: str = ROOT, **query: str) -> Answer:
    span = window_of(query, story.county.clock.now(), "Asia/Shanghai")
    return story.county.web.gate.read(demo_principal(ROOT), question, Scope(code), span)


def test_with_what_is_known_now_the_corrections_are_in(story: Story) -> None:
    then = {"at": from_us(INSTANTS[0]).isoformat()}
    rain = [ask(story, Question("metric", "rain_24h_max"), **then, **more).value or 0
            for more in ({}, {"known": "now"})]
    assert rain[1] > rain[0]
    late = [ask(story, Question("metric", "open_events"), TOWN, **then, **more).value or 0
            for more in ({}, {"known": "now"})]
    assert late[1] - late[0] == 1 - 1, "one that was told late is in, one that was another township's is out"


def test_the_corrections_would_have_been_seen(story: Story) -> None:
    """The test above can fail: what came later does change the screens of now."""
    first, last = story.live[INSTANTS[0]], story.live[INSTANTS[-1]]
    assert any(differing(was, last.answers[key]) for key, was in first.answers.items())
    now = {row["id"]: row for row in ask(story, Question("warnings")).rows}
    assert (now["w-raised"]["level"], now["w-lifted"]["active"]) == ("orange", False)
    before = {row["id"]: row for row in ask(story, Question("warnings"), at=from_us(INSTANTS[0]).isoformat()).rows}
    assert (before["w-raised"]["level"], before["w-lifted"]["active"], "w-end" in before) == ("yellow", True, False)
    known = ask(story, Question("warnings"), at=from_us(INSTANTS[0]).isoformat(), known="now").rows
    assert {row["id"]: (row["level"], row["active"]) for row in known if row["id"].startswith("w-")} == {
        "w-raised": ("orange", True), "w-lifted": ("red", True)}
    names = [{row["name"] for row in ask(story, Question("rows", "assets:camera"), **query).rows}
             for query in ({"at": from_us(INSTANTS[1]).isoformat()}, {})]
    assert ["新装的摄像头" in found for found in names] == [False, True]
    feeds = [{row["feed"]: row["freshness"] for row in ask(story, Question("feeds"), at=from_us(at).isoformat()).rows}
             for at in INSTANTS]
    assert [found["parking"] == "down" for found in feeds] == [False, False, True]


def test_the_bar_marks_when_something_was_first_told(story: Story) -> None:
    span = f"{from_us(NOW - HOUR).isoformat()}~{from_us(INSTANTS[-1] + MINUTE).isoformat()}"
    for query in ({}, {"at": from_us(INSTANTS[0]).isoformat()}):
        found = ask(story, Question("timeline", span), **query)
        told_at = {row["text"]: row["us"] for row in found.rows if row["kind"] == "warning"}
        # Sent an hour before it came: nobody saw it sooner; what was raised later keeps its first mark.
        assert told_at["雷电预警 w-raised"] == told_at["雷电预警 w-lifted"] == NOW
        lost = [row for row in found.rows if row["kind"] == "loss"]
        assert [(row["text"], row["until_us"]) for row in lost] == [(story.county.pack.feeds["parking"].name, 0)]
        assert INSTANTS[1] < lost[0]["us"] <= INSTANTS[-1]
        assert sum(found.parts["cells"]) == found.parts["events"] > 100
        assert found.parts["from_us"] == NOW - HOUR
    narrow = ask(story, Question("timeline", span), TOWN)
    events = [row for row in narrow.rows if row["kind"] == "event"]
    assert len(events) == narrow.parts["events"] > 0
    assert [row["us"] for row in narrow.rows] == sorted(row["us"] for row in narrow.rows)


def test_a_past_that_cannot_change_listens_to_nothing(story: Story) -> None:
    then, live = story.county.replay(INSTANTS[0]), story.live[INSTANTS[0]]
    for place, shown in then.views.items():
        assert (shown["feeds"], bool(live.views[place]["feeds"])) == ((), True), place
    known = story.county.replay(INSTANTS[0], known="now")
    assert all(shown["feeds"] for shown in known.views.values())
