"""Who really sent a request: the other end of its connection, or whom the trusted proxies name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

Headers = Iterable[tuple[bytes, bytes]]
FORWARDED_FOR: Final = b"x-forwarded-for"
FORWARDED_PROTO: Final = b"x-forwarded-proto"
#: The ASGI extension that a request has which a trusted proxy hands on.
BY_TRUSTED_PROXY: Final = "gridhook.trusted_proxy"


class Senders:
    """Tells the sender's address. `networks` are those of the trusted proxies, as the configuration has them."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(one, strict=False) for one in networks]

    def trusts(self, address: str) -> bool:
        """True if this is the address of a trusted proxy."""
        found = _parsed(address)
        return found is not None and any(found in network for network in self._networks)

    def sender(self, peer: str, headers: Headers) -> str:
        """The nearest address that is no trusted proxy's, by `X-Forwarded-For`. `peer` is a trusted proxy."""
        listed = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1")
        last = peer
        for text in reversed(listed.split(",")):
            found = _parsed(_without_port(text.strip()))
            if found is None:
                break
            last = str(found)
            if not any(found in network for network in self._networks):
                break
        return last


def scheme_of(headers: Headers, scheme: str) -> str:
    """What the trusted proxy says that it was called by, `http` or `https`; else `scheme`."""
    told = [value for name, value in headers if name == FORWARDED_PROTO]
    named = told[-1].rpartition(b",")[2].strip().lower() if told else b""
    return named.decode("ascii") if named in (b"http", b"https") else scheme


def _without_port(text: str) -> str:
    """`1.2.3.4:5` and `[::1]:5` without their ports; anything else as it is."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
