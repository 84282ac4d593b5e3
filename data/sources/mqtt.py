"""MQTT as a source: messages are acknowledged to the broker only after their records are on our disk."""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import threading
from collections.abc import Generator
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from data.egress import Egress
from data.errors import WrongInput, YipingError, os_words
from data.fetching import trust
from data.formats import documents
from data.formats.parts import RAW_CHARS, Member
from data.health import seconds
from data.inbox import Inbox
from data.pull_rules import MqttPull
from data.reading import layout_of
from data.source import Cursor, Portion, Site
from data.source_faults import Away, secret

CONNECT_S = 10.0
IDLE_S = 1.0
MOST_MESSAGES = 1_000
MOST_WAITING = 5_000
MOST_PAYLOAD = 10_000_000
MOST_HELD = 20_000_000
MOST_CLIENT_ID = 64
_LEVEL, _NAMED = re.compile(r"\\\{(\w+)\\\}"), re.compile(r"\{\w+\}")
_REFUSED = {"Not authorized": "账号没有权限", "Bad user name or password": "用户名或口令不对",
            "Client identifier not valid": "客户端编号不被接受", "Server unavailable": "服务暂停",
            "Banned": "账号被禁止", "Session taken over": "另一个客户端用了同一个编号，请在 client 里换一个",
            "Keep alive timeout": "长时间没有应答", "Server shutting down": "服务正在停止"}


def open_source(site: Site) -> MqttSource:
    """The broker of a feed.

    Raises:
        WrongInput: the environment lacks the user or the password that the feed names.
    """
    rule = site.feed.source.mqtt
    if rule is None:
        raise WrongInput(f"数据源 {site.name} 缺少 mqtt 一块；见 docs/feeds.md")
    return MqttSource(site, rule, (secret(rule.user_env), secret(rule.password_env)))


