"""What an operator is told of an address that is nearly right: by the doctor, by a collector that does not start."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from many_redis import free_ports
from own_databases import PostgresServer
from own_redis import TINY_PACK, RedisServer, _answers, _binary, missing, wait_for

from data.clock import Clock
from data.doctor_place import outside_redis
from data.errors import Unavailable, WrongInput
from data.history import open_writer
from data.pack import load_pack
from data.settings import load_settings
from data.state import State
from data.together import named

pytestmark = pytest.mark.integration
PASSWORD = "ge@heim"


class Guarded:
    """A server with a password, on a plain and on a TLS port."""

    def __init__(self, folder: Path) -> None:
        self.certificate, key = folder / "c.pem", folder / "k.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                        self.certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.plain, self.tls = free_ports(2)
        self.process = subprocess.Popen([
            _binary(), "--port", str(self.plain), "--tls-port", str(self.tls), "--tls-cert-file", self.certificate,
            "--tls-key-file", key, "--tls-ca-cert-file", self.certificate, "--tls-auth-clients", "no",
            "--requirepass", PASSWORD, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.plain, password=PASSWORD) as client:
            wait_for(lambda: _answers(client) or self.process.poll() is not None)

    def url(self, form: str) -> str:
        return form.format(plain=f"127.0.0.1:{self.plain}", tls=f"127.0.0.1:{self.tls}", ca=self.certificate)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    if shutil.which("openssl") is None:
        missing("openssl is missing")
    found = Guarded(tmp_path_factory.mktemp("guarded"))
    if found.process.poll() is not None:
        missing("this redis-server knows no TLS")
    yield found
    found.process.terminate()
    found.process.wait(10)


@pytest.mark.parametrize(("form", "told"), [
    ("redis://:ge%40heim@{plain}/0", ""), ("rediss://:ge%40heim@{tls}/0?ssl_ca_certs={ca}", ""),
    ("redis://:falsch@{plain}/0", "密码不对"), ("redis://{plain}/0", "密码不对"),
    ("rediss://:ge%40heim@{tls}/0", "TLS"), ("rediss://:ge%40heim@{tls}/0?ssl_ca_certs=/no/file.pem", "TLS"),
    ("redis://:ge%40heim@127.0.0.1:1/0", "不能连接"),
    ("redis+sentinel://:ge%40heim@127.0.0.1:1/county", "主节点"),
    ("redis+cluster://:ge%40heim@127.0.0.1:1", "不能连接"),
])
def test_the_doctor_says_what_is_wrong_with_a_redis(guarded: Guarded, tmp_path: Path, form: str, told: str) -> None:
    found = list(outside_redis(load_settings(place=TINY_PACK, state=tmp_path, redis_url=guarded.url(form))))
    assert [finding.mark for finding in found] == ["bad" if told else "ok"]
    assert told in found[0].found + found[0].remedy
    assert bool(found[0].remedy) == bool(told)
    assert "heim" not in found[0].found + found[0].remedy


def test_the_state_is_kept_over_tls(guarded: Guarded) -> None:
    state = State(guarded.url("rediss://:ge%40heim@{tls}/0?ssl_ca_certs={ca}"), "yp:t:")
    state.set_json("k", [1])
    assert state.get_json("k") == [1]
    state.close()


def test_a_collector_says_what_is_wrong_with_a_database(tmp_path: Path) -> None:
    pack = load_pack(TINY_PACK)
    with PostgresServer() as server:
        with psycopg.connect(server.address, autocommit=True) as line:
            line.execute("CREATE USER reader PASSWORD 'r'")
            line.execute("ALTER USER reader SET default_transaction_read_only = on")
            line.execute("CREATE USER guest PASSWORD 'g'")
        for user, told in (("yiping:falsch", "用户与密码"), ("reader:r", "只读"), ("guest:g", "权限")):
            address = server.address.replace("yiping:s3cret", user)
            settings = load_settings(place=TINY_PACK, state=tmp_path, history_url=address)
            with pytest.raises(Unavailable, match=told):
                open_writer(settings, pack, Clock())


@pytest.mark.parametrize("listen", ["0.0.0.0:8060", "[::]:8060"])
def test_one_of_several_collectors_has_an_address_by_which_it_is_found(tmp_path: Path, listen: str) -> None:
    settings = load_settings(place=TINY_PACK, state=tmp_path, collector="hill", redis_url="unix:///r", collect_secret=
                             "s3cret-of-both-sides", history_url="postgresql://u:p@h/d", collect_listen=listen)
    with pytest.raises(WrongInput, match="YIPING_COLLECT_LISTEN"):
        named(settings)


def told_of(url: str) -> str:
    """What the doctor prints of an address, and that its mark is as bad as its words."""
    found = next(iter(outside_redis(load_settings(place=TINY_PACK, redis_url=url))))
    assert found.mark == ("ok" if "可以写入" in found.found else "bad")
    return f"{found.found}；{found.remedy}"


def test_a_stopped_socket_is_not_taken_for_a_wrong_certificate(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "TLS certificate")
    server.start()
    try:
        assert "可以写入" in told_of(server.url)
    finally:
        server.stop()
    for left in (True, False):
        if not left:
            server.socket.unlink(missing_ok=True)
        said = told_of(server.url)
        assert "不能连接；启动那个 Redis" in said
        assert "TLS 没有谈成" not in said


def test_a_redis_that_answers_and_takes_nothing_says_why(tmp_path: Path, redis_server: RedisServer) -> None:
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        assert "可以写入" in told_of(redis_server.url)
        wait_for(lambda: not client.exists("yp:probe"))
        client.config_set("maxmemory", "1")
        assert "内存已满" in told_of(redis_server.url)
        client.config_set("maxmemory", "0")
        client.config_set("min-replicas-to-write", "1")
        assert "副本不够" in told_of(redis_server.url)
        client.config_set("min-replicas-to-write", "0")
        client.execute_command("ACL", "SETUSER", "reader", "on", ">only", "~*", "+@read", "+client")
        assert "缺少权限" in told_of(redis_server.url.replace("unix://", "unix://reader:only@"))
        assert "密码不对" in told_of(redis_server.url.replace("unix://", "unix://reader:wrong@"))
        client.execute_command("ACL", "SETUSER", "other", "on", ">only", "~other:*", "+@all")
        assert "缺少权限" in told_of(redis_server.url.replace("unix://", "unix://other:only@"))
        assert "可以写入" in told_of(redis_server.url), "none of the refusals lasts"


def test_a_replica_is_read_only_to_the_doctor_and_to_the_state(redis_server: RedisServer) -> None:
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        client.replicaof("127.0.0.1", "1")
        assert "只读的副本；请改填主节点的地址" in told_of(redis_server.url)
        state = State(redis_server.url, "yp:t:")
        with pytest.raises(Unavailable, match="缓存只读"):
            state.ping()
        assert state.read_only
        assert state.ok, "reads go on"
        client.replicaof("NO", "ONE")
        state.ping()
        assert not state.read_only
        state.close()


def test_a_redis_that_loads_is_to_be_waited_for(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "r")
    server.start()
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.mset({f"k{number}": 1 for number in range(10)})
        pipe = client.pipeline(transaction=False)
        for number in range(30_000):
            pipe.incr(f"k{number % 10}")
        pipe.execute()
    server.stop(signal.SIGTERM)
    # It answers once every 1024 commands of its log.
    slow = RedisServer(tmp_path / "r", "--key-load-delay", "50")
    slow.begin()
    try:
        wait_for(lambda: "正在载入" in told_of(slow.url))
        wait_for(lambda: "可以写入" in told_of(slow.url))
    finally:
        slow.stop()
