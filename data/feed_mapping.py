"""What `feeds.yaml` says of a file's form and of the way from its columns to canonical fields."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data.errors import WrongInput
from data.pull_rules import json_path
from data.strict import Strict
from data.written import format_parts, zone_of


def _with_groups(pattern: str, groups: int) -> str:
    try:
        found = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"正则表达式有误：{error}") from None
    if found != groups:
        raise ValueError(f"正则表达式应有 {groups} 对括号，得到 {found}")
    return pattern


class TableForm(Strict):
    """How a table lies in its file: where the names are, what stands above, between and below.

    `sheet`: name of the sheet ('' = the first). `header`: line of the column names, 0 = none, then `columns` names
    them. `unit_line`: the line after the names holds units; `units`: what it must say there, column → unit. `foot`: the
    table ends before the first line that begins with one of these words. `from_name`: column → regular expression whose
    one group is found in the file's (or member's) name. `records`: JMESPath to the list in a JSON document.
    `layer`: layer of a GeoPackage ('' = the first).
    """

    sheet: str = ""
    header: int = Field(default=1, ge=0, le=1000)
    columns: tuple[str, ...] = ()
    unit_line: bool = False
    units: dict[str, str] = Field(default_factory=dict)
    foot: tuple[str, ...] = ()
    from_name: dict[str, str] = Field(default_factory=dict)
    records: str = ""
    layer: str = ""

    @field_validator("from_name")
    @classmethod
    def _one_group(cls, given: dict[str, str]) -> dict[str, str]:
        return {column: _with_groups(pattern, 1) for column, pattern in given.items()}

    _records = field_validator("records")(json_path)

    @model_validator(mode="after")
    def _agrees(self) -> TableForm:
        if (self.header == 0) != bool(self.columns):
            raise ValueError("header: 0 与 columns 要一起写：没有表头的文件由 columns 依次命名各列")
        if self.units and not self.unit_line:
            raise ValueError("units 需要 unit_line: true")
        if any(not word for word in self.foot):
            raise ValueError("foot 不能有空词")
        return self


class ValueColumn(Strict):
    """A column of a wide table that becomes records of `metric`: stored value = column × scale + offset.

    `pattern`: only cells that match take this way, their value is its one group. Of an indicator, `field` says which of
    its numbers the column holds and `basis` of what; columns of one metric and basis make one record.
    """

    metric: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    pattern: str = ""
    field: Literal["value", "yoy", "mom", "target", "rank"] = "value"
    basis: str = ""

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, given: str) -> str:
        return _with_groups(given, 1) if given else given


class Across(Strict):
    """Columns whose names are themselves a value: names that match `columns` fill the field `into`, cells `value`."""

    columns: str
    into: str
    value: str = "value"

    @field_validator("columns")
    @classmethod
    def _no_group(cls, given: str) -> str:
        return _with_groups(given, 0)


class Mapping(Strict):
    """Columns → canonical fields; empty = the records already come in canonical form.

    `fields`: canonical field → column (a dotted path in JSON). `join`: new column → columns put together with blanks.
    `formats`: time or period field → how it is written (YYYY, M, MM, D, DD, H, HH, mm, ss); of the fields in `trimmed`
    a program has dropped the last zeros (2016.1 = October). `time_columns`: year, month, day, hour columns. `values`:
    wide table; a column with several ways takes the first whose pattern fits. `across`: names of columns are values.
    `stages`: event stage → column of its time; one row becomes an event in each stage it has reached. `properties`:
    property of an asset → column. `codes`: canonical field → {as written: canonical}. `missing`: texts that mean no
    value; `missing_of`: the same for one field. `time_unit`: what a bare number in a time column counts since 1970;
    without it one is refused (seconds and milliseconds look alike). `not_above`: metric → metric of the same wide row
    that it cannot exceed; where it does, both are kept and flagged.
    """

    fields: dict[str, str] = Field(default_factory=dict)
    join: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    constants: dict[str, Any] = Field(default_factory=dict)
    formats: dict[str, str] = Field(default_factory=dict)
    trimmed: tuple[str, ...] = ()
    time_columns: tuple[str, ...] = ()
    timezone: str = ""
    values: dict[str, tuple[ValueColumn, ...]] = Field(default_factory=dict)
    across: Across | None = None
    stages: dict[str, str] = Field(default_factory=dict)
    properties: dict[str, str] = Field(default_factory=dict)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    missing: tuple[str, ...] = ("",)
    missing_of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    time_unit: Literal["", "s", "ms", "us"] = ""
    not_above: dict[str, str] = Field(default_factory=dict)

    @field_validator("values", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {column: way if isinstance(way, (list, tuple)) else (way,) for column, way in given.items()}

    @field_validator("formats")
    @classmethod
    def _readable(cls, given: dict[str, str]) -> dict[str, str]:
        for written in given.values():
            format_parts(written)
        return given

    @field_validator("timezone")
    @classmethod
    def _zone(cls, given: str) -> str:
        try:
            zone_of(given)
        except WrongInput as error:
            raise ValueError(str(error)) from None
        return given

    @property
    def named(self) -> bool:
        """True when the mapping names columns; else records come in canonical form."""
        return bool(self.fields or self.values or self.time_columns or self.stages or self.across or self.properties)

    @property
    def row_by_row(self) -> bool:
        """True when a row may become records that only the mapper of rows makes."""
        several = any(len(ways) > 1 or ways[0].pattern for ways in self.values.values())
        return several or bool(self.across or self.stages or self.properties or self.join)

    def columns(self) -> tuple[str, ...]:
        """Columns that a file must have, joined ones resolved; () when records come in canonical form."""
        named = [*self.fields.values(), *self.time_columns, *self.values, *self.stages.values(),
                 *self.properties.values()]
        return tuple(dict.fromkeys(part for name in named for part in self.join.get(name, (name,))))
