"""Nothing is sent to an address that only insiders reach, however it is spelt and whatever a name means by then."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.webhooks.addresses import Found, GuardedNames, SystemNames, why_refused
from storage.types import DeliveryStatus
from tests.webhooks.receiver import Receiver, open_post, webhook

NEVER = {
    "169.254.169.254": "keep their keys",
    "169.254.0.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "::ffff:169.254.169.254": "keep their keys",
    "64:ff9b::a9fe:a9fe": "keep their keys",
    "fd00:ec2::254": "keep their keys",
    "fd20:ce::254": "keep their keys",
    "100.100.100.200": "keep their keys",
    "168.63.129.16": "keep their keys",
    "192.0.0.192": "keep their keys",
    "0.0.0.0": "no host",
    "::": "no host",
    "::ffff:0.0.0.0": "no host",
    "192.0.2.1": "no host",
    "198.18.0.1": "no host",
    "198.51.100.7": "no host",
    "203.0.113.7": "no host",
    "224.0.0.1": "no host",
    "239.255.255.250": "no host",
    "255.255.255.255": "no host",
    "ff02::1": "no host",
    "2002:7f00:1::": "no host",
    "2001:0:53aa:64c:0:0:80ff:fffe": "no host",
    "2001:db8::1": "no host",
    "::7f00:1": "no host",
    "64:ff9b:1::7f00:1": "no host",
    "fec0::1": "no host",
}
"""Refused whatever the policy file allows."""

INSIDE = {
    "127.0.0.1": "this machine",
    "127.255.255.254": "this machine",
    "::1": "this machine",
    "::ffff:127.0.0.1": "this machine",
    "64:ff9b::7f00:1": "this machine",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "::ffff:10.1.2.3": "private",
    "fc00::1": "private",
    "fdab:cdef::1": "private",
}
"""Refused unless the policy file allows it."""

OUTSIDE = ("93.184.216.34", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
           "64:ff9b::808:808")  # fmt: skip


@pytest.mark.parametrize("address", [*NEVER, *INSIDE])
def test_an_inside_address_is_refused_with_the_reason(address: str) -> None:
    """Each range, in its plain spelling and wrapped in IPv6."""
    assert ({**NEVER, **INSIDE})[address] in why_refused(address, allow_private=False)


@pytest.mark.parametrize("address", [*NEVER, *INSIDE, *OUTSIDE])
def test_what_is_allowed_inside_is_only_what_may_be_a_receiver(address: str) -> None:
    """`allow_private` opens this machine and private networks: where keys are given away stays shut."""
    assert (why_refused(address, allow_private=True) == "") is (address not in NEVER)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is_not_refused(address: str) -> None:
    """Neighbours of refused ranges, and what only wraps a public address."""
    assert why_refused(address, allow_private=False) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
async def test_a_name_that_means_an_inside_address_reaches_nothing(
    tmp_path: Path, receiver: Receiver, address: str
) -> None:
    """The row says which address, and that is final: no number of attempts makes it right."""

    async def inside(_host: str, _port: int) -> Found:
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address)]

    async with open_post(tmp_path, webhook(url=receiver.url, allow_private=False), look_up=inside) as post:
        await post.happens()
        await post.settle()
        row = await post.row(1)
        assert row.status is DeliveryStatus.DEAD
        assert row.error.startswith(f"nothing is sent there: {address}, which receiver.example means, is ")
        assert receiver.attempts == []


async def test_a_name_that_changes_its_meaning_is_looked_at_for_each_connection(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Public when it was looked up before, this machine when the connection is made: nothing arrives."""
    meanings: Iterator[str] = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Found:
        asked.append(host)
        return [(socket.AF_INET, next(meanings))]

    endpoint = webhook(url=receiver.url, events=("call.*",), allow_private=False)
    async with open_post(tmp_path, endpoint, look_up=rebinding, waits=(timedelta(seconds=1),)) as post:
        assert await GuardedNames(rebinding, allow_private=False).resolve("before", 80)
        await post.happens()
        await post.settle_all()
        assert asked == ["before", "receiver.example"]
        assert (await post.row(1)).status is DeliveryStatus.DEAD
        assert receiver.attempts == []


async def test_of_several_addresses_only_the_allowed_ones_are_tried(tmp_path: Path, receiver: Receiver) -> None:
    """One that is refused does not take the others with it, and is not connected to either."""

    async def both(_host: str, _port: int) -> Found:
        return [(socket.AF_INET, "169.254.169.254"), (socket.AF_INET, "127.0.0.1")]

    async with open_post(tmp_path, webhook(url=receiver.url), look_up=both) as post:
        await post.happens()
        await post.settle()
        assert len(receiver.taken) == 1


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "0",
     "localhost", "169.254.169.254"],
)  # fmt: skip
async def test_an_address_in_place_of_a_name_is_refused_in_every_spelling(
    tmp_path: Path, receiver: Receiver, host: str
) -> None:
    """No resolver is asked about a literal address, and the system's own understands more spellings than one thinks."""
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    hidden = webhook(url=f"http://{host}:{port}/hook/x", allow_private=False)
    names = SystemNames()
    async with open_post(tmp_path, hidden, look_up=names, waits=()) as post:
        await post.happens()
        await post.settle()
        row = await post.row(1)
        assert row.status is DeliveryStatus.DEAD
        assert "given up" not in row.error, "it failed for another reason"
        assert receiver.attempts == []
    names.close()
