"""One typed settings class: every `YIPING_*` variable, also from `.env`; docs/settings.md lists them all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.clock import Clock
from data.errors import WrongInput
from data.pull_rules import SECRETS
from data.setting_words import names_in, wrong_value
from data.times import MICRO, parse_instant

ROOT = Path(__file__).resolve().parent.parent
PREFIX, TOKENS = "YIPING_", ("YIPING_TOKEN_", SECRETS)


class Settings(BaseSettings):
    """Where things are and how the program runs; a wrong or unknown name is refused with the remedy."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ROOT / ".env", extra="forbid",
                                      dotenv_filtering="only_existing", env_ignore_empty=True)

    place: Path = Path("places/yudu")
    state: Path | None = None
    mode: Literal["demo", "production"] = "demo"
    host: str = "127.0.0.1"
    port: int = Field(8050, ge=1, le=65535)
    redis_url: str = ""
    cache_url: str = ""
    history_url: str = ""
    collect_listen: str = ""
    collect_at: str = ""
    collect_secret: str = Field("", repr=False)
    collector: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,32}$")
    pull_allow: Path | None = None
    now: str = ""
    clock_offset_s: float | None = Field(None, allow_inf_nan=False)
    history: Literal["full", "small", "none"] = "full"
    scenario: Literal["quiet", "storm", "feed-down"] = "quiet"
    wall_pitch_mm: float = Field(1.2, gt=0, allow_inf_nan=False)
    wall_distance_m: float = Field(6.0, gt=0, allow_inf_nan=False)
    tianditu_key: str = Field("", repr=False, pattern=r"^[0-9A-Za-z]{0,64}$")
    chromium: str = ""
    capture_no_sandbox: bool = False

    @property
    def place_dir(self) -> Path:
        """Absolute folder of the place pack."""
        return self.place if self.place.is_absolute() else (ROOT / self.place)

    @property
    def state_dir(self) -> Path:
        """Absolute folder of the place's state: YIPING_STATE, else var/<place>/."""
        chosen = self.state or Path("var") / self.place_dir.name
        return chosen if chosen.is_absolute() else (ROOT / chosen)

    def zone(self) -> tzinfo:
        """The place's time zone as its place.yaml says, UTC where that cannot be read (the pack's check names it)."""
        try:
            text = (self.place_dir / "place.yaml").read_text(encoding="utf-8")
        except OSError:
            text = ""
        match = re.search(r"^timezone:\s*[\"']?([\w/+-]+)", text, re.MULTILINE)
        try:
            return ZoneInfo(match[1] if match else "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    def clock(self) -> Clock:
        """The place's clock: YIPING_CLOCK_OFFSET_S rules, else it starts now at YIPING_NOW, else the machine's time.

        Raises:
            WrongInput: YIPING_NOW is not a time.
        """
        if self.clock_offset_s is not None or not self.now:
            return Clock(self.clock_offset_s or 0.0)
        try:
            start_us = parse_instant(self.now, self.zone())
        except ValueError as error:
            remedy = "应写成 2026-11-22T08:00 或带偏移的 RFC 3339 时间"
            raise WrongInput(f"设置 YIPING_NOW（--now）：{error}；{remedy}") from error
        return Clock((start_us - Clock().now_us()) / MICRO)


def load_settings(**overrides: Any) -> Settings:
    """Settings of the environment and `.env` with the command line's overrides on top (None = not given).

    A relative folder of the command line or the environment is taken from where the shell stands; one of `.env`, like
    the defaults, from the program's own folder, where that file lies.

    Raises:
        WrongInput: a value of the wrong type, or a `YIPING_` variable nobody knows.
    """
    file = ROOT / ".env"
    refuse_unknown(os.environ, "环境变量")
    refuse_unknown(names_in(file, PREFIX), str(file))
    given: dict[str, Any] = {key: value for key, value in overrides.items() if value is not None}
    given["_env_file"] = file
    for folder in ("place", "state", "pull_allow"):
        named = given.get(folder) or os.environ.get(PREFIX + folder.upper())
        if named:
            given[folder] = Path.cwd() / Path(named).expanduser()
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongInput(wrong_value(error.errors()[0], Settings.model_fields, overrides, file, PREFIX)) from error


def refuse_unknown(names: Iterable[str], where: str) -> None:
    """Refuses a YIPING_ name that no setting has; push tokens (YIPING_TOKEN_<FEED>) and the secrets
    that feeds name (YIPING_SECRET_…) pass.

    Raises:
        WrongInput: names the variable, the nearest known one, and the page that lists them.
    """
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    for name in sorted(names):
        if name.startswith(PREFIX) and not name.startswith(TOKENS) and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"是否要写 {near[0]}？" if near else ""
            raise WrongInput(f"{where}里的 {name} 不是已知设置；{hint}全部设置见 docs/settings.md")
