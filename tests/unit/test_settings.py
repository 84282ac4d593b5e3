"""Settings: what is refused and with which sentence, the clock, the folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import app
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
    said = "^设置 YIPING_PORT（环境变量）的值 'eighty' 不合要求：应为 1 到 65535 的整数；请改正"
    with pytest.raises(WrongInput, match=said):
        load_settings()


WRONG = [("MODE", "prod", "demo、production 之一"), ("HISTORY", "lots", "full、small、none 之一"),
         ("PORT", "70000", "65535 的整数"), ("CLOCK_OFFSET_S", "nan", "应为数"),
         ("WALL_PITCH_MM", "0", "应为数，大于 0"), ("CAPTURE_NO_SANDBOX", "maybe", "true 或 false")]


@pytest.mark.parametrize(("name", "value", "may_be"), WRONG)
def test_a_wrong_value_says_in_chinese_what_it_may_be(name: str, value: str, may_be: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"YIPING_{name}", value)
    with pytest.raises(WrongInput) as caught:
        load_settings()
    said = str(caught.value)
    assert f"YIPING_{name}（环境变量）的值 '{value}'" in said
    assert may_be in said
    assert "\n" not in said
    assert not any(word in said for word in ("Input", "should", "valid"))


def test_a_wrong_value_says_where_it_came_from(bare: Path) -> None:
    (bare / ".env").write_text("# 注释\nYIPING_PORT=nine\n")
    with pytest.raises(WrongInput, match=r"YIPING_PORT（\.env 第 2 行）的值 'nine'"):
        load_settings()
    (bare / ".env").write_text("")
    with pytest.raises(WrongInput, match=r"设置 --port（命令行）的值 '70000'"):
        load_settings(port=70000)


def test_an_empty_value_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_STATE", "")
    monkeypatch.setenv("YIPING_PORT", "")
    assert load_settings().state is None
    assert load_settings().port == 8050


@pytest.mark.parametrize(("raw", "said"), [
    (b"\nYIPING_PORT=\xff\xfe\n", "第 2 行不是 UTF-8"), (b"YIPING_PORT 8051\n", "缺少等号")])
def test_an_unreadable_file_names_its_line(bare: Path, raw: bytes, said: str) -> None:
    (bare / ".env").write_bytes(raw)
    with pytest.raises(WrongInput, match=said):
        load_settings()


def test_relative_folders_are_the_shells_except_those_of_the_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = bare / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    assert load_settings(place=Path("p1")).place_dir == here / "p1"
    assert load_settings(state=Path("s1")).state_dir == here / "s1"
    assert load_settings().place_dir == bare / "places" / "yudu"
    (bare / ".env").write_text("YIPING_PLACE=p2\nYIPING_STATE=s2\n")
    assert (load_settings().place_dir, load_settings().state_dir) == (bare / "p2", bare / "s2")
    monkeypatch.setenv("YIPING_PLACE", "p3")
    assert load_settings().place_dir == here / "p3"


def test_check_and_place_mean_the_same_folder(bare: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    here = bare / "elsewhere"
    (here / "p1").mkdir(parents=True)
    (bare / "p1").mkdir()
    (here / "p1" / "place.yaml").write_text("name: [\n")
    monkeypatch.chdir(here)
    said = []
    for given in (["check", "p1"], ["--place", "p1", "check"]):
        assert app.main(given) == 2
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "p1/place.yaml:" in said[0]


@pytest.mark.parametrize(("given", "said"), [
    (["serve", "--port", "abc"], "--port 的值 'abc' 应为数字；用法见 ./yiping serve --help\n"),
    (["serve", "--history", "lots"], "--history 的值 'lots' 不在可选之列；可选：'full', 'small', 'none'；"),
    (["serve", "--port"], "--port 后面缺少值；"), (["serve", "--bogus"], "不认识的参数 --bogus；"),
    (["bogus"], "命令 的值 'bogus' 不在可选之列"), ([], "缺少 命令；"),
])
def test_a_wrong_command_line_is_one_chinese_sentence(given: list[str], said: str,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        app.main(given)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith(said)
    assert told.count("\n") == 1


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
