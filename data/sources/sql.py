"""A database as a source: a table or a declared query, read-only, in the order of a column that only grows."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, Select, column, literal_column, select, table, text
from sqlalchemy.sql import quoted_name

from data.databases import Database, moves_of
from data.errors import WrongInput
from data.mapping import needed_columns, raw_text
from data.pull_rules import SqlPull
from data.source import Cursor, Portion, Site
from data.source_faults import secret

PORTION_ROWS = 1_000
MOST_TIES = 5_000
NO_WATERMARK = "水位列为空，无法增量读取；请在来源补上，或换一列作水位"
Mark = int | float | Decimal | str | datetime | date


def open_source(site: Site) -> SqlSource:
    """The table or query of a feed.

    Raises:
        WrongInput: the environment lacks the address, or it is none.
    """
    rule = site.feed.source.sql
    if rule is None:
        raise WrongInput(f"数据源 {site.name} 缺少 sql 一块；见 docs/feeds.md")
    return SqlSource(site, rule, Database(secret(rule.url_env), rule.url_env, rule.timeout))


class SqlSource:
    """One table or query; a connection lives for one round."""

    def __init__(self, site: Site, rule: SqlPull, database: Database) -> None:
        self._site, self._rule, self._database = site, rule, database
        self._needed = needed_columns(site.feed)

    def close(self) -> None:
        """Forgets connections."""
        self._database.close()

    def portions(self, cursor: Cursor | None) -> Generator[Portion, None, None]:
        """Rows from the cursor's value on, in ascending order of the watermark; those taken already are left out.

        Rows of one value may come in two rounds: reading begins at the last value, not after it, and the cursor
        remembers which rows of that value were taken (beyond MOST_TIES none: they come again and are duplicates).
        """
        reading = _Reading(self._rule, cursor)
        empty = True
        with self._database.reading() as connection:
            moves = moves_of(connection)
            found = connection.execution_options(yield_per=PORTION_ROWS).execute(self._select(connection, reading))
            self._check(tuple(found.keys()))
            for part in found.mappings().partitions(PORTION_ROWS):
                portion = reading.take([dict(row) for row in part])
                moves.moved()
                if portion.rows or portion.bad:
                    empty = False
                    yield portion
                moves.moved()
        if empty:
            yield Portion()

    def _check(self, names: tuple[str, ...]) -> None:
        missing = [name for name in (*self._needed, *filter(None, [self._rule.watermark])) if name not in names]
        if missing:
            raise WrongInput(f"{self._database.name} 里缺少列 {'、'.join(missing[:5])}（有 {'、'.join(names)[:120]}）；"
                             "请核对 feeds.yaml 的 map 与 sql")

    def _select(self, connection: Connection, reading: _Reading) -> Select[Any]:
        """The statement; every name is quoted by the dialect, every value is bound."""
        rule = self._rule
        if rule.query:
            # A colon would begin a parameter.
            inner = text("(" + rule.query.replace(":", r"\:") + ") AS pulled")
            asked: Select[Any] = select(literal_column("*")).select_from(inner)
        else:
            schema, _, name = rule.table.rpartition(".")
            columns: list[Any] = [column(quoted_name(one, True)) for one in rule.columns]
            here = table(quoted_name(name, True), *columns, schema=quoted_name(schema, True) if schema else None)
            asked = select(*columns).select_from(here) if columns else select(literal_column("*")).select_from(here)
        if not rule.watermark:
            return asked
        mark: Any = column(quoted_name(rule.watermark, True))
        low = reading.low
        return (asked if low is None else asked.where(mark >= low)).order_by(mark)


class _Reading:
    """One round's way along the watermark."""

    def __init__(self, rule: SqlPull, cursor: Cursor | None) -> None:
        self._rule = rule
        known = cursor if rule.watermark and cursor else None
        self._start = self._last = _mark(known) if known else None
        self._taken = frozenset(known["ties"]) if known else frozenset()
        self._ties: list[str] = list(self._taken)

    @property
    def low(self) -> Mark | None:
        """The value that reading begins at, None = everything."""
        start, overlap = self._start, self._rule.overlap
        if start is None or not overlap:
            return start
        if isinstance(start, datetime):
            return start - timedelta(seconds=overlap)
        if isinstance(start, date):
            return start - timedelta(days=-(-overlap // 86_400))
        return start if isinstance(start, str) else type(start)(start - type(start)(overlap))  # type: ignore[operator]

    def take(self, raws: list[dict[str, Any]]) -> Portion:
        """The rows that are new, and how far we are with them."""
        portion, name = Portion(), self._rule.watermark
        for raw in raws:
            row = {key: plain(value) for key, value in raw.items()}
            if not name:
                portion.rows.append(row)
            elif raw[name] is None:
                portion.bad.append((raw_text(row), NO_WATERMARK))
            elif self._fresh(raw[name], row):
                portion.rows.append(row)
        if name and self._last is not None:
            ties = self._ties if len(self._ties) <= MOST_TIES else []
            portion.cursor = {**_noted(self._last), "ties": ties}
        return portion

    def _fresh(self, mark: Mark, row: dict[str, Any]) -> bool:
        digest = hashlib.blake2b(orjson.dumps(row, default=str), digest_size=8).hexdigest()
        if mark == self._start and digest in self._taken:
            return False
        if mark != self._last:
            self._last, self._ties = mark, list(self._taken) if mark == self._start else []
        self._ties.append(digest)
        return True


def plain(value: Any) -> Any:
    """A database's value as the mapping understands it: numbers, text, times."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, (str, int, float, datetime, date)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return value if isinstance(value, (dict, list)) else str(value)


def _noted(mark: Mark) -> Cursor:
    """A watermark in a form that JSON keeps exactly."""
    if isinstance(mark, (datetime, date)):
        return {"kind": type(mark).__name__, "value": mark.isoformat()}
    if isinstance(mark, (int, float, str)):
        return {"kind": type(mark).__name__, "value": mark}
    if isinstance(mark, Decimal):
        return {"kind": "Decimal", "value": str(mark)}
    raise WrongInput(f"水位列的类型 {type(mark).__name__} 不能作水位；请用时间、整数或文字的列")


def _mark(cursor: Cursor) -> Mark:
    kinds: dict[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "Decimal": Decimal}
    made: Mark = kinds.get(cursor["kind"], lambda value: value)(cursor["value"])
    return made
