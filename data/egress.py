"""Where sources may connect: an allow-list of host:port, and addresses that are never connected to.

A name is resolved once, the address found is judged, and that very address is connected to: a name that changes its
meaning between the two (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import stat
from pathlib import Path

from data.errors import NotAllowed, WrongInput, os_words
from data.source_faults import Away

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Metadata services of clouds that lie outside the link-local ranges.
_METADATA = {ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")}
_LINE = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):(?P<port>\d{1,5})(?P<nets>(\s+\S+)*)")


class Egress:
    """The allow-list of one file: lines `host:port [network …]`, `#` begins a note; without a file nothing is allowed.

    With networks the address that the name resolves to must lie in one of them.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def address(self, host: str, port: int) -> str:
        """The address to connect to.

        Raises:
            NotAllowed: not in the list, or an address that is never connected to.
            WrongInput: the list cannot be read or may be written by others.
            Away: the name cannot be resolved.
        """
        nets = self._allowed(host, port)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Away(f"主机名 {host:.100} 解析不到地址；请检查名称与本机的域名服务") from error
        addresses = [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]
        for address in addresses:
            why = forbidden(host, address)
            if why:
                raise NotAllowed(f"{host:.100} 指向 {address}（{why}），不予连接；请核对数据源的地址")
            if nets and not any(address in net for net in nets):
                inside = "、".join(map(str, nets))
                raise NotAllowed(f"{host:.100} 指向 {address}，不在名单为它写明的 {inside} 之内；请核对域名服务")
        return str(addresses[0])

    def _allowed(self, host: str, port: int) -> tuple[Network, ...]:
        if self._path is None:
            raise NotAllowed(f"还没有出网名单，不能连接 {host:.100}:{port}；"
                             f"请新建一个文件，写上一行 {host:.100}:{port}，再用 YIPING_PULL_ALLOW 指向它")
        for name, number, nets in _entries(self._path):
            if number == port and name == host.lower().strip("[]"):
                return nets
        raise NotAllowed(f"{host:.100}:{port} 不在出网名单 {self._path} 里；核实后请在其中加一行 {host:.100}:{port}")


def forbidden(host: str, address: Address) -> str:
    """Why an address is never connected to, '' if it may be. Loopback only where the host is written as such."""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if address.is_link_local or address in _METADATA:
        return "链路本地或云主机元数据地址"
    if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
        return "不是一台主机的地址"
    if address.is_loopback and host.lower() != "localhost" and not _is_loopback(host):
        return "本机回环地址"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _entries(path: Path) -> list[tuple[str, int, tuple[Network, ...]]]:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = os_words(error) if isinstance(error, OSError) else "不是 UTF-8 文字"
        raise WrongInput(f"出网名单 {path} 读不了（{why}）；请核对 YIPING_PULL_ALLOW") from error
    if stat.S_IMODE(mode) & 0o022:
        raise WrongInput(f"出网名单 {path} 别的用户也能改写；请运行 chmod go-w {path}")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].strip()
        if plain:
            found.append(_entry(path, number, plain))
    return found


def _entry(path: Path, number: int, line: str) -> tuple[str, int, tuple[Network, ...]]:
    match = _LINE.fullmatch(line)
    try:
        if match is None or not 0 < int(match["port"]) < 65536:
            raise ValueError
        nets = tuple(ipaddress.ip_network(text) for text in match["nets"].split())
    except ValueError:
        remedy = "应先写主机、冒号、端口，后面可写允许的网段，如 data.example.cn:443 10.20.0.0/16"
        raise WrongInput(f"{os.path.relpath(path)}:{number}: {line!r:.80} 写法不对，{remedy}") from None
    return match["host"].lower().strip("[]"), int(match["port"]), nets
