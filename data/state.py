"""The state of the county in Redis; the only maker of its keys (`data.redis_clients` makes the clients)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
import redis

from data.batches import Batch
from data.breaker import Breaker, Guard, Lost
from data.errors import Unavailable
from data.health import FeedHealth
from data.latest import Newest
from data.records import Row
from data.redis_clients import LOST, kind_of, make_client, refuses_writes

T = TypeVar("T")
AWAY = "缓存（Redis）没有应答；数据已落盘，恢复后自动补上，请检查 Redis 进程"
READ_ONLY = "缓存只读：Redis 磁盘或内存已满，或不是主节点；数据已落盘，能写后自动补上"
HOLED = "缓存（Redis）换了主节点，缺少最后几批；正从磁盘补上"
OVERTAKEN = "这批数据在写入前已由另一个采集器接手或抢先；请过几秒重新发送"
BLOCK_MOST_S = 2.0
TAIL_ENTRIES = 5_000
TAIL_BYTES = 64_000_000


class State:
    """Latest values, the tail of accepted batches, versions and feed health of one place.

    While Redis is away every call raises `Unavailable` at once; one background probe a second finds it again.
    `publish` is for one writer only, the collector. In a cluster all keys of a place share one slot, by the hash tag
    around the prefix: what is published together is seen together.
    """

    def __init__(self, url: str, prefix: str, breaker: Breaker | None = None) -> None:
        self._prefix = "{" + prefix.removesuffix(":") + "}:" if kind_of(url) == "cluster" else prefix
        self._client = make_client(url)
        self._waiting = make_client(url, BLOCK_MOST_S + 1.0, 4, 0)
        self._guard = Guard("redis", self._alive, LOST, breaker)
        self._published: int | None = None
        self._newest = Newest()
        self._sizes: deque[tuple[int, int]] = deque()
        self._bytes, self.read_only = 0, False

    def _alive(self) -> None:
        # A read: a full disk refuses even PING while reads go on, and in a cluster only our own node counts.
        self._client.exists(self._key("tail"))

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    def _call(self, work: Callable[[], T]) -> T:
        try:
            return self._guard.call(work)
        except Lost as error:
            self._published = None
            raise Unavailable(AWAY) from error
        except redis.RedisError as error:
            if not refuses_writes(error):
                raise
            self._published, self.read_only = None, True
            raise Unavailable(READ_ONLY) from error

    @property
    def ok(self) -> bool:
        """True while Redis answers (it may be read-only)."""
        return not self._guard.breaker.open

    def ping(self) -> None:
        """Asks whether Redis takes writes. Raises Unavailable."""
        # Not DEL, which a Redis without memory takes.
        self._call(lambda: self._client.set(self._key("probe"), b"", px=1))
        self.read_only = False

    def close(self) -> None:
        """Ends the probe and the connections."""
        self._guard.close()
        self._client.close()
        self._waiting.close()

    def publish(self, batch: Batch) -> None:
        """Makes a batch visible in one transaction; one that is already there changes nothing.

        Raises:
            Unavailable: Redis is away or read-only; the batch may be published again later.
        """
        if self._published is None:
            self._newest.clear()
            self._published = self.last_seq()
        last = self._published
        if batch.seq1 <= last:
            return
        try:
            self._call(lambda: self._write([batch], last))
        except redis.WatchError as error:
            self._published = None
            raise Unavailable(HOLED) from error
        self._published, self.read_only = batch.seq1, False

    def publish_held(self, batches: Sequence[Batch], after: int, leases: Mapping[str, str]) -> None:
        """Makes batches visible in one transaction, if the tail still ends at `after` and the leases are still ours.

        For one of several collectors; what is published stays until `trim`. leases: feed → value (`Leases.value`).

        Raises:
            Unavailable: it is not so, or Redis is away: then it may have happened all the same.
        """
        try:
            self._call(lambda: self._write(batches, after, leases))
        except redis.WatchError as error:
            raise Unavailable(OVERTAKEN) from error
        self.read_only = False

    def forget_newest(self) -> None:
        """Others may have written what is newest: it is asked again."""
        self._newest.clear()

    def _write(self, batches: Sequence[Batch], published: int, leases: Mapping[str, str] | None = None) -> None:
        tail = self._key("tail")
        held = {self._key("lease", feed): value.encode() for feed, value in (leases or {}).items()}
        changes = [self._change(batch) for batch in batches]
        with self._client.pipeline(transaction=True) as pipe:
            # A new master may lack the last batches of the old one, and no connection need have broken under us.
            pipe.watch(tail, *held)  # type: ignore[no-untyped-call]
            if _top(pipe.xrevrange(tail, count=1)) != published:
                raise redis.WatchError("the tail is not as we left it")
            if any(pipe.get(key) != value for key, value in held.items()):
                raise redis.WatchError("a lease has gone")
            pipe.multi()
            for batch, (entry, fresh, gone) in zip(batches, changes, strict=True):
                trim = {} if held else self._trim(batch.seq1, len(entry["rows"]))
                pipe.xadd(tail, entry, id=f"{batch.seq1}-0", approximate=True, **trim)
                if fresh:
                    pipe.hset(self._key("last", batch.feed), mapping=fresh)
                if gone:
                    pipe.hdel(self._key("last", batch.feed), *gone)
                pipe.hset(self._key("ver"), batch.feed, batch.seq1)
            pipe.execute()

    def _change(self, batch: Batch) -> tuple[dict[Any, Any], dict[Any, Any], list[str]]:
        """The entry of the tail, and of the newest rows those to write and those to remove."""
        unknown = self._newest.unknown(batch)
        if unknown:
            self._newest.learn(batch, unknown, self._client.hmget(self._key("last", batch.feed), unknown))
        return {"seq0": batch.seq0, "feed": batch.feed, "kind": batch.kind, "received": batch.received,
                "rows": orjson.dumps(batch.rows)}, *self._newest.choose(batch)

    def trim(self, seq: int) -> None:
        """Lets go of the tail's entries before a number. Raises Unavailable."""
        self._call(lambda: self._client.xtrim(self._key("tail"), minid=f"{seq}-0", approximate=True))

    def _trim(self, seq: int, size: int) -> dict[str, Any]:
        if not self._sizes or self._sizes[-1][0] != seq:
            self._sizes.append((seq, size))
            self._bytes += size
        if self._bytes <= TAIL_BYTES:
            return {"maxlen": TAIL_ENTRIES}
        while self._bytes > TAIL_BYTES and len(self._sizes) > 1:
            self._bytes -= self._sizes.popleft()[1]
        return {"minid": f"{self._sizes[0][0]}-0"}

    def last_seq(self) -> int:
        """The number of the last published row, 0 if none."""
        return self._call(lambda: _top(self._client.xrevrange(self._key("tail"), count=1)))

    def tail(self, after_seq: int, block_ms: int = 0, count: int = 200) -> list[Batch]:
        """Batches whose seq1 > after_seq, oldest first; waits up to block_ms (at most 2 s) for the first.

        Raises:
            Unavailable: Redis is away.
        """
        client = self._waiting if block_ms else self._client
        block = min(block_ms, round(BLOCK_MOST_S * 1000)) or None
        streams: dict[Any, Any] = {self._key("tail"): f"{after_seq}-0"}
        found: Any = self._call(lambda: client.xread(streams, count=count, block=block))
        return [_batch(entry_id, fields) for _, entries in found or [] for entry_id, fields in entries]

    def holds(self, seq1: int) -> bool:
        """Whether the batch that ends with this number is in the tail. Raises Unavailable."""
        return bool(self._call(lambda: self._client.xrange(self._key("tail"), str(seq1), str(seq1))))

    def versions(self) -> dict[str, int]:
        """Last number of every feed."""
        found: Any = self._call(lambda: self._client.hgetall(self._key("ver")))
        return {feed.decode(): int(seq) for feed, seq in found.items()}

    def latest(self, feed: str) -> dict[str, Row]:
        """Newest current row by station␟metric, indicator␟division␟basis or id; of events only the open ones."""
        found: Any = self._call(lambda: self._client.hgetall(self._key("last", feed)))
        return {field.decode(): orjson.loads(row) for field, row in found.items()}

    def set_health(self, states: list[FeedHealth]) -> None:
        """Writes the health of feeds."""
        if states:
            mapping: dict[Any, Any] = {state.feed: orjson.dumps(asdict(state)) for state in states}
            self._call(lambda: self._client.hset(self._key("health"), mapping=mapping))

    def health(self) -> dict[str, FeedHealth]:
        """Health of every feed that ever wrote one."""
        found: Any = self._call(lambda: self._client.hgetall(self._key("health")))
        return {feed.decode(): FeedHealth.of(orjson.loads(raw)) for feed, raw in found.items()}

    def get_json(self, key: str) -> Any:
        """A small value, None if absent."""
        found: Any = self._call(lambda: self._client.get(self._key("json", key)))
        return None if found is None else orjson.loads(found)

    def set_json(self, key: str, value: Any, ttl_s: float | None = None) -> None:
        """Keeps a small value, for ttl_s seconds if given."""
        px = None if ttl_s is None else max(1, round(ttl_s * 1000))
        self._call(lambda: self._client.set(self._key("json", key), orjson.dumps(value), px=px))

    def take_lease(self, feed: str, owner: str, ttl_s: float, after: int) -> int:
        """Takes a feed's lease where nobody holds it; its turn, which only grows and is > `after`; 0 if another does.

        Raises:
            Unavailable: Redis is away.
        """
        return self._call(lambda: self._take(feed, owner, ttl_s, after))

    def _take(self, feed: str, owner: str, ttl_s: float, after: int) -> int:
        lease, turns = self._key("lease", feed), self._key("turn", feed)
        if self._client.exists(lease):
            return 0
        turn: Any = self._client.incr(turns)
        if turn <= after:
            # Redis was emptied: turns must go on growing.
            turn = after + 1
            self._client.set(turns, turn)
        won = self._client.set(lease, f"{turn} {owner}", nx=True, px=round(ttl_s * 1000))
        return int(turn) if won else 0

    def keep_lease(self, feed: str, owner: str, turn: int, ttl_s: float) -> bool:
        """Lengthens a lease (ttl_s 0 = gives it back); False when it is no longer ours. Raises Unavailable."""
        key, ours = self._key("lease", feed), f"{turn} {owner}".encode()
        return self._call(lambda: self._changed(key, lambda old: old == ours, lambda pipe: pipe.pexpire(
            key, round(ttl_s * 1000)) if ttl_s else pipe.delete(key)))

    def holder(self, feed: str) -> list[str]:
        """Who holds a feed's lease: its turn and what its owner says of itself, [] = nobody. Raises Unavailable."""
        found: Any = self._call(lambda: self._client.get(self._key("lease", feed)))
        return found.decode().split(" ") if found else []

    def take_pen(self, ttl_s: float) -> bool:
        """Asks for the turn to write among several collectors: courtesy only, `publish_held` is what keeps order."""
        return bool(self._call(lambda: self._client.set(self._key("pen"), 1, nx=True, px=round(ttl_s * 1000))))

    def drop_pen(self) -> None:
        """The next one may write. Raises Unavailable."""
        self._call(lambda: self._client.delete(self._key("pen")))

    def cursor(self, feed: str) -> Any:
        """What the last holder of the feed's lease noted, None if nothing. Raises Unavailable."""
        return self.get_json(f"cursor:{feed}")

    def set_cursor(self, feed: str, note: dict[str, Any]) -> bool:
        """Notes a cursor; False when a later turn than note["turn"] noted one already. Raises Unavailable."""
        key, turn = self._key("json", f"cursor:{feed}"), note["turn"]
        return self._call(lambda: self._changed(
            key, lambda old: old is None or orjson.loads(old)["turn"] <= turn,
            lambda pipe: pipe.set(key, orjson.dumps(note))))

    def _changed(self, key: str, fits: Callable[[Any], bool], change: Callable[[Any], object]) -> bool:
        """Changes a key if its value fits, and nobody changed it in between (a script would do it too, but none runs
        here)."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(key)  # type: ignore[no-untyped-call]
            if not fits(pipe.get(key)):
                return False
            pipe.multi()
            change(pipe)
            try:
                return bool(pipe.execute()[0])
            except redis.WatchError:
                return False


def _top(entries: Any) -> int:
    """The number of the newest entry, 0 if there is none."""
    return int(entries[0][0].split(b"-")[0]) if entries else 0


def _batch(entry_id: bytes, fields: dict[bytes, bytes]) -> Batch:
    return Batch(int(fields[b"seq0"]), int(entry_id.split(b"-")[0]), fields[b"feed"].decode(), fields[b"kind"].decode(),
                 int(fields[b"received"]), orjson.loads(fields[b"rows"]))
