"""Bombs over MQTT and HTTP pull, against a real broker and a real collector: it stays, small, and says why."""

from __future__ import annotations

import signal
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as paho
import psutil
import pytest
from own_databases import Broker
from own_redis import RedisServer, wait_for
from paho.mqtt.enums import CallbackAPIVersion
from pull_site import Server, say, serving
from pulled_place import collect, pack_with, rows_of

from data.health import read_health
from data.inbox import Inbox
from data.quarantine_view import Chosen, QuarantineView

pytestmark = pytest.mark.integration
MAP = "{fields: {station: station, time: t, value: v}, constants: {metric: level}}"
START = int(time.time()) - 5000
MEMORY = 600_000_000
HUGE = 100_000_000
HELD = 250_000_000
WARNED = """caps:
  name: 预警
  topic: M2
  department: test
  kind: warning
  cadence: 5s
  source: {{kind: http, every: 1s, format: cap, http: {{url: 'http://localhost:{port}/caps'}}}}
"""
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY a0 "ha">%s]><alert>&a9;</alert>""" % b"".join(
    b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10))
DEEP = {"deep arrays": b"[" * 200_000 + b"]" * 200_000, "deep objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000}
# What was sent → what the reason must hold.
WRONG: dict[str, tuple[bytes, str]] = {
    **{name: (body, "JSON") for name, body in DEEP.items()}, "NUL": (b"\0" * 1000, ""),
    "not UTF-8": (b'[{"station":"\xff\xfe\xfa"}]', ""), "cut off": (b'[{"station": "L', "JSON"),
    "a key twice": (b'[{"station":"L","t":1,"v":1,"v":2}]', "写了两次"), "XML": (LAUGHS, "")}


def reading(number: int) -> dict[str, Any]:
    return {"station": f"L{number}", "t": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + number)), "v": 1.0}


def packed(size: int) -> bytes:
    """Zeros in gzip, a thousandth of their size."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + packer.flush()


class Place:
    """A collector process that follows a broker (by both versions) and two addresses."""

    def __init__(self, folder: Path, broker: Broker, server: Server, redis: RedisServer) -> None:
        self.broker, self.server, self.state, self.log = broker, server, folder / "s", folder / "log"
        server.answers |= {"/web": say(b"[]"), "/caps": say(b"", 304)}
        feeds = {f"m{version[0]}": (
            f"{{kind: mqtt, mqtt: {{host: localhost, port: {broker.port}, topics: ['m{version[0]}/#'], "
            f"version: '{version}'}}}}", MAP) for version in ("5", "3.1.1")}
        feeds["web"] = (f"{{kind: http, every: 1s, http: {{url: 'http://localhost:{server.port}/web'}}}}", MAP)
        environment = pack_with(folder, feeds, f"localhost:{broker.port}", f"localhost:{server.port}")
        with (folder / "pack" / "feeds.yaml").open("a", encoding="utf-8") as file:
            file.write(WARNED.format(port=server.port))
        self.process: subprocess.Popen[bytes] = collect(environment, self.state, redis.url, self.log)
        self.number = 0
        wait_for(lambda: self._heard() >= {"m5", "m3", "web", "caps"}, 40)

    def _heard(self) -> set[str]:
        """The feeds whose source has answered: a broker keeps nothing for who has not subscribed yet."""
        return {name for name, health in read_health(self.state / "health.json")[0].items() if health.last_contact}

    def refused(self, feed: str, words: str, seconds: float = 30) -> dict[str, Any]:
        """The row of a feed in quarantine whose reason holds the words, once it is there; it is settled then."""
        view, found = QuarantineView(self.state / "quarantine"), list[dict[str, Any]]()

        def there() -> bool:
            rows = view.rows(Chosen(feed=feed), 1000)
            found[:] = [row for row in rows if words in row["reason"] and row["id"] > self.number]
            return bool(found)

        wait_for(there, seconds)
        self.number = max(row["id"] for row in found)
        return found[0]

    def stored(self, number: int, seconds: float = 30) -> None:
        """Waits for a good reading."""
        wait_for(lambda: any(row["station"] == f"L{number}" for row in rows_of(self.state)), seconds)

    def peak(self, begin: bool = False) -> int:
        """Bytes of memory that the process had at most since the beginning of the watch."""
        if begin:
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        told = Path(f"/proc/{self.process.pid}/status").read_text().split("VmHWM:")[1].split()[0]
        return int(told) * 1024


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("bombs")
    # A broker that sends on and on, whatever is not acknowledged yet.
    broker, redis = Broker("max_inflight_messages 0"), RedisServer(folder / "redis")
    broker.start()
    redis.start()
    with serving() as server:
        made = Place(folder, broker, server, redis)
        yield made
        made.process.send_signal(signal.SIGTERM)
        assert made.process.wait(30) == 0, "one process for all of it, and it ends in order"
    redis.stop()
    broker.close()


