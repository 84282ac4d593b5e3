"""A database as a source: a table or a declared query, read-only, in the order of a column that only grows."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
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

PORTION_ROWS, PAGE_ROWS, MOST_WITHOUT = 1_000, 20_000, 200_000
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
            if self._rule.watermark and reading.fresh and (nameless := self._without(connection)):
                yield Portion(bad=nameless)
            for rows in self._pages(connection, reading):
                for start in range(0, len(rows), PORTION_ROWS):
                    portion = reading.take(rows[start:start + PORTION_ROWS])
                    if portion.rows or portion.bad:
                        empty = False
                        yield portion
        if empty:
            yield Portion()

    def _pages(self, connection: Connection, reading: _Reading) -> Generator[list[dict[str, Any]], None, None]:
        """The rows from where we are, a page at a time; a page of one value alone is asked for again, longer.

        Nothing of a statement is left open while rows are handed on: an unfinished answer would hold the server.
        """
        moves, most = moves_of(connection), PAGE_ROWS if self._rule.watermark else MOST_WITHOUT + 1
        while True:
            moves.moved()
            low = reading.low()
            found = connection.execute(self._select(low).limit(most))
            self._check(tuple(found.keys()))
            rows = [_named(row) for row in found.mappings()]
            if not self._rule.watermark and len(rows) > MOST_WITHOUT:
                raise WrongInput(f"{self._database.name} 的表超过 {MOST_WITHOUT} 行，不能每次全读；请写 watermark")
            stuck = len(rows) == most and rows[-1][self._rule.watermark] == low
            if not stuck:
                yield rows
            if len(rows) < most:
                return
            most = most * 2 if stuck else PAGE_ROWS

    def _check(self, names: tuple[str, ...]) -> None:
        missing = [name for name in (*self._needed, *filter(None, [self._rule.watermark])) if name not in names]
        if missing:
            raise WrongInput(f"{self._database.name} 里缺少列 {'、'.join(missing[:5])}（有 {'、'.join(names)[:120]}）；"
                             "请核对 feeds.yaml 的 map 与 sql")

    def _select(self, low: Mark | None) -> Select[Any]:
        """The statement of a page."""
        asked = self._asked()
        if not self._rule.watermark:
            return asked
        mark = self._mark()
        return asked.where(mark.is_not(None) if low is None else mark >= low).order_by(mark)

    def _asked(self) -> Select[Any]:
        """Table or query; every name is quoted by the dialect, every value is bound."""
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
        return asked

    def _mark(self) -> Any:
        return column(quoted_name(self._rule.watermark, True))

    def _without(self, connection: Connection) -> list[tuple[str, str]]:
        """Rows without a watermark would never be met again: they are named once."""
        found = connection.execute(self._asked().where(self._mark().is_(None)).limit(PORTION_ROWS)).mappings()
        return [(raw_text({key: plain(value) for key, value in _named(row).items()}), NO_WATERMARK) for row in found]


class _Reading:
    """One round's way along the watermark: where we are, and which rows of that very value were taken."""

    def __init__(self, rule: SqlPull, cursor: Cursor | None) -> None:
        self._rule = rule
        known = cursor if rule.watermark and cursor else None
        self._start = self._mark = _mark(known) if known else None
        self._taken = frozenset(known["ties"]) if known else frozenset()
        self._ties = set(self._taken)
        self._begins = True

    @property
    def fresh(self) -> bool:
        """True when the feed was never read."""
        return self._start is None

    def low(self) -> Mark | None:
        """The value that the next page begins at, None = everything; the first one an overlap before."""
        at, overlap, begins = self._mark, self._rule.overlap, self._begins
        self._begins = False
        if at is None or not overlap or not begins or isinstance(at, str):
            return at
        if isinstance(at, datetime):
            return at - timedelta(seconds=overlap)
        if isinstance(at, date):
            return at - timedelta(days=-(-overlap // 86_400))
        return at - type(at)(overlap)  # type: ignore[operator]

    def take(self, raws: list[dict[str, Any]]) -> Portion:
        """The rows that are new, and how far we are with them."""
        portion, name = Portion(), self._rule.watermark
        for raw in raws:
            row = {key: plain(value) for key, value in raw.items()}
            if not name or self._new(raw[name], row):
                portion.rows.append(row)
        if name and self._mark is not None:
            ties = sorted(self._ties) if len(self._ties) <= MOST_TIES else []
            portion.cursor = {**_noted(self._mark), "ties": ties}
        return portion

    def _new(self, mark: Mark, row: dict[str, Any]) -> bool:
        if mark != self._mark:
            self._mark, self._ties = mark, set(self._taken) if mark == self._start else set()
        digest = hashlib.blake2b(orjson.dumps(row, default=str), digest_size=8).hexdigest()
        if digest in self._ties:
            return False
        self._ties.add(digest)
        return True


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row by plain names: of declared columns the driver gives quoted names, which JSON does not take for text."""
    return {str(key): value for key, value in row.items()}


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
