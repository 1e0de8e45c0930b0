"""Where webhooks may go: never into our own networks, checked on the very address that is dialled.

A name can resolve to something else at delivery than at registration, so the check at registration is a courtesy and
the one in `Guard.socket` is the rule.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

Network = IPv4Network | IPv6Network

LOOK_UP_SECONDS = 3.0
HTTPS_PORT = 443

FORBIDDEN: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""Private, local, shared, documentation, multicast, and what is translated to those (NAT64, 6to4)."""


class ForbiddenAddress(OSError):
    """The address lies in a network that webhooks may not reach."""


class ForbiddenUrl(ValueError):
    """A webhook cannot go to this URL; the message says why."""


class Guard:
    """Decides on URLs and on addresses. `allowed` are networks that are reached all the same (a private line)."""

    def __init__(self, allowed: Sequence[Network] = (), *, development: bool = False) -> None:
        self._allowed = tuple(allowed)
        self._development = development

    async def check(self, url: str) -> None:
        """ForbiddenUrl unless a webhook may go there, as far as can be told now."""
        parts = self.check_form(url)
        assert parts.hostname is not None
        for address in await _addresses(parts.hostname.rstrip(".")):
            if not self.allows(address):
                raise ForbiddenUrl(f"its host has the address {address}, which webhooks may not reach")

    def allows(self, address: str) -> bool:
        """Whether this address may be dialled; False for what is no address."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if any(parsed in network for network in self._allowed):
            return True
        return parsed.is_global and not any(parsed in network for network in FORBIDDEN)

    def socket(self, address: tuple[Any, ...]) -> socket.socket:
        """The socket for a connection that is about to be made; ForbiddenAddress instead of a forbidden one."""
        family, kind, protocol, _, peer = address
        if not self.allows(str(peer[0])):
            raise ForbiddenAddress(f"{peer[0]} lies in a network that webhooks may not reach")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    def check_form(self, url: str) -> SplitResult:
        """ForbiddenUrl for a URL that is wrong as it is written."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ForbiddenUrl(f"it is not a URL: {error}") from error
        if parts.scheme != "https" and not (self._development and parts.scheme == "http"):
            raise ForbiddenUrl("it must begin with https://")
        if not parts.hostname or not parts.hostname.isascii():
            raise ForbiddenUrl("it names no host in ASCII")
        if parts.username is not None or parts.password is not None:
            raise ForbiddenUrl("it holds a user name or password")
        if parts.fragment:
            raise ForbiddenUrl("it holds a fragment")
        if any(name.lower() == "access_token" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
            raise ForbiddenUrl("it holds an access token; that goes into the Authorization header")
        if not self._development and port not in {None, HTTPS_PORT}:
            raise ForbiddenUrl(f"its port is {port}, and must be {HTTPS_PORT}")
        return parts


async def _addresses(host: str) -> list[str]:
    """What a host resolves to now; nothing when it does not resolve, which may yet come."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]
