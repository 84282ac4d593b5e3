"""What holds for the head of every table, text or workbook: its names and its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.feed_mapping import TableForm
from data.formats.parts import Layout, refuse


def check_names(name: str, names: Sequence[str], layout: Layout) -> None:
    """Refuses a table whose columns cannot be told apart or lack one that is needed.

    Raises:
        WrongInput: a needed column is missing, a name stands twice, or there is none.
    """
    missing = [column for column in layout.columns if column not in names]
    if missing:
        raise refuse(name, f"缺少列 {'、'.join(missing[:5])}（表头是 {'、'.join(names[:8])[:120]}）",
                     "请核对 feeds.yaml 的 map 或换成原样导出的文件")
    doubled = sorted({column for column in names if column and names.count(column) > 1})
    if doubled or not any(names):
        wrong = f"列名 {doubled[0]:.40} 重复" if doubled else "表头没有列名"
        raise refuse(name, wrong, "请改正表头后再导入")


def check_units(name: str, written: Mapping[str, str], form: TableForm) -> None:
    """Refuses a table whose unit line says other units than the feed expects: its numbers would be silently wrong.

    Raises:
        WrongInput: another unit, or none.
    """
    for column, expected in form.units.items():
        found = written.get(column, "")
        if found != expected:
            raise refuse(name, f"列 {column:.40} 的单位写的是 {found or '空'!r:.20}，应为 {expected!r:.20}",
                         "请核对来源，单位确已改变时改正 feeds.yaml")
