"""HTTP as a source against a real server: paths, pages, validators, tokens, and everything a server does wrong."""

from __future__ import annotations

import gzip
import io
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pull_site import Server, certificate, feed_of, round_of, say, serving, site_of

from data.errors import NotAllowed, WrongInput, YipingError
from data.source import Source
from data.source_faults import Away
from data.sources.http import open_source

pytestmark = pytest.mark.integration
ROWS = [{"station": f"g{i}", "metric": "level", "time": "2026-11-20T08:00:00+08:00", "value": i} for i in range(25)]
Opener = Callable[..., Source]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def opened(server: Server, tmp_path: Path) -> Opener:
    def make(path: str = "/a", more: str = "", scheme: str = "http", form: str = "") -> Source:
        source = f"{{kind: http, format: '{form}', http: {{url: '{scheme}://localhost:{server.port}{path}' {more}}}}}"
        return open_source(site_of(tmp_path / "s", feed_of(source), f"localhost:{server.port}"))

    return make


def test_a_json_path_leads_to_the_rows(server: Server, opened: Opener) -> None:
    server.answers["/a"] = say(orjson.dumps({"code": 0, "data": {"items": [{"id": "g1", "v": {"level": 2.5}}]}}))
    rows, _, portions = round_of(opened(more=", rows: 'data.items[].{station: id, value: v.level}'"))
    assert rows == [{"station": "g1", "value": 2.5}]
    assert portions[0].read_as == "json utf-8"
    with pytest.raises(WrongInput, match="找不到记录（里面有 code、data）"):
        round_of(opened(more=", rows: data.list"))


def test_the_usual_list_names_and_other_formats(server: Server, opened: Opener) -> None:
    server.answers["/a"] = say(orjson.dumps({"records": ROWS[:2]}))
    assert round_of(opened())[0] == ROWS[:2]
    server.answers["/a"] = say(b"\n".join(map(orjson.dumps, ROWS[:3])), content_type="application/x-ndjson")
    assert round_of(opened())[0] == ROWS[:3]
    text = "站,值\ng1,1.5\ng2,坏\n".encode("gb18030")
    server.answers["/a"] = say(text, content_type="text/csv")
    rows, _, portions = round_of(opened())
    assert rows == [{"站": "g1", "值": "1.5"}, {"站": "g2", "值": "坏"}]
    assert portions[0].read_as == "csv gb18030"


def test_binary_answers_are_read_in_the_parsers_child(server: Server, tmp_path: Path) -> None:
    made = io.BytesIO()
    pq.write_table(pa.table({"station": ["g1", "g2"], "time": [1_795_000_000_000_000, 1_795_000_060_000_000]}), made)
    server.answers["/a"] = say(made.getvalue(), content_type="application/vnd.apache.parquet")
    source = f"{{kind: http, http: {{url: 'http://localhost:{server.port}/a'}}}}"
    site = site_of(tmp_path / "s", feed_of(source), f"localhost:{server.port}")
    with closing(site.parser):
        rows, _, portions = round_of(open_source(site))
        assert [row["time"] for row in rows] == [1_795_000_000_000_000, 1_795_000_060_000_000]
        assert (portions[0].read_as, portions[0].bare_time) == ("parquet", "us")
        server.answers["/a"] = say(b"PAR1" + b"x" * 100, content_type="application/vnd.apache.parquet")
        with pytest.raises(WrongInput, match=r"localhost 的应答\.parquet：不是完整的 Parquet"):
            round_of(open_source(site))
        assert site.parser._child is not None, "it was asked"


def page_of(request: BaseHTTPRequestHandler, name: str) -> int:
    return int(parse_qs(urlsplit(request.path).query).get(name, ["0"])[0])


def test_page_numbers_go_on_until_a_short_page_also_when_the_server_gives_less(server: Server, opened: Opener) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        start = (page_of(request, "page") - 1) * 10
        say(orjson.dumps(ROWS[start:start + 10]))(request)

    server.answers["/a"] = answer
    paging = ", paging: {by: page, query: page, size: 100, size_query: size}"
    assert round_of(opened(more=paging))[0] == ROWS
    assert [path for path, _ in server.asked] == [f"/a?size=100&page={number}" for number in (1, 2, 3)]


