"""Addresses of Redis and their clients: one server, a Sentinel set that names the present master, or a Cluster.

None of them connects before it is used, and none waits long: a server that is away is found by `data.breaker`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection, UnixDomainSocketConnection, parse_url
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    TryAgainError,
)
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from data.errors import Unavailable

# A slot that moves, a fail-over under way, a node that left: all pass, and the next try knows the new map.
LOST = (redis.ConnectionError, redis.TimeoutError, BusyLoadingError, RedisClusterException, ClusterError, AskError,
        TryAgainError)
ANY_ERROR = (redis.RedisError, RedisClusterException)
FORMS = ("redis://主机:端口/0、unix:///路径、redis+sentinel://主机:端口,主机:端口/主节点名/0 "
         "或 redis+cluster://主机:端口,主机:端口")
WORDS = {"single": "单个 Redis", "sentinel": "Redis 哨兵", "cluster": "Redis 集群"}
_DENIED = "用户或密码不对；请核对地址里的用户与密码（密码里的 @ : / 写成 %40 %3A %2F）"
# redis-py takes the code off Redis' words and makes a class of it; what it knows no class for keeps its code.
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (MasterNotFoundError, "哨兵没有应答，或没有叫这个名字的主节点；请核对哨兵的地址、密码与主节点名"),
    (ReadOnlyError, "有应答但它是只读的副本；请改填主节点的地址"),
    (OutOfMemoryError, "有应答但内存已满，不接受写入；请放宽它的 maxmemory 或腾出内存"),
    (NoPermissionError, "有应答但这个用户缺少权限；请在它的 ACL 里准许它的读写命令与 yp: 开头的键"),
    (BusyLoadingError, "有应答但正在载入数据；请等它载入完再试"),
    (MasterDownError, "有应答但它是与主节点断开的副本；请改填主节点的地址"),
    (ClusterDownError, "有应答但集群不完整；请启动缺少的节点"),
    (redis.AuthenticationError, _DENIED))
_BY_WORDS = (
    (("username-password", "Authentication required", "without any password"), _DENIED),
    (("MISCONF",), "有应答但写不了磁盘，不接受写入；请腾出它的磁盘，并看它的日志"),
    (("NOREPLICAS",), "有应答但副本不够，不接受写入；请启动它的副本，或放宽它的 min-replicas-to-write"))
_TLS_SIGNS = ("SSL", "ertificate", "No such file", "TLS")
_NO_TLS = "TLS 没有谈成；请核对地址开头的 rediss、端口与 ssl_ca_certs 所指的文件"
_REFUSED = "有应答但不接受写入；请看它的日志"
_AWAY = "不能连接；启动那个 Redis，或取消这个设置改用内置的"
# Ours, and gone at once.
_PROBE, _PROBE_MS = "yp:probe", 1
CONNECT_S = 0.2
MOST_CONNECTIONS = 256


def refuses_writes(error: redis.RedisError) -> bool:
    """Whether Redis answers, but takes nothing: its disk or memory is full, or it is a replica."""
    # A transaction puts the command in front of what Redis said.
    said = str(error).rpartition("caused error: ")[2]
    return isinstance(error, OutOfMemoryError | ReadOnlyError) or said.startswith("MISCONF")


def kind_of(url: str) -> str:
    """What an address names: single, sentinel or cluster."""
    return (re.match(r"rediss?\+(sentinel|cluster)://", url) or ["", "single"])[1]


def obstacle(url: str) -> str:
    """Why the Redis of an address takes no writes now, and after a ； the remedy; '' when it does.

    Raises:
        Unavailable: the address is none that Redis understands.
    """
    client = make_client(url)
    try:
        # Not DEL, which a Redis without memory takes.
        client.set(_PROBE, b"", px=_PROBE_MS)
    except (*ANY_ERROR, OSError) as error:
        return _words(error, url)
    finally:
        client.close()
    return ""


def _words(error: BaseException, url: str) -> str:
    """What an error of Redis means for whoever set the address, and after a ； the remedy."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    for kind, words in _BY_CLASS:
        if any(isinstance(one, kind) for one in causes):
            return words
    said = str(error)
    for signs, words in _BY_WORDS:
        if any(sign in said for sign in signs):
            return words
    # Of others the words may hold a path, in which any sign may stand.
    if url.startswith("rediss") and any(sign in said for sign in _TLS_SIGNS):
        return _NO_TLS
    return _REFUSED if any(isinstance(one, redis.ResponseError) for one in causes) else _AWAY