@pytest.fixture
def small(place: Place) -> Iterator[None]:
    """The collector is the same process after the test and took little memory in it."""
    before = psutil.Process(place.process.pid).memory_info().rss
    place.peak(begin=True)
    yield
    assert place.process.poll() is None
    assert place.peak() - before < MEMORY


@pytest.fixture(scope="module")
def device(place: Place) -> Iterator[paho.Client]:
    found = paho.Client(CallbackAPIVersion.VERSION2, client_id="bomber", protocol=paho.MQTTv311)
    found.max_queued_messages_set(0)
    found.connect("127.0.0.1", place.broker.port)
    found.loop_start()
    wait_for(found.is_connected)
    yield found
    found.disconnect()
    found.loop_stop()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("version", [5, 3])
@pytest.mark.parametrize("name", WRONG)
def test_a_bad_message_waits_in_quarantine_and_the_next_comes(
        place: Place, device: paho.Client, version: int, name: str) -> None:
    body, words = WRONG[name]
    number = 100 * version + list(WRONG).index(name)
    device.publish(f"m{version}/a", body, qos=1)
    device.publish(f"m{version}/a", orjson.dumps(reading(number)), qos=1)
    place.stored(number)
    assert len(place.refused(f"m{version}", words)["reason"]) < 300


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("version", [5, 3])
def test_a_hundred_megabytes_in_one_message(place: Place, device: paho.Client, version: int) -> None:
    """A broker that knows our limit does not send it; one that cannot know it is told why by the quarantine."""
    device.publish(f"m{version}/a", b'["' + b"x" * HUGE + b'"]', qos=1).wait_for_publish(30)
    device.publish(f"m{version}/a", orjson.dumps(reading(1000 + version)), qos=1)
    place.stored(1000 + version, 60)
    if version == 3:
        row = place.refused("m3", "超过 10 MB")
        assert len(row["raw"]) <= 1_000_000


@pytest.mark.usefixtures("small")
def test_many_large_messages_at_once(place: Place, device: paho.Client) -> None:
    """Sixty messages of nine megabytes, faster than they can be read: the broker holds them, not the collector."""
    before = psutil.Process(place.process.pid).memory_info().rss
    for _ in range(60):
        device.publish("m3/a", b'["' + b"x" * 9_000_000 + b'"]', qos=1)
    device.publish("m3/a", orjson.dumps(reading(2000)), qos=1)
    place.stored(2000, 90)
    assert place.peak() - before < HELD


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", WRONG)
def test_a_bad_answer_waits_in_quarantine_and_the_next_comes(place: Place, name: str) -> None:
    body, words = WRONG[name]
    answered_well(place, "web", say(body), words, 3000 + list(WRONG).index(name))


def answered_well(place: Place, feed: str, bomb: Any, words: str, number: int) -> None:
    place.server.answers[f"/{feed}"] = bomb
    row = place.refused(feed, words)
    assert len(row["reason"]) < 300
    assert len(row["raw"]) <= 1_000_000
    place.server.answers[f"/{feed}"] = say(orjson.dumps([reading(number)]))
    place.stored(number)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("name", "words"), [("100 MB", "超过 20 MB"), ("gzip", "压缩炸弹")])
def test_a_large_or_packed_answer(place: Place, name: str, words: str) -> None:
    body = packed(1_000_000_000) if name == "gzip" else b'["' + b"x" * HUGE + b'"]'
    packing = {"content_encoding": "gzip"} if name == "gzip" else {}
    answered_well(place, "web", say(body, **packing), words, 4000 + len(name))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("body", "words"), [(packed(1_000_000)[:500], "断了"), (b"[1,2,3]" * 100, "损坏")])
def test_an_answer_of_which_nothing_can_be_unpacked_is_a_lost_feed(place: Place, body: bytes, words: str) -> None:
    place.server.answers["/web"] = say(body, content_encoding="gzip")
    wait_for(lambda: words in place.log.read_text(encoding="utf-8"), 30)
    place.server.answers["/web"] = say(orjson.dumps([reading(4000 + len(body))]))
    place.stored(4000 + len(body))


@pytest.mark.usefixtures("small")
def test_entities_that_explode_in_a_pulled_warning(place: Place) -> None:
    place.server.answers["/caps"] = say(LAUGHS, content_type="application/xml")
    assert len(place.refused("caps", "")["reason"]) < 300


def test_an_inbox_takes_what_is_too_large_alone() -> None:
    box: Inbox[bytes] = Inbox(len, 3, 10)
    assert box.put(b"x" * 50, 0.01), "alone"
    assert not box.put(b"x", 0.01)
    assert box.take(5, 0.01) == [b"x" * 50]
    assert [box.put(b"1234", 0.01) for _ in range(3)] == [True, True, False]
    assert box.take(1, 0.01) == [b"1234"]
    assert box.put(b"123456", 0.01)
    assert box.take(9, 0.01) == [b"1234", b"123456"]
    assert [box.put(b"", 0.01) for _ in range(4)] == [True, True, True, False], "few enough, however small"
    assert box.take(9, 0.01) == [b""] * 3
    assert box.take(9, 0.01) == []