def test_offsets(server: Server, opened: Opener) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        start = page_of(request, "skip")
        say(orjson.dumps(ROWS[start:start + 5]))(request)

    server.answers["/a"] = answer
    assert round_of(opened(more=", query: {kind: x}, paging: {by: offset, query: skip}"))[0] == ROWS
    assert server.asked[-1][0] == "/a?kind=x&skip=25"


def test_a_server_that_ignores_the_page_is_named(server: Server, opened: Opener) -> None:
    server.answers["/a"] = say(orjson.dumps(ROWS[:10]))
    with pytest.raises(Away, match="没有理会参数 page"):
        round_of(opened(more=", paging: {by: page, query: page, size: 10}"))
    assert len(server.asked) == 2


def test_links_and_cursors(server: Server, opened: Opener) -> None:
    server.answers["/a"] = say(orjson.dumps(ROWS[:10]), Link='</b?x=1>; rel="next", </z>; rel="last"')
    server.answers["/b"] = say(orjson.dumps(ROWS[10:]))
    assert round_of(opened(more=", paging: {by: link}"))[0] == ROWS
    server.answers["/a"] = say(orjson.dumps({"data": ROWS[:1], "next": "http://127.0.0.1:9/steal"}))
    with pytest.raises(Away, match="指向别的主机"):
        round_of(opened(more=", rows: data, paging: {by: link, next: next}"))

    def by_word(request: BaseHTTPRequestHandler) -> None:
        word = parse_qs(urlsplit(request.path).query).get("after", [""])[0]
        found = {"": (ROWS[:10], "w1"), "w1": (ROWS[10:20], "w2"), "w2": ([], "w2")}[word]
        say(orjson.dumps({"data": found[0], "meta": {"next": found[1]}}))(request)

    server.answers["/a"] = by_word
    paging = ", rows: data, paging: {by: cursor, query: after, next: meta.next, resume: true}"
    rows, cursor, _ = round_of(opened(more=paging))
    assert rows == ROWS[:20]
    assert cursor == {"word": "w2"}
    server.asked.clear()
    assert round_of(opened(more=paging), cursor)[0] == []
    assert [path for path, _ in server.asked] == ["/a?after=w2"]
    server.answers["/a"] = say(orjson.dumps({"data": ROWS[:1], "meta": {"next": "same"}}))
    with pytest.raises(Away, match="回到已读过"):
        round_of(opened(more=paging))


def test_what_has_not_changed_is_not_sent_again(server: Server, opened: Opener) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("If-None-Match") == '"v1"':
            request.send_response(304)
            request.end_headers()
            return
        say(orjson.dumps(ROWS), ETag='"v1"', Last_Modified="Fri, 20 Nov 2026 00:00:00 GMT")(request)

    server.answers["/a"] = answer
    rows, cursor, _ = round_of(opened())
    assert (len(rows), cursor) == (25, {"etag": '"v1"', "modified": "Fri, 20 Nov 2026 00:00:00 GMT"})
    rows, after, portions = round_of(opened(), cursor)
    assert (rows, after, len(portions)) == ([], None, 1)
    assert server.asked[-1][1]["if-modified-since"] == "Fri, 20 Nov 2026 00:00:00 GMT"


