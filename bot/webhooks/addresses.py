"""Which addresses events may be sent to. Looked at for each connection, with the very address it is made to: a name
that means another address by then, or another spelling of one, passes nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

Found = Sequence[tuple[socket.AddressFamily, str]]
LookUp = Callable[[str, int], Awaitable[Found]]
"""The addresses of a host and port. Raises OSError."""

LOOK_UPS = 4
"""So many names are looked up at once; a system's look-up may hang for half a minute and cannot be stopped."""

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
_METADATA = ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128")
_NO_HOST = (
    "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)  # fmt: skip
"""Of no host in the internet: this network, documentation, benchmarks, multicast, tunnels into other ranges."""

_RANGES = tuple(
    (tuple(map(ip_network, networks)), sentence, may_be_allowed)
    for networks, sentence, may_be_allowed in (
        (_METADATA, "is where cloud machines keep their keys", False),
        (_LINK_LOCAL, "is link-local, where cloud machines keep their keys", False),
        (_LOOPBACK, "is this machine", True),
        (_PRIVATE, "is in a private network", True),
        (_NO_HOST, "is no host in the internet", False),
    )
)
_PUBLIC6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(OSError):
    """No event is sent to this address."""


def why_refused(address: str, *, allow_private: bool) -> str:
    """Why nothing is sent to an address, as `is this machine`; empty where it may be."""
    meant = _meant(ip_address(address.partition("%")[0]))
    for networks, sentence, may_be_allowed in _RANGES:
        if any(meant in network for network in networks):
            return "" if may_be_allowed and allow_private else sentence
    return "" if meant.version == 4 or meant in _PUBLIC6 else "is no host in the internet"


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside of an IPv6 one that only wraps it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def guarded_socket(info: AddrInfoType, *, allow_private: bool) -> socket.socket:
    """The socket for a connection that is about to be made. Raises AddressRefused."""
    family, kind, protocol, _, where = info
    if refused := why_refused(str(where[0]), allow_private=allow_private):
        raise AddressRefused(f"{where[0]} {refused}")
    return socket.socket(family, kind, protocol)


class GuardedNames(AbstractResolver):
    """The addresses of names as aiohttp asks for them, without those that are refused."""

    def __init__(self, look_up: LookUp, *, allow_private: bool) -> None:
        self._look_up = look_up
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises AddressRefused where nothing is left, and OSError where the name is not known."""
        found = await self._look_up(host, port)
        results: list[ResolveResult] = []
        refused = f"{host} has no address"
        for kind, address in found:
            if why := why_refused(address, allow_private=self._allow_private):
                refused = f"{address} {why}" if address == host else f"{address}, which {host} means, {why}"
            elif family in (socket.AF_UNSPEC, kind):
                results.append(
                    ResolveResult(
                        hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
                    )
                )
        if not results:
            raise AddressRefused(refused)
        return results

    async def close(self) -> None:
        """Nothing is held here."""


class SystemNames:
    """Looks names up as the system does, in threads of its own: those that asyncio has are for everybody else, and a
    name that hangs must hold nobody else up."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="signoff-names")

    async def __call__(self, host: str, port: int) -> Found:
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        infos = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in infos))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
