"""MQTT as a source against a real broker: nothing lost or doubled over kill -9, last will, levels, refusals."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as paho
import pytest
from own_databases import Broker
from own_redis import RedisServer, wait_for
from paho.mqtt.enums import CallbackAPIVersion
from pull_site import certificate, feed_of, site_of
from pulled_place import pack_with, rows_of
from test_collector_kill import Nursery, _carried, stored

from data.errors import NotAllowed
from data.inbox import Inbox
from data.source import Portion, Source
from data.source_faults import Away
from data.sources.mqtt import open_source
from data.state import State

pytestmark = pytest.mark.integration
MAP = "{fields: {station: station, time: t, value: v}, constants: {metric: level}}"
KILLS = int(os.environ.get("KILLS", 200 if os.environ.get("ENDURANCE") else 4))
SENT = 400
# The last reading is of the present, not of the future.
START = int(time.time()) - max(5000, KILLS * SENT)


@pytest.fixture
def broker() -> Iterator[Broker]:
    found = Broker()
    found.start()
    yield found
    found.close()


def publisher(broker: Broker, name: str = "pub", **will: Any) -> paho.Client:
    """A device of the test's."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.max_queued_messages_set(0)
    if will:
        client.will_set(qos=1, retain=True, **will)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_for(client.is_connected)
    return client


def reading(number: int) -> bytes:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + number))
    return orjson.dumps({"t": at, "v": number / 100})


@pytest.fixture
def opened(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Source]]:
    made: list[Source] = []

    def make(more: str = "", topics: str = "'lamp/{station}/state'", port: int = 0, trial: bool = False) -> Source:
        source = f"{{kind: mqtt, mqtt: {{host: localhost, port: {port or broker.port}, topics: [{topics}] {more}}}}}"
        site = site_of(tmp_path / "s", feed_of(source, MAP), f"localhost:{port or broker.port}", trial=trial,
                       root=tmp_path)
        made.append(open_source(site))
        return made[-1]

    yield make
    for source in made:
        source.close()


def until(portions: Iterator[Portion], fits: Callable[[list[Portion]], bool], seconds: float = 10) -> list[Portion]:
    """Portions until a condition holds; each is acknowledged as the runner would do it."""
    found: list[Portion] = []
    ends = time.monotonic() + seconds
    while not fits(found):
        assert time.monotonic() < ends, found
        found.append(next(portions))
        found[-1].done()
    return found


def rows(found: list[Portion]) -> list[dict[str, Any]]:
    return [row for portion in found for row in portion.rows]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_levels_become_fields_and_what_is_no_record_is_kept(
        broker: Broker, opened: Callable[..., Source], version: str) -> None:
    portions = opened(f", version: '{version}'", "'lamp/{station}/state', 'many/#'").portions(None)
    next(portions)
    device = publisher(broker)
    for topic, body in (("lamp/L1/state", b'{"t": 1, "station": "forged"}'), ("many/a/b", b'[{"t": 2}, {"t": 3}, 4]'),
                        ("lamp/L2/state", b"not json"), ("lamp/L3/state", "{\"t\": \"汉\"}".encode("gb18030"))):
        device.publish(topic, body, qos=1)
    found = until(portions, lambda seen: len(rows(seen)) + sum(len(one.bad) for one in seen) >= 6)
    assert rows(found) == [{"t": 1, "station": "L1"}, {"t": 2}, {"t": 3}, {"t": "汉", "station": "L3"}]
    bad = [one for portion in found for one in portion.bad]
    assert bad[0] == ("4", "第 3 条应为对象，得到 int")
    assert bad[1][0] == "not json"
    assert "lamp/L2/state" in bad[1][1]
    device.loop_stop()


