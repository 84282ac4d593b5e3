"""docs/settings.md against the settings class: the same names, the same defaults."""

from __future__ import annotations

import re
from pathlib import Path

from data.settings import PREFIX, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(YIPING_\w+)` \| ([^|]*?) ?\|", PAGE, re.MULTILINE))


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    assert set(ROWS) == {PREFIX + name.upper() for name in Settings.model_fields}


def test_the_defaults_are_told() -> None:
    for name, field in Settings.model_fields.items():
        told = ROWS[PREFIX + name.upper()]
        if told.startswith("`") and name != "state":
            assert told == f"`{field.default}`"
        else:
            assert field.default in ("", None)


def test_the_words_of_choices_are_told() -> None:
    for name in ("mode", "history", "scenario"):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{PREFIX}{name.upper()}`"))
        words = set(Settings.model_fields[name].annotation.__args__)
        assert words <= set(re.findall(r"`([\w-]+)`", row)), name
