"""schemathesis against the running web server: every call of the OpenAPI document, with right and with wrong questions.

`EXAMPLES` = questions a call, right ones and wrong ones each (8; the long form asks more); `SEED` chooses them.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import schemathesis
from api_place import COUNTY, EAST, NOW, WEST, Served, filled
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from api.openapi_calls import CALLS as DECLARED

pytestmark = pytest.mark.integration
EXAMPLES = int(os.environ.get("EXAMPLES", "8"))
SEED = int(os.environ.get("SEED", "20261122"))
# Right by the schema of each parameter, and yet no question: what the schema cannot say must be said in the answer.
TOGETHER = re.compile("必须早于|不能按 by=|个点，最多|不是日期或时间|没有说明是哪些|是另一次查询的|deed 应为 correct|"
                      "已经处理过")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with filled(tmp_path_factory.mktemp("fuzzed")) as place:
        yield place


@pytest.fixture(scope="module")
def document(served: Served) -> Any:
    raw = served.get("/openapi.json").json()
    asked = [one for path in raw["paths"].values() for call in path.values() for one in call["parameters"]]
    # What only the data know: without it most right questions would be about nothing.
    held = {"division": [COUNTY, WEST, EAST], "code": [COUNTY, WEST, EAST], "event": ["e1", "e2", "none"],
            "cursor": [served.get("/events").json()["next"]], "feed": ["cases"],
            "pin": ["100.05,30.05", "asset:stations:g1", "event:cases:e1", "event:cases:none", "7,7"],
            "near": ["100.05,30.05", "100.15,30.02"],
            "area": ["circle:100.05,30.05,3000", "polygon:100.01,30.01;100.19,30.02;100.1,30.09",
                      "line:500;100.02,30.05;100.18,30.05"]}
    for path in raw["paths"].values():
        # Rights are given by `rights_of`, and their absence is tested by name.
        path.get("post", {}).pop("security", None)
    for parameter in asked:
        if parameter["name"] in held:
            empty = [""] if parameter["in"] == "query" and not parameter["required"] else []
            parameter["schema"] = {"type": "string", "enum": [*empty, *held[parameter["name"]]]}
        elif parameter["name"] == "item":
            # What is pushed here fills the quarantine.
            parameter["schema"] = {"type": "string", "pattern": "^([1-9]|999999)$"}
    found = schemathesis.openapi.from_dict(raw)
    found.config.update(base_url=f"{served.client.base_url}/api/v1".replace("//api", "/api"))
    return found


def operations() -> list[Any]:
    """(call, right or wrong questions); a call without any parameter cannot be asked wrongly."""
    found = []
    for call in DECLARED:
        label = f"{call.method.upper()} {call.path}"
        found.append(pytest.param(label, GenerationMode.POSITIVE, id=f"{label} right"))
        if call.query or call.method == "post" or "{" in call.path:
            found.append(pytest.param(label, GenerationMode.NEGATIVE, id=f"{label} wrong"))
    return found


def ask(served: Served, case: Any, rights: dict[str, str]) -> Any:
    """Sends a case; the stream of `/live` is read as far as its first message."""
    if case.path == "/live" and "since" not in (case.query or {}):
        case.query = {"since": "0"}
    return case.call(headers=rights)


def rights_of(served: Served, label: str) -> dict[str, str]:
    """A feed's token for its door, the duty's session for the desk; nothing for what anybody may read."""
    if label == "POST /feeds/{feed}/records":
        return {"Authorization": f"Bearer {served.tokens['cases']}"}
    return {"Cookie": f"yp_session={served.duty}"} if label == "POST /quarantine" else {}


@pytest.mark.parametrize(("label", "mode"), operations())
def test_every_call_keeps_what_the_document_says(served: Served, document: Any, label: str, mode: Any) -> None:
    method, path = label.split(" ")
    operation = document[path][method]
    told: Counter[int] = Counter()
    # A page's address is read kindly: an unknown word is left aside there, never an error page.
    # At the door a wrong record among right ones is refused by its number, not the whole body.
    kind = path in ("/view", "/feeds/{feed}/records")
    left = {"max_response_time", *(["negative_data_rejection"] if kind else [])}
    names = [name for name in CHECKS.get_all_names() if name not in left]
    accepting = CHECKS.get_by_names(["positive_data_acceptance"])[0]
    checks = CHECKS.get_by_names(names)

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        reply = ask(served, case, rights_of(served, label))
        told[reply.status_code] += 1
        together = mode is GenerationMode.POSITIVE and reply.status_code == 400
        if together:
            assert TOGETHER.search(reply.json()["detail"]), reply.text
        if label.endswith("records") and reply.status_code == 200 and isinstance(case.body, list):
            assert sum((verdict := reply.json())[name] for name in ("accepted", "duplicate")) \
                + len(verdict["rejected"]) == len(case.body), "every record has its verdict"
        case.validate_response(reply, checks=[check for check in checks if not together or check is not accepting])

    run()
    assert told
    assert max(told) < 500, f"seed {SEED}"


def test_the_check_bites(served: Served, document: Any) -> None:
    raw = served.get("/openapi.json").json()
    media = raw["paths"]["/feeds"]["get"]["responses"]["200"]["content"]["application/json"]
    media["schema"]["required"].append("nowhere")
    lying = schemathesis.openapi.from_dict(raw)
    lying.config.update(base_url=document.config.base_url)
    case = lying["/feeds"]["GET"].Case()
    with pytest.raises(FailureGroup):
        case.call_and_validate()


def test_errors_of_every_kind_are_problem_documents(served: Served) -> None:
    client, door = served.client, "/api/v1/feeds/cases/records"
    bearer = {"Authorization": f"Bearer {served.tokens['cases']}"}
    told = {
        404: client.get("/api/v1/nowhere"), 405: client.delete("/api/v1/feeds"), 400: served.get("/feeds", at="soon"),
        401: client.post(door, json=[]), 413: client.post(door, content=b" " * 10_000_001, headers=bearer),
        403: client.post("/api/v1/quarantine", json={"deed": "dismiss", "ids": [1]})}
    for status, reply in told.items():
        said = reply.json()
        assert (reply.status_code, said["status"]) == (status, status)
        assert reply.headers["content-type"] == "application/problem+json"
        assert len(said["title"]) > 1
        assert len(said["detail"]) > 4
    assert set(told[405].headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
    assert set(client.put("/api/v1/quarantine").headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}


def test_every_call_refuses_a_parameter_that_it_does_not_have(served: Served) -> None:
    """A slip in a name must not be answered as if nothing had been asked; only a page's address is read kindly."""
    for call in DECLARED:
        path = re.sub(r"\{(\w+)\}", lambda part: {"code": COUNTY, "item": "1", "feed": "cases", "event": "e1",
                                                  "metric": "level", "layer": "events", "tiles": "none", "z": "1",
                                                  "x": "0", "y": "0", "pin": "asset:stations:g1"}[part[1]], call.path)
        for odd in ("divison", *(() if call.filtered else ("f.stage",))):
            reply = served.client.request(call.method, f"/api/v1{path}", params={odd: "received"},
                                          headers=rights_of(served, f"{call.method.upper()} {call.path}"))
            if call.strict:
                assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json"), path
                assert odd in reply.json()["detail"]
            else:
                assert reply.status_code == 200, path


