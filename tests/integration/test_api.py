"""The API on a real collector and a real Redis, with the tiny pack: from a pushed record to every answer."""

from __future__ import annotations

import gzip
import itertools
import select
import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psutil
import pytest
from api_place import COUNTY, EAST, NOW, WEST, Served, case, running
from own_redis import wait_for

from access.principal import demo_principal

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tmp_path_factory.mktemp("api")) as place:
        yield place


def test_a_pushed_event_is_in_the_figure_and_its_second_push_is_a_duplicate(served: Served) -> None:
    assert served.push("cases", case("e1"), case("e2", EAST)).json() == {"accepted": 2, "duplicate": 0, "rejected": []}
    wait_for(lambda: served.value("open_cases") == 2)
    assert served.push("cases", case("e1")).json()["duplicate"] == 1
    wait_for(lambda: served.get("/metrics/open_cases").json()["freshness"] == "live")
    answer = served.get("/metrics/open_cases", by="township").json()
    assert answer["rows"] == {WEST: 1.0, EAST: 1.0}
    assert answer["unlocated"] == 0
    assert answer["source"] == "test"
    assert answer["freshness"] == "live"
    assert answer["time"].endswith("+08:00")
    assert answer["demo"] is True
    assert answer["served_from"] == "live"


def test_bad_records_are_named_and_the_good_ones_stay(served: Served) -> None:
    verdict = served.push("cases", case("e9"), {"id": "x"}, case("e10", stage="finished"),
                          case("e11", colour="red"), case("e12", "123456789012")).json()
    assert verdict["accepted"] == 1
    assert [row["index"] for row in verdict["rejected"]] == [1, 2, 3, 4]
    assert all(row["reason"] for row in verdict["rejected"])


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Authorization": "Bearer wrong"}, 401)])
def test_the_door_needs_the_feeds_own_token(served: Served, headers: dict[str, str], status: int) -> None:
    reply = served.client.post("/api/v1/feeds/cases/records", json=[], headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(("packing", "status"), [("gzip", 415), ("br", 415), ("identity", 200)])
def test_a_packed_push_is_told_to_come_unpacked(served: Served, packing: str, status: int) -> None:
    before = served.get("/quarantine").json()
    body = gzip.compress(b"[]") if packing == "gzip" else b"[]"
    reply = served.client.post("/api/v1/feeds/cases/records", content=body, headers={
        "Authorization": f"Bearer {served.tokens['cases']}", "Content-Encoding": packing})
    assert reply.status_code == status
    assert status == 200 or f"Content-Encoding: {packing} 不接受" in reply.json()["detail"]
    assert served.get("/quarantine").json() == before, "nothing was read, so nothing was refused"


def test_a_key_twice_is_refused_by_its_number_and_both_values_are_kept(served: Served) -> None:
    at = (NOW - timedelta(minutes=1)).isoformat()
    common = f'"category":"c","channel":"hotline","stage":"received","time":"{at}","stage_time":"{at}"'
    common = f'"division":"{EAST}",{common}'
    body = f'[{{"id":"k1",{common}}}, {{"id":"k2","title":"甲","title":"乙",{common}}}, {{"id":"k3",{common}}}]'
    reply = served.client.post("/api/v1/feeds/cases/records", content=body.encode(), headers={
        "Authorization": f"Bearer {served.tokens['cases']}", "Content-Type": "application/json"}).json()
    assert (reply["accepted"], [row["index"] for row in reply["rejected"]]) == (2, [1])
    assert "'title' 写了两次" in reply["rejected"][0]["reason"]
    group = next(row for row in served.get("/quarantine").json()["rows"] if "写了两次" in row["kind"])
    raw = served.get(f"/quarantine/{group['sample']}").json()["rows"][0]["raw"]
    assert '"title":"甲","title":"乙"' in raw


def test_a_body_too_large_is_refused_at_once(served: Served) -> None:
    reply = served.client.post("/api/v1/feeds/cases/records", content=b" " * 10_000_001,
                               headers={"Authorization": f"Bearer {served.tokens['cases']}"})
    assert reply.status_code == 413


def raw_push(served: Served, head: str, body: Iterator[bytes]) -> tuple[int, int]:
    """Status of the first answer to a request written byte by byte, and the bytes sent until it came."""
    url = served.client.base_url
    sent = 0
    with socket.create_connection((url.host, url.port or 80), timeout=10) as line:
        line.sendall((f"POST /api/v1/feeds/cases/records HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json"
                      f"\r\nAuthorization: Bearer {served.tokens['cases']}\r\n{head}\r\n\r\n").encode())
        for piece in body:
            if select.select([line], [], [], 0)[0]:
                break
            try:
                line.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += len(piece)
        return int(line.recv(64).split()[1]), sent


def test_a_hundred_megabytes_are_refused_before_they_are_read(served: Served) -> None:
    began, before = time.monotonic(), psutil.Process().memory_info().rss
    assert raw_push(served, "Content-Length: 100000000", iter(())) == (413, 0)
    assert time.monotonic() - began < 2, "the answer does not wait for the body"
    block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    status, sent = raw_push(served, "Transfer-Encoding: chunked", itertools.repeat(block, 100))
    assert status == 413
    assert sent < 60_000_000, "without a length it ends soon after the limit"
    assert psutil.Process().memory_info().rss - before < 100_000_000
    assert served.push("cases", case("after-flood")).json()["accepted"] == 1


def test_a_page_of_another_origin_cannot_write(served: Served) -> None:
    reply = served.client.post("/api/v1/feeds/cases/records", json=[case("csrf")], headers={
        "Authorization": f"Bearer {served.tokens['cases']}", "Origin": "http://evil.example"})
    assert reply.status_code == 403


@pytest.mark.parametrize(("path", "query", "status"), [
    ("/metrics/nothing", {}, 404), ("/metrics/open_cases", {"division": "000000000000"}, 404),
    ("/metrics/open_cases", {"by": "moon"}, 400), ("/metrics/open_cases", {"from": "yesterday"}, 400),
    ("/metrics/open_cases", {"from": "2026-11-22", "to": "2026-11-21"}, 400), ("/layers/secret.geojson", {}, 404),
    ("/layers/divisions-moon.geojson", {}, 404), ("/events/none", {}, 404), ("/events", {"cursor": "%%%"}, 400),
    ("/events", {"stage": "garbage"}, 400), ("/events", {"f.moon": "x"}, 400),
    ("/metrics/open_cases", {"f.stage": "received,nosuch"}, 400), ("/metrics/open_cases", {"divison": WEST}, 400),
    ("/divisions/1", {}, 404), ("/view", {"screen": "../../etc"}, 404),
    ("/view", {"screen": "overview", "division": "bogus"}, 400), ("/nowhere", {}, 404)])
def test_wrong_questions_get_one_sentence(served: Served, path: str, query: dict[str, str], status: int) -> None:
    reply = served.get(path, **query)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert len(reply.json()["detail"]) > 4


def test_geometry_is_immutable_compressed_and_revalidated(served: Served) -> None:
    first = served.get("/layers/divisions-township.geojson", v="1")
    assert "immutable" in first.headers["cache-control"]
    assert {f["properties"]["code"] for f in first.json()["features"]} == {WEST, EAST}
    again = served.client.get("/api/v1/layers/divisions-township.geojson",
                              headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_values_of_many_cells_stand_for_good_under_their_version(served: Served) -> None:
    first = served.get("/metrics/open_cases", by="township", v="1.1")
    assert "immutable" in first.headers["cache-control"]
    assert set(first.json()["rows"]) == {WEST, EAST}
    before = served.web.gate.computed
    again = served.client.get("/api/v1/metrics/open_cases", params={"by": "township", "v": "1.1"},
                              headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, served.web.gate.computed) == (304, before)
    assert "immutable" not in served.get("/metrics/open_cases", by="township").headers["cache-control"]


def test_the_catalogue_tells_what_the_map_can_show(served: Served) -> None:
    found = {row["id"]: row for row in served.get("/layers").json()["layers"]}
    assert set(found) == set(served.web.pack.metrics) | set(served.web.pack.layers) | {"graticule"}
    row = found["open_cases"]
    assert (row["kind"], row["source"], row["freshness"]) == ("metric", "test", "live")
    assert row["levels"][0] == served.web.pack.divisions.level_names[0]
    assert row["time"].endswith("+08:00")
    assert served.get("/layers", galaxy="1").status_code == 400


def test_cells_of_a_division_or_a_box_alone(served: Served) -> None:
    def codes(**query: str) -> set[str]:
        found = served.get("/layers/divisions-township.geojson", **query).json()
        return {feature["properties"]["code"] for feature in found["features"]}

    west, south, east, north = served.web.pack.divisions.geometry[served.web.pack.divisions.index(WEST)].bounds
    assert codes(division=WEST) == {WEST}
    assert codes(bbox=f"{west},{south},{(west + east) / 2},{north}") == {WEST}
    assert codes(bbox="10,10,11,11") == set()
    assert served.get("/layers/divisions-township.geojson", division="990199999999").status_code == 404


def test_a_second_viewer_costs_no_computation(served: Served) -> None:
    served.get("/view", screen="events", window="7d")
    before, stamp = served.web.gate.computed, served.web.gate.version(("cases",))
    for _ in range(5):
        assert served.get("/view", screen="events", window="7d").status_code == 200
    assert served.web.gate.computed == before or served.web.gate.version(("cases",)) != stamp


def test_every_screen_answers_even_where_the_pack_lacks_its_metrics(served: Served) -> None:
    for screen in ("overview", "economy", "events", "ecology", "emergency", "feeds", "topics"):
        view = served.get("/view", screen=screen).json()
        assert view["regions"]["lead"], screen
        assert view["screen"] == screen


def test_a_hostile_title_stays_text_in_every_region(served: Served) -> None:
    served.push("cases", case("evil", title="<img src=x onerror=alert(1)>", due=NOW.isoformat()))
    wait_for(lambda: any(row["id"] == "evil" for row in served.get("/events").json()["events"]))
    regions = served.get("/view", screen="events").json()["regions"]
    assert all("<img" not in html for html in regions.values())


def test_live_by_polling_names_the_feeds_that_changed(served: Served) -> None:
    since = served.get("/live", since="0").json()
    assert "cases" in since["feeds"]
    assert served.get("/live", since=str(since["seq"])).json()["feeds"] == []


def test_topics_events_divisions_feeds_and_openapi(served: Served) -> None:
    topics = served.get("/topics").json()
    assert topics["total"] == 53
    assert all(row["live"] or row["why_not"] for row in topics["topics"])
    children = served.get(f"/divisions/{COUNTY}").json()["children"]
    assert children == [{"code": WEST, "name": "西镇"}, {"code": EAST, "name": "东镇"}]
    assert {row["feed"] for row in served.get("/feeds").json()["feeds"]} >= {"cases", "gauges"}
    paths = served.get("/openapi.json").json()["paths"]
    free = [path for path, calls in paths.items() if "{" not in path and path != "/live" and not any(
        one.get("required") for one in calls.get("get", {}).get("parameters", ()))]
    assert len(free) >= 10
    assert {path: served.get(path).status_code for path in free} == dict.fromkeys(free, 200)


def test_finding_over_http_now_then_and_with_rights(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.push("stations", *({"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.05 + i / 20, "lat": 30.05}
                              for i in range(3)))
    wait_for(lambda: served.get("/search", q="站1").json()["total"] == 1)
    found = served.get("/search", q="z1", division=EAST).json()["results"][0]
    assert (found["kind"], found["id"], found["feed"]) == ("asset", "g1", "stations")
    assert served.get("/search", q="站1", at="2020-01-01").json()["results"] == [], "nobody knew of it then"
    assert served.get("/search", q="x", limit="51").status_code == 400
    here = served.get("/here/asset:stations:g1").json()
    assert here["thing"]["name"] == "站1"
    assert served.get("/here/nowhere").status_code == 400
    other = next(code for code in (WEST, EAST) if code not in {step["code"] for step in here["chain"]})
    monkeypatch.setattr(served.web.sessions, "principal", lambda _session: demo_principal(other))
    assert all(row["division_code"] == other for text in ("站", "z", "e") for row in
               served.get("/search", q=text).json()["results"])
    assert served.get("/here/asset:stations:g1").status_code == 403
    assert "站1" not in served.get("/view", pin="asset:stations:g1", tool="find", division=other).text


def test_one_event_has_its_history(served: Served) -> None:
    served.push("cases", case("h1"), case("h1", stage="closed"))
    wait_for(lambda: len(served.get("/events/h1").json().get("history", [])) == 2)
    assert [row["stage_code"] for row in served.get("/events/h1").json()["history"]] == ["received", "closed"]


def test_health_and_prometheus(served: Served) -> None:
    assert served.client.get("/healthz").text == "ok"
    assert "yiping_seq" in served.client.get("/metrics").text
    ready = served.client.get("/readyz").json()
    assert (ready["redis"], ready["served_from"]) == (True, "live")


def test_security_headers_stand_on_every_answer(served: Served) -> None:
    for path in ("/healthz", "/api/v1/feeds", "/api/v1/nowhere", "/", "/api/v1/metrics/none"):
        headers = served.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe-eval" not in headers["content-security-policy"], path


def test_the_one_time_link_opens_writing_once(served: Served) -> None:
    from data import once

    token = once.make(served.settings)
    reply = httpx.get(served.client.base_url.join("/login"), params={"once": token})
    assert (reply.status_code, "HttpOnly" in reply.headers["set-cookie"]) == (303, True)
    assert httpx.get(served.client.base_url.join("/login"), params={"once": token}).status_code == 403
