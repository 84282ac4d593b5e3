"""A Redis Cluster and a Sentinel set of a test's own: real servers on random ports of this machine."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from own_redis import _answers, _binary, wait_for

PASSWORD = "geheim-7"
SLOTS = 16384
NODE_TIMEOUT_MS, DOWN_MS = 1500, 1000


class Node:
    """One server; `kind` sentinel or server."""

    def __init__(self, folder: Path, port: int, lines: list[str], sentinel: bool = False) -> None:
        folder.mkdir(parents=True)
        self.port, self._log, self._sentinel = port, folder / "log", sentinel
        own = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", f"logfile {self._log}", "protected-mode no"]
        self._config = folder / "redis.conf"
        self._config.write_text("\n".join([*own, *lines]) + "\n", encoding="utf-8")
        self.start()
        self.client = redis.Redis(port=port, password=None if sentinel else PASSWORD, socket_timeout=5)

    def start(self) -> None:
        self.process = subprocess.Popen([_binary(), str(self._config), *(["--sentinel"] if self._sentinel else [])])

    def up(self) -> None:
        wait_for(lambda: _answers(self.client) or self.process.poll() is not None)
        assert self.process.poll() is None, self._log.read_text("utf-8", "replace")[-2000:]

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait(10)

    def close(self) -> None:
        self.end()
        self.client.close()


class Many:
    """Servers, the address of all of them, and which one holds a key now."""

    def __init__(self, nodes: list[Node], url: str) -> None:
        self.nodes, self.url = nodes, url

    def master_of(self, key: str) -> Node:
        if "cluster" not in self.url:
            return next(node for node in self._alive() if node.client.role()[0] == b"master")  # type: ignore[index]
        slot = int(self._alive()[0].client.execute_command("CLUSTER", "KEYSLOT", key))
        return next(node for node in self._alive() if slot in _slots(node) and "master" in _told(node))

    def revive(self, node: Node) -> None:
        """Starts a dead server again and waits until it follows the one that took its place."""
        node.end()
        node.start()
        node.up()
        wait_for(lambda: _follower(node), 30)

    def _alive(self) -> list[Node]:
        return [node for node in self.nodes if node.process.poll() is None]


def _follower(node: Node) -> bool:
    told: Any = node.client.info("replication")
    return bool(told["role"] == "slave" and told["master_link_status"] == "up")


def _told(node: Node) -> str:
    return next(line for line in _lines(node) if "myself" in line)


def _lines(node: Node) -> list[str]:
    told: Any = node.client.execute_command("CLUSTER NODES")
    if isinstance(told, dict):
        return [f"{name} {facts['flags']} {' '.join('-'.join(part) for part in facts['slots'])}"
                for name, facts in told.items()]
    return str(told.decode()).splitlines()


def _slots(node: Node) -> range:
    bounds = _told(node).split()[-1].split("-")
    return range(int(bounds[0]), int(bounds[-1]) + 1) if bounds[0].isdigit() else range(0)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, with the cluster bus' (10,000 above) free too."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(20_000, 50_000)
        if port not in found and all(map(_free, (port, port + 10_000))):
            found.append(port)
    return found


def _free(port: int) -> bool:
    with socket.socket() as line:
        try:
            line.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def cluster(folder: Path) -> Iterator[Many]:
    """Three masters with a replica each."""
    common = ["cluster-enabled yes", f"cluster-node-timeout {NODE_TIMEOUT_MS}", "appendonly yes", 'save ""',
              f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", "cluster-replica-validity-factor 0"]
    nodes: list[Node] = []
    try:
        for port in free_ports(6):
            nodes.append(Node(folder / str(port), port, common))
        for node in nodes:
            node.up()
        _join(nodes)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        yield Many(nodes, f"redis+cluster://:{PASSWORD}@{hosts}")
    finally:
        for node in nodes:
            node.close()


def _join(nodes: list[Node]) -> None:
    masters, replicas = nodes[:3], nodes[3:]
    edges = [SLOTS * number // 3 for number in range(4)]
    for number, node in enumerate(nodes):
        node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
    for node, start, end in zip(masters, edges[:3], edges[1:], strict=True):
        node.client.execute_command("CLUSTER ADDSLOTS", *range(start, end))
    for node in nodes[1:]:
        nodes[0].client.execute_command("CLUSTER MEET", "127.0.0.1", node.port)
    wait_for(lambda: all(len(_lines(node)) == len(nodes) for node in nodes), 30)
    for master, replica in zip(masters, replicas, strict=True):
        name = bytes(master.client.execute_command("CLUSTER MYID")).decode()
        wait_for(lambda replica=replica, name=name: _follows(replica, name), 30)
    wait_for(lambda: all(_well(node) for node in nodes), 30)


def _follows(replica: Node, name: str) -> bool:
    try:
        return bool(replica.client.execute_command("CLUSTER REPLICATE", name))
    except redis.ResponseError:
        # It has not heard of its master yet.
        return False


def _well(node: Node) -> bool:
    told: Any = node.client.execute_command("CLUSTER INFO")
    state = told["cluster_state"] if isinstance(told, dict) else told
    link: Any = node.client.info("replication")
    return "ok" in str(state) and link.get("master_link_status", "up") == "up"


@contextmanager
def sentinels(folder: Path) -> Iterator[Many]:
    """A master, two replicas, and three sentinels that watch them as `county`."""
    ports = free_ports(6)
    common = ["appendonly yes", 'save ""', f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"]
    watch = [f"sentinel monitor county 127.0.0.1 {ports[0]} 2", f"sentinel auth-pass county {PASSWORD}",
             f"sentinel down-after-milliseconds county {DOWN_MS}", "sentinel failover-timeout county 4000"]
    nodes: list[Node] = []
    watchers: list[Node] = []
    try:
        for port in ports[:3]:
            following = [] if port == ports[0] else [f"replicaof 127.0.0.1 {ports[0]}"]
            nodes.append(Node(folder / str(port), port, common + following))
        for node in nodes:
            node.up()
        wait_for(lambda: nodes[0].client.info("replication")["connected_slaves"] == 2, 30)
        for port in ports[3:]:
            watchers.append(Node(folder / str(port), port, watch, sentinel=True))
        for node in watchers:
            node.up()
        wait_for(lambda: all(_watches(node) for node in watchers), 30)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in watchers)
        yield Many(nodes, f"redis+sentinel://:{PASSWORD}@{hosts}/county/0")
    finally:
        for node in nodes + watchers:
            node.close()


def _watches(node: Node) -> bool:
    state: Any = node.client.sentinel_master("county")
    return state["num-other-sentinels"] == 2 and state["num-slaves"] == 2
