from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.addresses.foreign_addresses import CLOSED_V4, OPEN_V6, networks, why_closed

CLOSED: Final = re.findall(
    r"\S+",
    """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1
::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b::808:808 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 2620:4f:8000::1 3fff::1
3fff:fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
""",
)
OPEN: Final = re.findall(
    r"\S+",
    """
8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
::ffff:8.8.8.8 2606:4700::1111 2a00:1450:4001::1 2400:cb00::1 3ffe::1
""",
)


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed_and_says_why(address: str) -> None:
    assert why_closed(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_open(address: str) -> None:
    assert why_closed(address) is None


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "2130706433", "8.8.8.8/32", "8.8.8.8 ", "[::1]"])
def test_what_is_no_address_is_closed(text: str) -> None:
    assert why_closed(text) == "not an address"


def test_an_allowed_network_opens_itself_and_nothing_beside_it() -> None:
    allowed = networks(["10.1.0.0/16", "::1", "192.168.7.9"])
    assert [why_closed(one, allowed) for one in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "192.168.7.9")] == [None] * 4
    assert all(why_closed(one, allowed) for one in ("10.2.0.1", "127.0.0.1", "192.168.7.10", "64:ff9b::a01:203"))


@given(st.integers(0, 2**32 - 1))
def test_an_address_that_is_mapped_into_ipv6_is_judged_alike(number: int) -> None:
    plain = IPv4Address(number)
    assert why_closed(f"::ffff:{plain}") == why_closed(str(plain))
    assert (why_closed(str(plain)) is None) == (not any(plain in network for network in CLOSED_V4))


@given(st.integers(0, 2**128 - 1))
def test_nothing_outside_of_global_unicast_is_open(number: int) -> None:
    address = IPv6Address(number)
    if address not in OPEN_V6 and address.ipv4_mapped is None:
        assert why_closed(str(address))