class PinnedClient(paho.Client):
    """Connects to the address that was judged, while the certificate is still checked against the name."""

    def __init__(self, egress: Egress, trusted: ssl.SSLContext | None, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self._egress, self._trusted = egress, trusted
        if trusted is not None:
            self.tls_set_context(trusted)

    def _create_socket_connection(self) -> socket.socket:
        address = self._egress.address(self.host, self.port)
        return socket.create_connection((address, self.port), timeout=CONNECT_S)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """The handshake; unlike the library's own, it closes the socket when the certificate is refused."""
        if self._trusted is None:
            raise ssl.SSLError("no context")
        return self._trusted.wrap_socket(tcp_sock, server_hostname=self.host)


class Connection:
    """One connection, from its first packet to its last; a later one is another object, for an acknowledgement that
    went out on it might be taken for that of another message."""

    def __init__(self, site: Site, rule: MqttPull, login: tuple[str, str]) -> None:
        self._rule, self._v5 = rule, rule.version == "5"
        self.messages: Inbox[paho.MQTTMessage] = Inbox(lambda one: len(one.payload), MOST_WAITING, MOST_HELD)
        self._fault = ""
        self._ready, self._ended = threading.Event(), threading.Event()
        fixed = (rule.client or f"yiping-{site.pack.place.code}-{site.name}")[:MOST_CLIENT_ID]
        options: dict[str, Any] = {} if self._v5 else {"clean_session": site.trial}
        trusted = trust(site.pack.root / rule.ca if rule.ca else None) if rule.tls else None
        self._client = PinnedClient(
            site.egress, trusted, client_id=f"yiping-try-{secrets.token_hex(6)}" if site.trial else fixed,
            protocol=paho.MQTTv5 if self._v5 else paho.MQTTv311, reconnect_on_failure=False,
            manual_ack=not site.trial, **options)
        self._client.on_connect, self._client.on_disconnect = self._connected, self._disconnected
        self._client.on_subscribe, self._client.on_message = self._subscribed, self._came
        if login[0]:
            self._client.username_pw_set(login[0], login[1] or None)
        self._site = site

    def open(self) -> None:
        """Connects and subscribes.

        Raises:
            Away: no connection, a refusal of the broker, a certificate that is not trusted.
            NotAllowed: the address is not in the allow-list.
        """
        rule = self._rule
        try:
            if self._v5:
                wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                wishes.SessionExpiryInterval = 0 if self._site.trial else min(round(seconds(rule.session)), 2**32 - 1)
                wishes.ReceiveMaximum = MOST_MESSAGES
                wishes.MaximumPacketSize = MOST_PAYLOAD
                self._client.connect(rule.host, rule.port, rule.keepalive, clean_start=self._site.trial,
                                     properties=wishes)
            else:
                self._client.connect(rule.host, rule.port, rule.keepalive)
        except ssl.SSLError as error:
            said = getattr(error, "verify_message", "") or "TLS 握手失败"
            raise self.away(f"证书不可信或 TLS 不通：{said:.80}") from error
        except OSError as error:
            raise self.away(f"连不上：{os_words(error)}") from error
        self._client.loop_start()
        if not self._ready.wait(CONNECT_S):
            raise self.away(self._fault or "没有在十秒内答应连接与订阅")
        if self._fault:
            raise self.away(self._fault)

    def away(self, why: str) -> Away:
        """The sentence about this broker."""
        return Away(f"MQTT 服务 {self._rule.host}:{self._rule.port} {why}；请检查服务、网络与账号")

    def check(self) -> None:
        """Raises Away when the connection has ended."""
        if self._ended.is_set():
            raise self.away(self._fault or "断开了连接")

    def acknowledge(self, messages: list[paho.MQTTMessage]) -> None:
        """Tells the broker that it need not keep these; nothing once the connection has ended."""
        for message in messages:
            if message.qos and not self._ended.is_set():
                self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """Ends the connection; the broker keeps the session and what comes meanwhile."""
        self._ended.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _said: Any) -> None:
        if code.is_failure:
            self._fault = f"拒绝连接：{_REFUSED.get(str(code), str(code))}"
            self._ready.set()
            return
        status = self._rule.status
        filters = [_NAMED.sub("+", topic) for topic in self._rule.topics]
        filters += [status.topic] if status else []
        wanted: Any = [(one, SubscribeOptions(qos=1) if self._v5 else 1) for one in dict.fromkeys(filters)]
        client.subscribe(wanted)

    def _subscribed(self, _client: Any, _data: Any, _mid: int, codes: list[ReasonCode], _said: Any) -> None:
        refused = [code for code in codes if code.is_failure]
        if refused:
            self._fault = f"拒绝订阅（{_REFUSED.get(str(refused[0]), str(refused[0]))}）"
        self._ready.set()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _said: Any) -> None:
        if not self._fault and code.is_failure:
            self._fault = f"断开了连接（{_REFUSED.get(str(code), str(code))}）"
        self._ended.set()
        self._ready.set()

    def _came(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        # A full queue holds the network thread, and so the broker, until the records before are on disk.
        while not self._ended.is_set() and not self.messages.put(message, IDLE_S):
            continue


class MqttSource:
    """Messages of some topics as records; a level of the topic that has a name is a field."""

    def __init__(self, site: Site, rule: MqttPull, login: tuple[str, str]) -> None:
        self._site, self._rule, self._login = site, rule, login
        self._shapes = [re.compile(_shape(topic)) for topic in rule.topics]
        self._connection: Connection | None = None
        self._down = ""

    def portions(self, _cursor: Cursor | None) -> Generator[Portion, None, None]:
        """Messages as they come, many at a time; without any, an empty portion a second. Never ends by itself."""
        self.close()
        connection = self._connection = Connection(self._site, self._rule, self._login)
        connection.open()
        while True:
            messages = connection.messages.take(MOST_MESSAGES, IDLE_S)
            if not messages:
                connection.check()
            yield self._portion(connection, messages)

    def _portion(self, connection: Connection, messages: list[paho.MQTTMessage]) -> Portion:
        portion = Portion(read_as="json", done=lambda: connection.acknowledge(messages))
        for message in messages:
            status = self._rule.status
            if status is not None and message.topic == status.topic:
                self._heard(message.payload.decode("utf-8", "replace").strip(), message.topic)
            elif message.payload:
                self._read(message, portion)
        portion.down = self._down
        return portion

    def _heard(self, word: str, topic: str) -> None:
        lost = self._rule.status is not None and word in self._rule.status.down
        self._down = f"来源报告自己已离线（主题 {topic:.80} 说 {word!r:.40}）；请检查来源设备或网关" if lost else ""

    def _read(self, message: paho.MQTTMessage, portion: Portion) -> None:
        name = f"主题 {message.topic:.120} 的消息"
        raw = bytes(message.payload[:RAW_CHARS]).decode("utf-8", "replace")
        try:
            if len(message.payload) > MOST_PAYLOAD:
                raise WrongInput(f"{name}超过 {MOST_PAYLOAD // 1_000_000} MB；请让来源分批发送")
            parts = list(documents.rows(Member(name, bytes(message.payload)), layout_of(self._site.feed)))
        except YipingError as error:
            portion.bad.append((raw, str(error)))
            return
        levels = self._levels(message.topic)
        for part in parts:
            portion.read_as = f"json {part.encoding}"
            portion.rows += [{**row, **levels} for row in part.rows]
            portion.bad += part.bad

    def _levels(self, topic: str) -> dict[str, str]:
        for shape in self._shapes:
            found = shape.fullmatch(topic)
            if found:
                return found.groupdict()
        return {}

    def close(self) -> None:
        """Ends the connection, the session stays at the broker."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _shape(topic: str) -> str:
    """The pattern of a subscription: {name} is one level with a name, + one without, # the rest."""
    named = _LEVEL.sub(r"(?P<\1>[^/]+)", re.escape(topic))
    return named.replace(r"\+", "[^/]+").replace(r"/\#", "(?:/.*)?").replace(r"\#", ".*")