def test_the_token_comes_from_the_environment(server: Server, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/a"] = say(b"[]")
    token = ", token_env: YIPING_SECRET_WATER, token_header: X-Api-Key, token_prefix: ''"
    with pytest.raises(WrongInput, match="YIPING_SECRET_WATER 没有设置"):
        opened(more=token)
    monkeypatch.setenv("YIPING_SECRET_WATER", "s3cret")
    round_of(opened(more=token))
    assert server.asked[-1][1]["x-api-key"] == "s3cret"


def drip(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.05)


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.end_headers()
    while True:
        request.wfile.write(b" " * 65536)


def cut(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"[{")
    request.close_connection = True


HTML = b"<!doctype html><html><body>\xe8\xaf\xb7\xe7\x99\xbb\xe5\xbd\x95</body></html>"
BOMB = gzip.compress(b" " * 200_000_000, 1)
FAULTS: list[tuple[str, Any, str]] = [
    ("a web page", say(HTML, content_type="text/html"), "回答的是网页"),
    ("a web page that says it is JSON", say(HTML), "内容是网页"),
    ("a redirect", say(b"", 302, Location="/a"), "要转到 '/a'，为安全不跟随"),
    ("a drip", drip, "秒内没有送完应答"),
    ("an endless body", endless, "超过 1 MB"),
    ("a bomb", say(BOMB, Content_Encoding="gzip"), "疑似压缩炸弹|超过 1 MB"),
    ("another packing", say(b"x", Content_Encoding="br"), "只认 gzip"),
    ("damaged packing", say(b"not gzip", Content_Encoding="gzip"), "压缩数据已损坏"),
    ("half a packing", say(gzip.compress(b"[]" * 99)[:-9], Content_Encoding="gzip"), "没有送完"),
    ("cut off", cut, "中途断开"),
    ("half a JSON", say(b'[{"a": 1}'), "JSON 不完整"),
    ("not a number", say(b'[{"a": NaN}]'), "不是合法 JSON"),
    ("too deep", say(b"[" * 200_000 + b"]" * 200_000), "JSON|嵌套"),
    ("nothing", say(b""), "是空文件"),
    ("an error", say(b"boom", 500), "回答 500：出错"),
    ("no right", say(b"", 401), "请核对令牌"),
    ("not Parquet", say(b"PK..", content_type="application/vnd.apache.parquet"), "应为 parquet"),
]


@pytest.mark.parametrize(("answer", "sentence"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_what_a_server_does_wrong_is_one_sentence_in_bounded_time(
        server: Server, opened: Opener, answer: Any, sentence: str) -> None:
    server.answers["/a"] = answer
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(YipingError, match=sentence) as caught:
        round_of(opened(more=", timeout: 1.5, max_mb: 1"))
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"
    assert len(server.asked) == 1, "nothing is followed"


def test_retry_after_is_heard_and_what_was_said_is_kept(server: Server, opened: Opener) -> None:
    server.answers["/a"] = say(b"busy", 503, Retry_After="77")
    with pytest.raises(Away) as caught:
        round_of(opened())
    assert (caught.value.retry_after_s, caught.value.raw) == (77.0, "busy")


def test_certificates(tmp_path: Path) -> None:
    pair = certificate(tmp_path, "localhost")
    wrong = certificate(tmp_path, "other.example")
    with serving(pair) as right, serving(wrong) as bad:
        right.answers["/a"] = bad.answers["/a"] = say(orjson.dumps(ROWS[:1]))

        def ask(server: Server, ca: str) -> list[dict[str, Any]]:
            source = f"{{kind: http, http: {{url: 'https://localhost:{server.port}/a' {ca}}}}}"
            site = site_of(tmp_path / "s", feed_of(source), f"localhost:{server.port}", root=tmp_path)
            return round_of(open_source(site))[0]

        assert ask(right, ", ca: localhost.pem") == ROWS[:1], "pinned to an address, checked against the name"
        with pytest.raises(Away, match="证书不可信"):
            ask(right, "")
        with pytest.raises(Away, match="证书不可信"):
            ask(bad, ", ca: other.example.pem")
        with pytest.raises(WrongInput, match="证书文件"):
            ask(right, ", ca: missing.pem")


def test_a_name_that_changes_its_meaning_gains_nothing(
        server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: judged once, connected to what was judged; the internal address is never asked."""
    answers = iter(["169.254.169.254", "127.0.0.1", "93.184.216.34"])
    seen: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        seen.append(next(answers))
        return [(2, 1, 6, "", (seen[-1], port))]

    monkeypatch.setattr("data.egress.socket.getaddrinfo", resolve)
    server.answers["/a"] = say(b"[]")
    feed = feed_of(f"{{kind: http, http: {{url: 'http://data.example:{server.port}/a', timeout: 1}}}}")
    source = open_source(site_of(tmp_path / "s", feed, f"data.example:{server.port}"))
    with pytest.raises(NotAllowed, match="元数据"):
        round_of(source)
    with pytest.raises(NotAllowed, match="回环"):
        round_of(source)
    assert server.asked == []
    assert seen == ["169.254.169.254", "127.0.0.1"], "one resolution a request"
