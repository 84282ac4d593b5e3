"""What feeds.yaml may say of pulled sources: every wrong setting is named with its file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import certifi
import pytest

from data import embedded_redis
from data.egress import Egress, forbidden
from data.errors import NotAllowed, WrongInput
from data.pack import load_pack
from data.packfiles import PackProblem
from data.place_check import check_place
from data.pulling import back_off, pause
from data.settings import load_settings

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
HEAD = """{name}:
  name: 拉取
  topic: M1
  department: test
  kind: observation
  cadence: {cadence}
"""
WRONG = [
    ("source: {kind: http}", 7, "kind: http 需要 http: 一块"),
    ("source: {kind: push, sql: {url_env: A_B, table: t}}", 7, "sql: 一块只用于 kind: sql"),
    ("source:\n    kind: http\n    http:\n      url: ftp://a/b", 10, "不是网址"),
    ("source:\n    kind: http\n    http:\n      url: https://u:p@a/b", 10, "token_env"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      token_env: abc", 11, "环境变量的名称"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      token_env: YIPING_X", 11, "YIPING_SECRET_"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      rows: 'a['", 11, "不是 JMESPath"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      headers: {Authorization: x}", 11, "token_env"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      paging: {by: page}", 11, "需要 query"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      paging: {by: cursor, query: c}", 11,
     "需要 next"),
    ("source:\n    kind: http\n    http:\n      url: https://a/b\n      redirects: true", 11, "没有这个名称"),
    ("source:\n    kind: sql\n    sql: {url_env: A_B}", 9, "恰好写一个"),
    ("source:\n    kind: sql\n    sql:\n      url_env: A_B\n      query: DELETE FROM t", 11, "一条 SELECT"),
    ("source:\n    kind: sql\n    sql:\n      url_env: A_B\n      query: SELECT 1; SELECT 2", 11, "不含分号"),
    ("source:\n    kind: sql\n    sql: {url_env: A_B, table: t, columns: [a], watermark: b}", 9, "缺少水位列 b"),
    ("source:\n    kind: mqtt\n    mqtt:\n      host: 'a:1883'\n      topics: [t]", 10, "不是主机名"),
    ("source:\n    kind: mqtt\n    mqtt:\n      host: a\n      topics: ['a/{b']", 11, "写法不对"),
    ("source:\n    kind: mqtt\n    mqtt:\n      host: a\n      topics: ['a/#/b']", 11, "只能在最后"),
    ("source:\n    kind: mqtt\n    mqtt:\n      host: a\n      topics: [a]\n      status: {topic: 'a/+'}", 12,
     "确切的主题"),
    ("source: {kind: push, every: 5 minutes}", 7, "不是时长"),
    ("source: {kind: push}\n  crs: GCJ-99", 8, "不认识坐标系"),
    ("source: {kind: push}\n  late_window: soon", 8, "不是时长"),
]


def pack_with(folder: Path, block: str, name: str = "pulled", cadence: str = "5min") -> Path:
    shutil.copytree(TINY, folder / "p")
    (folder / "p" / "feeds.yaml").write_text(HEAD.format(name=name, cadence=cadence) + f"  {block}\n", encoding="utf-8")
    (folder / "p" / "metrics.yaml").write_text("{}\n", encoding="utf-8")
    return folder / "p"


@pytest.mark.parametrize(("block", "line", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_every_wrong_setting_has_its_line(tmp_path: Path, block: str, line: int, words: str) -> None:
    found = [text for text in check_place(pack_with(tmp_path, block)) if "feeds.yaml" in text]
    assert len(found) == 1, found
    place, _, sentence = found[0].partition(": ")
    assert place.endswith(f"feeds.yaml:{line}")
    assert words in sentence
    assert "\n" not in found[0]


@pytest.mark.parametrize(("form", "line"), [
    ("{kind: http, http: {url: 'https://a/b', ca: CA}}", 1),
    ("{kind: mqtt, mqtt: {host: a, tls: true, topics: [t], ca: CA}}", 1),
    ("\n    kind: http\n    http:\n      url: https://a/b\n      ca: CA", 5)])
def test_a_certificate_that_a_feed_names_must_be_there_and_be_one(tmp_path: Path, form: str, line: int) -> None:
    place = tmp_path / "p"
    shutil.copytree(TINY, place)
    feeds = place / "feeds.yaml"
    before = len(feeds.read_text(encoding="utf-8").splitlines()) + 6

    def said(name: str) -> list[str]:
        block = HEAD.format(name="pulled", cadence="5min") + f"  source: {form.replace('CA', name)}\n"
        feeds.write_text((TINY / "feeds.yaml").read_text(encoding="utf-8") + block, encoding="utf-8")
        return [text for text in check_place(place) if "证书文件" in text]

    (place / "torn.pem").write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    for name, why in (("nowhere.pem", "没有这个目录或文件"), ("torn.pem", "不是 PEM 证书")):
        [found] = said(name)
        assert f"feeds.yaml:{before + line}: pulled: " in found
        assert name in found
        assert why in found
        assert "\n" not in found
    shutil.copy(certifi.where(), place / "good.pem")
    assert said("good.pem") == []


@pytest.mark.parametrize("name", ["../x", "a b", "数据", "1a", "a" * 49])
def test_a_feeds_name_can_be_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackProblem, match=r"feeds\.yaml:1: .*应以字母开头"):
        load_pack(pack_with(tmp_path, "source: {kind: push}", f'"{name}"'))


def test_how_often_a_source_is_asked(tmp_path: Path) -> None:
    feeds = load_pack(TINY).feeds
    pushed = feeds["gauges"]
    hourly = pushed.model_copy(update={"cadence": "1h", "source": pushed.source.model_copy(update={"kind": "sql"})})
    assert pause(hourly) == 900
    assert pause(hourly.model_copy(update={"cadence": "1s"})) == 1
    assert pause(hourly.model_copy(update={"source": hourly.source.model_copy(update={"every": "10s"})})) == 10
    assert pause(feeds["monthly"]) == 1


def test_leases_are_for_a_redis_that_others_may_use(tmp_path: Path) -> None:
    plain = load_settings(state=tmp_path / "s", redis_url="")
    told = plain.model_copy(update={"redis_url": embedded_redis.url(plain, "state")})
    outside = plain.model_copy(update={"redis_url": "redis://10.1.1.1:6379/0"})
    assert [embedded_redis.is_shared(one) for one in (plain, told, outside)] == [False, False, True]


def test_failures_wait_longer_and_never_too_long() -> None:
    assert [back_off(number, 1, lambda: 0.5) for number in (1, 2, 3, 4, 5, 99)] == [2, 4, 8, 16, 30, 30]
    assert back_off(99, 900, lambda: 0.0) == 150
    assert back_off(99, 900, lambda: 1.0) == 450


@pytest.mark.parametrize(("host", "address"), [
    ("a.example", "169.254.169.254"), ("a.example", "::ffff:169.254.169.254"), ("a.example", "fe80::1"),
    ("a.example", "100.100.100.200"), ("a.example", "fd00:ec2::254"), ("a.example", "127.0.0.1"), ("a.example", "::1"),
    ("a.example", "0.0.0.0"), ("a.example", "224.0.0.1"), ("a.example", "255.255.255.255"),
    ("169.254.169.254", "169.254.169.254"), ("a.example", "2002:a9fe:a9fe::1")])
def test_addresses_that_are_never_connected_to(host: str, address: str) -> None:
    import ipaddress

    assert forbidden(host, ipaddress.ip_address(address))


@pytest.mark.parametrize(("host", "address"), [("a.example", "10.1.2.3"), ("a.example", "93.184.216.34"),
                                               ("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_addresses_that_may_be_connected_to(host: str, address: str) -> None:
    import ipaddress

    assert not forbidden(host, ipaddress.ip_address(address))


def test_the_allow_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "allow"
    listed.write_text("# 市局\nData.Example:443 10.20.0.0/16  # 内网\n127.0.0.1:80\n[::1]:80\n", encoding="utf-8")
    listed.chmod(0o644)
    found = {"data.example": "10.20.3.4"}
    monkeypatch.setattr("data.egress.socket.getaddrinfo",
                        lambda host, port, **_: [(2, 1, 6, "", (found.get(host, host), port))])
    allowed = Egress(listed)
    assert allowed.address("data.example", 443) == "10.20.3.4"
    assert allowed.address("127.0.0.1", 80) == "127.0.0.1"
    assert allowed.address("::1", 80) == "::1"
    for host, port in (("data.example", 80), ("other.example", 443), ("127.0.0.2", 80)):
        with pytest.raises(NotAllowed, match="不在出网名单"):
            allowed.address(host, port)
    found["data.example"] = "10.21.0.1"
    with pytest.raises(NotAllowed, match=r"不在名单为它写明的 10\.20\.0\.0/16"):
        allowed.address("data.example", 443)
    with pytest.raises(NotAllowed, match="YIPING_PULL_ALLOW"):
        Egress(None).address("data.example", 443)


@pytest.mark.parametrize("line", ["data.example", "https://a:443", "a:0", "a:99999", "a:443 10.0.0.0/99"])
def test_a_wrong_line_of_the_allow_list_is_named(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "allow"
    listed.write_text(f"b:1\n{line}\n", encoding="utf-8")
    with pytest.raises(WrongInput, match=r"allow:2: .*写法不对"):
        Egress(listed).address("b", 1)


def test_an_allow_list_that_others_may_write_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "allow"
    listed.write_text("b:1\n", encoding="utf-8")
    listed.chmod(0o666)
    with pytest.raises(WrongInput, match="chmod go-w"):
        Egress(listed).address("b", 1)
    with pytest.raises(WrongInput, match="没有这个目录或文件"):
        Egress(tmp_path / "none").address("b", 1)
