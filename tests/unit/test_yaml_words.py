"""Broken YAML is named by file and line, and why, without a word of English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from data.packfiles import read_yaml

BROKEN = {
    "a: b: c": "冒号", "a: [1, 2": "方括号", "a: {b: 1": "花括号", "a: 'x": "引号", "a: @x": "不能用来开头",
    "\ta: 1": "制表符", "a: 1\n b: 2": "冒号", "a:\n  - 1\n - 2": "", "a: *x": "没有定义",
    "a: !!python/object:os.x {}": "标签",
    "a: 1\nb\nc: 2": "冒号", 'a: "\\q"': "反斜线",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_told_in_chinese_with_its_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "place.yaml").write_text("# 注释\n" + text + "\n", encoding="utf-8")
    problems: list[str] = []
    assert read_yaml(tmp_path, "place.yaml", dict[str, Any], problems) is None
    said = problems[0].replace(str(tmp_path), "")
    found = re.match(r"/place\.yaml:(\d+): (.+)", said)
    assert found is not None
    assert int(found[1]) >= 2
    assert BROKEN[text] in found[2]
    assert not re.search(r"[a-z]{5,}", found[2]), found[2]
