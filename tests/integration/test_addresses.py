"""What an operator is told of an address that is nearly right: by the doctor, by a collector that does not start."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from many_redis import free_ports
from own_databases import PostgresServer
from own_redis import TINY_PACK, _answers, _binary, wait_for

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
        pytest.skip("openssl is missing")
    found = Guarded(tmp_path_factory.mktemp("guarded"))
    if found.process.poll() is not None:
        pytest.skip("this redis-server knows no TLS")
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
