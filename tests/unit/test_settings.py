"""Settings: what is refused and with which sentence, the clock, the folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data import settings as module
from data.errors import WrongInput
from data.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No YIPING_ variable of the machine, and a root without .env."""
    import os

    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def test_an_unknown_name_is_refused_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_PROT", "8051")
    with pytest.raises(WrongInput, match=r"YIPING_PROT 不是已知设置；是否要写 YIPING_PORT？"):
        load_settings()


def test_push_tokens_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_TOKEN_AIR_HOURLY", "secret")
    assert load_settings().port == 8050


def test_an_unknown_name_in_the_file_is_refused(bare: Path) -> None:
    (bare / ".env").write_text("OTHER=1\nYIPING_TOKEN_A=x\nexport YIPING_COLOUR=red\n")
    with pytest.raises(WrongInput, match=r"\.env里的 YIPING_COLOUR"):
        load_settings()


def test_a_wrong_value_names_the_setting_and_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_PORT", "eighty")
    with pytest.raises(WrongInput, match=r"YIPING_PORT：值 'eighty'"):
        load_settings()


def test_the_command_line_rules_and_none_means_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_PORT", "8051")
    assert load_settings(port=None).port == 8051
    assert load_settings(port=8052).port == 8052


def test_now_is_the_places_time_and_an_offset_rules_over_it(tmp_path: Path) -> None:
    (tmp_path / "place.yaml").write_text("name: x\ntimezone: Asia/Shanghai\n")
    clock = Settings(place=tmp_path, now="2026-02-17T08:00").clock()
    assert abs((clock.now() - datetime(2026, 2, 17, 0, 0, tzinfo=UTC)).total_seconds()) < 5
    assert Settings(place=tmp_path, now="2026-02-17T08:00", clock_offset_s=5.0).clock().offset_s == 5.0
    assert Settings(place=tmp_path).clock().offset_s == 0.0


def test_now_that_is_no_time_says_so() -> None:
    with pytest.raises(WrongInput, match=r"YIPING_NOW（--now）：.*应写成 2026-11-22T08:00"):
        Settings(now="tomorrow").clock()


def test_state_lies_below_var_unless_named(tmp_path: Path, bare: Path) -> None:
    assert Settings(place=Path("places/x")).state_dir == bare / "var" / "x"
    assert Settings(state=tmp_path / "s").state_dir == tmp_path / "s"
