"""What `feeds.yaml` says of the sources that are pulled: HTTP, SQL and MQTT. Secrets are named here, never written."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import Field, field_validator, model_validator

from data.health import seconds
from data.strict import Strict

OWN_PREFIX, SECRETS = "YIPING_", "YIPING_SECRET_"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_LEVEL = re.compile(r"\{([^\W\d]\w*)\}")
_WRITES = re.compile(r"\b(insert|update|delete|merge|drop|alter|create|truncate|grant|into)\b", re.IGNORECASE)
_READS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def is_host(given: str) -> bool:
    """True for a host's name or address, without a port."""
    try:
        return bool(_HOST.fullmatch(given)) or bool(ipaddress.IPv6Address(given))
    except ValueError:
        return False


def variable_name(given: str) -> str:
    """The name of an environment variable that holds a secret.

    Raises:
        ValueError: no such name, or one that looks like a setting of ours.
    """
    if given and not _VARIABLE.fullmatch(given):
        raise ValueError("应为环境变量的名称（大写字母、数字、下划线），口令本身不写在地区包里")
    if given.startswith(OWN_PREFIX) and not given.startswith(SECRETS):
        raise ValueError(f"环境变量名请以 {SECRETS} 开头，或不用 {OWN_PREFIX}")
    return given