def test_what_waits_is_bounded_by_its_size(broker: Broker, opened: Callable[..., Source],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that sends large messages faster than they are read is held at the broker, and nothing is lost."""
    made: list[Any] = []
    monkeypatch.setattr("data.sources.mqtt.Inbox", lambda *limits: made.append(Inbox(*limits)) or made[-1])
    portions = opened().portions(None)
    next(portions)
    device = publisher(broker)
    for number in range(20):
        device.publish("lamp/a/state", orjson.dumps({"v": number, "text": "x" * 3_000_000}), qos=1)
    wait_for(lambda: not device._out_messages and made[0].nbytes > 15_000_000, 20)
    seen = [made[0].nbytes]
    found = until(portions, lambda so_far: bool(seen.append(made[0].nbytes)) or len(rows(so_far)) >= 20, 30)
    assert max(seen) <= 20_000_000
    assert sorted(row["v"] for row in rows(found)) == list(range(20))
    device.loop_stop()


def test_what_was_not_acknowledged_comes_again(broker: Broker, opened: Callable[..., Source]) -> None:
    first = opened()
    portions = first.portions(None)
    next(portions)
    device = publisher(broker)
    device.publish("lamp/a/state", reading(1), qos=1)
    taken = next(portion for portion in portions if portion.rows)
    first.close()
    taken.done()
    device.publish("lamp/a/state", reading(2), qos=1).wait_for_publish(5)
    again = until(opened().portions(None), lambda seen: len(rows(seen)) >= 2)
    assert [row["v"] for row in rows(again)] == [0.01, 0.02], "a late acknowledgement counts for nothing"
    device.loop_stop()


def test_the_last_will_of_the_source(broker: Broker, opened: Callable[..., Source]) -> None:
    portions = opened(", status: {topic: gw/status, down: [offline]}").portions(None)
    next(portions)
    gateway = publisher(broker, "gw", topic="gw/status", payload="offline")
    gateway.publish("gw/status", "online", qos=1, retain=True).wait_for_publish(5)
    until(portions, lambda seen: bool(seen))
    gateway.socket().close()
    found = until(portions, lambda seen: bool(seen) and bool(seen[-1].down))
    assert "来源报告自己已离线（主题 gw/status 说 'offline'）" in found[-1].down
    gateway.loop_stop()
    back = publisher(broker, "gw", topic="gw/status", payload="offline")
    back.publish("gw/status", "online", qos=1, retain=True)
    until(portions, lambda seen: bool(seen) and not seen[-1].down)
    back.loop_stop()


def test_a_trial_takes_nothing_away(broker: Broker, opened: Callable[..., Source]) -> None:
    source = opened()
    next(source.portions(None))
    source.close()
    device = publisher(broker)
    trial = opened(trial=True).portions(None)
    next(trial)
    device.publish("lamp/a/state", reading(1), qos=1)
    until(trial, lambda seen: bool(rows(seen)))
    assert rows(until(opened().portions(None), lambda seen: bool(rows(seen)))) == [
        {**orjson.loads(reading(1)), "station": "a"}]
    device.loop_stop()


def test_refusals_are_sentences(broker: Broker, opened: Callable[..., Source], tmp_path: Path,
                                monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Away, match="连不上：对方拒绝连接"):
        next(opened(port=1).portions(None))
    feed = feed_of(f"{{kind: mqtt, mqtt: {{host: localhost, port: {broker.port}, topics: [a]}}}}", MAP)
    with pytest.raises(NotAllowed, match="不在出网名单"):
        next(open_source(site_of(tmp_path / "t", feed)).portions(None))
    monkeypatch.setenv("LAMP_USER", "nobody")
    monkeypatch.setenv("LAMP_PASSWORD", "wrong")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    strict = Broker(f"password_file {passwords}", "allow_anonymous false")
    strict.start()
    try:
        for version in ("5", "3.1.1"):
            more = f", user_env: LAMP_USER, password_env: LAMP_PASSWORD, version: '{version}'"
            with pytest.raises(Away, match=r"拒绝连接：(账号没有权限|用户名或口令不对)") as caught:
                next(opened(more, port=strict.port).portions(None))
            assert "wrong" not in str(caught.value)
    finally:
        strict.close()


def test_tls(tmp_path: Path, opened: Callable[..., Source]) -> None:
    cert, key = certificate(tmp_path, "localhost")
    secure = Broker(f"certfile {cert}", f"keyfile {key}")
    secure.start()
    try:
        with pytest.raises(Away, match="证书不可信"):
            next(opened(", tls: true", port=secure.port).portions(None))
        next(opened(", tls: true, ca: localhost.pem", port=secure.port).portions(None))
    finally:
        secure.close()


def test_a_broker_that_goes_is_noticed(broker: Broker, opened: Callable[..., Source]) -> None:
    portions = opened().portions(None)
    next(portions)
    broker.stop()
    with pytest.raises(Away, match="断开了连接"):
        until(portions, lambda _: False, 10)


def newest(state: Path) -> int:
    """The last number given; the spool drops old segments once the history has them."""
    return max((row["seq"] for row in rows_of(state)), default=0)


@pytest.mark.slow
@pytest.mark.endurance
def test_kills_of_the_collector_lose_and_double_nothing(
        broker: Broker, redis_server: RedisServer, tmp_path: Path) -> None:
    """kill -9 mid-stream, again and again, and a broker that restarts: every message is stored exactly once."""
    source = f"{{kind: mqtt, mqtt: {{host: localhost, port: {broker.port}, topics: ['lamp/{{station}}/state']}}}}"
    environment = pack_with(tmp_path, {"lamps": (source.replace("{{", "{"), MAP)}, f"localhost:{broker.port}")
    state = tmp_path / "s"
    nursery = Nursery(environment | {"YIPING_STATE": str(state), "YIPING_REDIS_URL": redis_server.url})
    pid = nursery.spawn()
    shared = State(redis_server.url, "yp:990101000000:")
    wait_for(lambda: "lamps" in shared.health() and shared.health()["lamps"].last_contact, 30)
    device, number, chance = publisher(broker), 0, random.Random(20261122)
    for kill in range(KILLS):
        for _ in range(SENT):
            device.publish(f"lamp/L{number % 7}/state", reading(number), qos=1)
            number += 1
        seen = newest(state)
        wait_for(lambda seen=seen: newest(state) > seen, 40)
        time.sleep(chance.uniform(0.0, 0.1))
        nursery.end(pid, signal.SIGKILL)
        if kill == KILLS // 2:
            wait_for(lambda: not device._out_messages, 20)
            broker.stop()
            broker.start()
        pid = nursery.spawn()
    # A duplicate takes no number, so the last one tells how many rows there are.
    wait_for(lambda: newest(state) >= number and _carried(state / "collector.sock"), 60)
    nursery.end(pid, signal.SIGTERM)
    nursery.close()
    device.loop_stop()
    shared.close()
    kept = Counter((row["station"], row["value"]) for row in stored(state / "history", "observation"))
    assert kept == Counter((f"L{i % 7}", i / 100) for i in range(number))
