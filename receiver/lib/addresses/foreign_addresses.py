"""Says which internet addresses a foreign URL may lead to: public ones, and those that the operator allows.

`ipaddress.is_global` is wrong for 6to4, NAT64, multicast and others on the Pythons people run, so the table is our own
(IANA's special-purpose registries, and the addresses of cloud metadata services that lie in public ranges).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

#: What is not public in IPv4, and what it is.
CLOSED_V4: Final = {
    IPv4Network(network): word
    for network, word in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "metadata",
        "169.254.0.0/16": "link-local or metadata",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "for documentation",
        "192.31.196.0/24": "reserved",
        "192.52.193.0/24": "reserved",
        "192.88.99.0/24": "6to4",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "reserved",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved or broadcast",
    }.items()
}
#: All that is public in IPv6, but for what follows.
OPEN_V6: Final = IPv6Network("2000::/3")
CLOSED_V6: Final = {
    IPv6Network(network): word
    for network, word in {
        "2001::/23": "reserved or Teredo",
        "2001:db8::/32": "for documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "reserved",
        "3fff::/20": "for documentation",
    }.items()
}
#: Ranges outside of what is public that have a name of their own.
NAMED_V6: Final = {
    IPv6Network(network): word
    for network, word in {
        "::1/128": "loopback",
        "64:ff9b::/96": "NAT64",
        "64:ff9b:1::/48": "NAT64",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
}


def networks(written: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as the operator writes them, to be handed to `why_closed`. Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in written)


def why_closed(text: str, allowed: Sequence[Network] = ()) -> str | None:
    """Why a foreign URL may not lead to an address, in a word or two; None if it may.

    `text` is one address as the system's resolver returns it; what is none, or has a zone, is closed. An IPv4 address
    that is mapped into IPv6 is judged as IPv4.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "link-local"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in allowed):
        return None
    return _closed_v4(address) if isinstance(address, IPv4Address) else _closed_v6(address)


def _closed_v4(address: IPv4Address) -> str | None:
    return next((word for network, word in CLOSED_V4.items() if address in network), None)


def _closed_v6(address: IPv6Address) -> str | None:
    table = CLOSED_V6 if address in OPEN_V6 else NAMED_V6
    named = next((word for network, word in table.items() if address in network), None)
    return named or (None if address in OPEN_V6 else "reserved")