def json_path(given: str) -> str:
    """A JMESPath expression.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        jmespath.compile(given or "@")
    except JMESPathError as error:
        raise ValueError(f"{given!r:.60} 不是 JMESPath 表达式（{str(error).splitlines()[0]:.60}）") from None
    return given


class Paging(Strict):
    """How one answer goes on in the next.

    `by`: page (number in `query`, from `first`), offset (rows so far in `query`), link (the next address: header Link
    with rel="next", or at the JMESPath `next`), cursor (a word at the JMESPath `next`, sent back in `query`; with
    `resume` the next round goes on from the last word). `size`: rows of a full page, asked for in `size_query`.
    """

    by: Literal["page", "offset", "link", "cursor"]
    query: str = ""
    first: int = Field(default=1, ge=0)
    size: int = Field(default=100, ge=1, le=10_000)
    size_query: str = ""
    next: str = ""
    resume: bool = False
    most: int = Field(default=100, ge=1, le=10_000)

    @field_validator("next")
    @classmethod
    def _path(cls, given: str) -> str:
        return json_path(given)

    @model_validator(mode="after")
    def _whole(self) -> Paging:
        if self.by != "link" and not self.query:
            raise ValueError(f"paging 的 by: {self.by} 需要 query：页码（或偏移、游标）放在哪个查询参数里")
        if self.by == "cursor" and not self.next:
            raise ValueError("paging 的 by: cursor 需要 next：下一页游标在应答中的 JMESPath")
        if self.resume and self.by != "cursor":
            raise ValueError("resume 只用于 by: cursor")
        return self


class HttpPull(Strict):
    """A GET of an address. `rows`: JMESPath to the records in a JSON answer ('' = the answer is the list).

    `token_env`: environment variable with the token, sent as `token_header: <token_prefix><token>`. `ca`: PEM file of
    the certificate authority, relative to the pack. `timeout` bounds each answer from its first byte to its last.
    """

    url: str
    rows: str = ""
    query: dict[str, str | int | float] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    token_env: str = ""
    token_header: str = "Authorization"  # noqa: S105 - a name, not a secret
    token_prefix: str = "Bearer "  # noqa: S105 - the scheme, not a secret
    ca: str = ""
    paging: Paging | None = None
    timeout: float = Field(default=30.0, gt=0, le=600)
    max_mb: float = Field(default=20.0, gt=0, le=200)

    @field_validator("url")
    @classmethod
    def _address(cls, given: str) -> str:
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not is_host(parts.hostname or ""):
            raise ValueError(f"{given!r:.80} 不是网址，应为 http://主机/路径 或 https://主机/路径")
        if parts.username or parts.password:
            raise ValueError("网址里不能写用户名与口令，请用 token_env 指出存放令牌的环境变量")
        if parts.fragment:
            raise ValueError("网址里不能有 #")
        return given

    @field_validator("headers")
    @classmethod
    def _plain(cls, given: dict[str, str]) -> dict[str, str]:
        for name, value in given.items():
            if name.lower() in ("authorization", "cookie", "host", "proxy-authorization"):
                raise ValueError(f"headers 里不能写 {name}；令牌请用 token_env 指出环境变量")
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ValueError(f"headers 的 {name!r:.40} 含有不能放进 HTTP 头的字符")
        return given

    _rows = field_validator("rows")(json_path)
    _token = field_validator("token_env")(variable_name)


class SqlPull(Strict):
    """A table (or a declared query) of a database, read in the order of a column that only grows.

    `url_env`: environment variable with the address (postgresql://…, mysql://…, mariadb://…, sqlite:///…). `watermark`:
    the growing column (update time, sequence number); '' reads everything in each round. `overlap`: so much before the
    last value is read again (seconds of a time, units of a number), for rows whose transaction ended late.
    """

    url_env: str
    table: str = ""
    columns: tuple[str, ...] = ()
    query: str = ""
    watermark: str = ""
    overlap: float = Field(default=0.0, ge=0)
    timeout: float = Field(default=30.0, gt=0, le=3600)

    _url = field_validator("url_env")(variable_name)

    @field_validator("table", "columns", "watermark")
    @classmethod
    def _printable(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for name in (given,) if isinstance(given, str) else given:
            if not name.isprintable() or len(name) > 128:
                raise ValueError("表名与列名不能含有控制字符，也不能长于 128 字")
        return given

    @field_validator("query")
    @classmethod
    def _reading(cls, given: str) -> str:
        if given and (not _READS.match(given) or ";" in given or _WRITES.search(given)):
            raise ValueError("query 应为一条 SELECT（或 WITH）语句，不含分号与写入")
        return given

    @model_validator(mode="after")
    def _one_of_two(self) -> SqlPull:
        if bool(self.table) == bool(self.query):
            raise ValueError("table 与 query 恰好写一个")
        if self.columns and self.query:
            raise ValueError("columns 只用于 table；query 请在 SELECT 里写明各列")
        if self.columns and self.watermark and self.watermark not in self.columns:
            raise ValueError(f"columns 里缺少水位列 {self.watermark}")
        return self


class Status(Strict):
    """Where the source says how it is: its last will. A payload among `down` = the source is lost, any other = back."""

    topic: str
    down: tuple[str, ...] = ("offline", "down", "0")

    @field_validator("topic")
    @classmethod
    def _exact(cls, given: str) -> str:
        if not given or set(given) & set("+#{}"):
            raise ValueError("status 的 topic 应为一个确切的主题，不含 +、#、{ }")
        return given


class MqttPull(Strict):
    """Subscriptions at a broker. A level written {name} becomes a field of every record of that message.

    `client`: fixed client id ('' = made of the place's code and the feed). `session`: how long the broker keeps what
    came while we were away. `rows`: JMESPath to the records in a payload ('' = the payload is a record or a list).
    """

    host: str
    port: int = Field(default=1883, ge=1, le=65535)
    topics: tuple[str, ...] = Field(min_length=1)
    version: Literal["5", "3.1.1"] = "5"
    rows: str = ""
    client: str = Field(default="", max_length=64)
    session: str = "7d"
    status: Status | None = None
    tls: bool = False
    ca: str = ""
    user_env: str = ""
    password_env: str = ""
    keepalive: int = Field(default=30, ge=5, le=600)

    _rows = field_validator("rows")(json_path)
    _names = field_validator("user_env", "password_env")(variable_name)

    @field_validator("session")
    @classmethod
    def _span(cls, given: str) -> str:
        seconds(given)
        return given

    @field_validator("host")
    @classmethod
    def _name(cls, given: str) -> str:
        if not is_host(given):
            raise ValueError(f"{given!r:.60} 不是主机名；端口写在 port 里")
        return given

    @field_validator("topics")
    @classmethod
    def _levels(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for topic in given:
            levels = topic.split("/")
            wrong = [level for level in levels if set(level) & set("+#{}") and level not in ("+", "#")
                     and not _LEVEL.fullmatch(level)]
            names = _LEVEL.findall(topic)
            if not topic or wrong or "#" in levels[:-1] or len(set(names)) < len(names):
                raise ValueError(f"主题 {topic!r:.80} 写法不对：一级要么是文字，要么是 {{字段}}、+，# 只能在最后")
        return given