def _counted(value: Any) -> bool:
    """Whether an instant is told in microseconds anywhere inside."""
    if isinstance(value, dict):
        return any(str(name).endswith("_us") or _counted(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(map(_counted, value))
    return isinstance(value, (int, float)) and abs(value) > 10**14


def test_instants_are_told_with_the_places_offset(served: Served) -> None:
    place = datetime.now(ZoneInfo(served.web.pack.place.timezone))
    calls = ("/events", "/events/e1", "/warnings", "/feeds", "/departments", "/quarantine", "/quarantine/1",
             "/metrics/level", "/topics", "/metrics", f"/divisions/{COUNTY}", "/layers/events.geojson")
    found = {path: served.get(path).json() for path in calls}
    assert [path for path, answer in found.items() if _counted(answer)] == []
    assert served.get("/events").json()["events"][0]["due"] is None
    told = [found["/events/e1"]["time"], found["/events/e1"]["history"][0]["time"],
            found["/warnings"]["warnings"][0]["expires"], found["/feeds"]["feeds"][0]["last_received"],
            found["/departments"]["departments"][0]["since"], found["/quarantine"]["rows"][0]["first"],
            found["/quarantine/1"]["rows"][0]["last"]]
    for instant in told:
        assert datetime.fromisoformat(instant).utcoffset() == place.utcoffset(), instant
    # The sender's own instant comes back as it was.
    assert datetime.fromisoformat(told[0]) == NOW - timedelta(minutes=2)


def test_what_is_unchanged_is_not_sent_again(served: Served) -> None:
    for call in DECLARED:
        if not call.tagged or "{" in call.path or call.path == "/view" or call.needs:
            continue
        window = {"from": "2026-01-01", "to": "2026-02-01"} if "from" in call.query else {}
        first = served.get(call.path, **window)
        again = served.client.get(f"/api/v1{call.path}", params=window,
                                  headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
        moves = call.path == "/topics" or again.headers["etag"] != first.headers["etag"]
        assert (again.status_code, again.content) == (304, b"") or moves, call.path


def test_the_pages_of_a_list_hold_every_event_once(served: Served) -> None:
    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = served.get("/events", cursor=cursor).json()
        found += [row["id"] for row in page["events"]]
        cursor, pages = page["next"], pages + 1
    assert pages == 3
    assert sorted(found) == sorted(f"e{i}" for i in range(230))


def test_a_table_that_leaves_says_of_when_in_what_state_and_who_took_it(served: Served) -> None:
    reply = served.get("/departments", format="csv")
    assert reply.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"))))
    end = rows.index([])
    about = dict(rows[end + 1:])
    newest = max(datetime.fromisoformat(row["last_time"]) for row in served.get("/departments").json()["departments"]
                 if row["last_time"])
    assert [len(row) for row in rows[:end]] == [len(rows[0])] * end
    assert datetime.fromisoformat(about["数据时间"]) == newest
    assert "演示数据" in about["状态"]
    assert "个正常" in about["状态"]
    assert about["导出人"] == "demo（demo）"
    assert abs(datetime.fromisoformat(about["导出时间"]).timestamp() - time.time()) < 60


def test_the_stream_begins_with_a_message(served: Served) -> None:
    with served.client.stream("GET", "/api/v1/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        first = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert json.loads(first[6:])["seq"] >= 230