def make_client(url: str, socket_timeout_s: float = 0.4, connections: int = 32, retries: int = 1) -> redis.Redis:
    """A client that never waits long: short timeouts, few retries, no PING before a read, RESP2 (works with 6.2 and 7).

    `url`: one of FORMS; with `rediss` for TLS, whose files are named as redis-py does (`?ssl_ca_certs=…`). Connections
    are made when first used. A cluster's client never tries again by itself: a retried WATCH would watch nothing.

    Raises:
        Unavailable: the address is none that Redis understands; its password is not repeated.
    """
    timing = {"socket_timeout": socket_timeout_s, "socket_connect_timeout": CONNECT_S, "health_check_interval": 0,
              "protocol": 2, "client_name": "yiping"}
    retry = Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.1), retries)
    try:
        if kind_of(url) == "sentinel":
            return _sentinel(url, timing, retry)
        if kind_of(url) == "cluster":
            return _cluster(url, timing)
        _checked(parse_url(url) | timing)  # type: ignore[no-untyped-call]
        pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=connections, timeout=0.2, retry=retry,
            retry_on_error=[redis.ConnectionError, redis.TimeoutError], **timing)
    except (ValueError, TypeError) as error:
        raise Unavailable(f"Redis 地址 {without_password(url)!r:.120} 不对；应为 {FORMS}") from error
    return redis.Redis(connection_pool=pool)


def without_password(url: str) -> str:
    """The address as it may be shown: no user, no password, no options."""
    return re.sub(r"//[^/]*@", "//", url.partition("?")[0])


def _checked(options: dict[str, Any]) -> None:
    """Raises TypeError for an option that no connection knows: else it would come up at the first use only."""
    kind = options.pop("connection_class", UnixDomainSocketConnection if "path" in options else Connection)
    kind(**options)


def _nodes(url: str) -> tuple[list[tuple[str, int]], dict[str, Any], list[str]]:
    """Hosts with ports, what they have in common (user, password, TLS), and the parts of the path."""
    found = urlsplit(url)
    scheme = found.scheme.partition("+")[0]
    user, at, hosts = found.netloc.rpartition("@")
    each: list[dict[str, Any]] = [parse_url(f"{scheme}://{user}{at}{host}?{found.query}")  # type: ignore[no-untyped-call]
                                  for host in hosts.split(",")]
    if not all("host" in node and "port" in node for node in each):
        raise ValueError("a host or a port is missing")
    nodes = [(str(node.pop("host")), int(node.pop("port"))) for node in each]
    common = each[0]
    if common.pop("connection_class", None):
        common["ssl"] = True
    return nodes, common, [part for part in found.path.split("/") if part]


def _sentinel(url: str, timing: dict[str, Any], retry: Retry) -> redis.Redis:
    nodes, common, path = _nodes(url)
    if not 1 <= len(path) <= 2:
        raise ValueError("the master's name is missing")
    own = {name.removeprefix("sentinel_"): common.pop(name) for name in ("sentinel_username", "sentinel_password")
           if name in common}
    tls = {name: value for name, value in common.items() if name.startswith("ssl")}
    asking = timing | {"socket_timeout": 2 * CONNECT_S, "retry": Retry(NoBackoff(), 0)} | tls | own
    common["db"] = int(path[1]) if len(path) == 2 else 0
    _checked(_plain(common) | timing)
    watchers = Sentinel(nodes, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    client: redis.Redis = watchers.master_for(  # type: ignore[no-untyped-call]
        path[0], max_connections=MOST_CONNECTIONS, retry=retry, **common, **timing)
    return client


def _cluster(url: str, timing: dict[str, Any]) -> redis.Redis:
    nodes, common, path = _nodes(url)
    if path not in ([], ["0"]):
        raise ValueError("a cluster has only database 0")
    _checked(_plain(common) | timing)
    timing = {name: value for name, value in timing.items() if name != "health_check_interval"}

    def make() -> RedisCluster:
        started = [ClusterNode(*node) for node in nodes]  # type: ignore[no-untyped-call]
        return _Cluster(startup_nodes=started, require_full_coverage=False, reinitialize_steps=1,
                        retry=Retry(NoBackoff(), 0), max_connections=MOST_CONNECTIONS, **common, **timing)

    # It has every method of the plain client that we use.
    return cast(redis.Redis, LateCluster(make))


def _plain(common: dict[str, Any]) -> dict[str, Any]:
    kind = redis.SSLConnection if common.get("ssl") else Connection
    return {name: value for name, value in common.items() if name != "ssl"} | {"connection_class": kind}


class _Cluster(RedisCluster):
    def determine_slot(self, *args: Any) -> int | None:
        """Of XREAD the slot of its first stream; redis-py would ask some node for it each time, and that one may be
        dead without anybody noticing.
        """
        if args[0] == "XREAD":
            return int(self.keyslot(args[args.index(b"STREAMS") + 1]))  # type: ignore[no-untyped-call]
        return super().determine_slot(*args)


class LateCluster:
    """A cluster's client that asks for the cluster's map when first used, since redis-py's own does at its making."""

    def __init__(self, make: Callable[[], RedisCluster]) -> None:
        self._make = make
        self._made: RedisCluster | None = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._there(), name)

    def _there(self) -> RedisCluster:
        if self._made is None:
            if not self._lock.acquire(timeout=1.0):
                raise redis.ConnectionError("the cluster's map is being asked for")
            try:
                self._made = self._made or self._make()
            finally:
                self._lock.release()
        return self._made

    def close(self) -> None:
        """Ends the connections, if there are any."""
        if self._made is not None:
            self._made.close()
