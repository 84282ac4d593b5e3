"""Push tokens: hashes only, right for one feed only, replaced by the next, or named in the environment."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest

from data.errors import Unavailable
from data.settings import Settings, load_settings
from data.tokens import check, make_token
from demo.doors import token_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(state=tmp_path / "s")


def test_a_token_opens_its_feed_only(settings: Settings) -> None:
    air, rain = make_token(settings, "air"), make_token(settings, "rain")
    assert check(settings, "air", air)
    assert check(settings, "rain", rain)
    assert not check(settings, "air", rain)
    assert not check(settings, "air", "")
    assert not check(settings, "none", "")
    assert not check(settings, "none", air)
    assert not check(settings, "air", "\ud800")


def test_only_hashes_are_kept_and_by_the_owner(settings: Settings) -> None:
    token = make_token(settings, "air")
    path = settings.state_dir / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for file in settings.state_dir.rglob("*"):
        assert token not in file.read_text(encoding="utf-8")


def test_a_new_token_ends_the_old_one(settings: Settings) -> None:
    old, new = make_token(settings, "air"), make_token(settings, "air")
    assert not check(settings, "air", old)
    assert check(settings, "air", new)


def test_the_environment_may_name_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_TOKEN_AIR_HOURLY", "geheim")
    assert check(settings, "air_hourly", "geheim")
    assert not check(settings, "air_hourly", "geheim2")
    assert not check(settings, "rain", "geheim")
    monkeypatch.setenv("YIPING_TOKEN_AIR_HOURLY", "")
    assert not check(settings, "air_hourly", "")


def test_a_damaged_file_is_a_sentence(settings: Settings) -> None:
    make_token(settings, "air")
    (settings.state_dir / "tokens.json").write_text("{", encoding="utf-8")
    with pytest.raises(Unavailable, match="已损坏"):
        check(settings, "air", "x")


def test_the_variable_of_a_feed_with_other_signs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIPING_TOKEN_AIR_HOURLY", "named")
    assert check(settings, "air-hourly", "named")
    assert check(settings, "air_hourly", "named")
    assert not check(settings, "airhourly", "named")


def test_the_simulators_token_outlives_a_new_one_of_the_source(settings: Settings) -> None:
    simulated, own = token_of(settings, "rain"), make_token(settings, "rain")

    assert token_of(settings, "rain") == simulated
    assert [check(settings, "rain", token) for token in (simulated, own)] == [True, True]
    assert not check(settings.model_copy(update={"mode": "production"}), "rain", simulated)


def test_a_simulators_token_that_is_not_taken_any_more_is_made_anew(settings: Settings) -> None:
    old = make_token(settings, "rain")
    (settings.state_dir / "demo_tokens.json").write_bytes(orjson.dumps({"rain": old}))
    assert token_of(settings, "rain") == old
    make_token(settings, "rain")

    fresh = token_of(settings, "rain")

    assert fresh != old
    assert check(settings, "rain", fresh)
