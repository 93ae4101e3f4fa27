"""Which calls go through a proxy."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from handlers.http.addresses import Origin
from receiver.contracts import CallNetwork

#: Never reached through a proxy: it would be the proxy's own machine.
LOCAL_NAMES: Final = ("localhost", ".localhost")


class ProxyChoice:
    """Says for each place which proxy leads there."""

    def __init__(self, network: CallNetwork) -> None:
        self._proxies = {"http": network.http_proxy, "https": network.https_proxy}
        self._direct = [_matcher(entry) for entry in network.no_proxy]

    def proxy_for(self, origin: Origin) -> str | None:
        """The proxy's address, with its user and password; None: the place is reached directly."""
        proxy = self._proxies[origin.scheme]
        if proxy is None or _is_local(origin.host) or any(matches(origin) for matches in self._direct):
            return None
        return proxy.reveal()


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == LOCAL_NAMES[0] or host.endswith(LOCAL_NAMES[1])


def _matcher(entry: str) -> Callable[[Origin], bool]:
    """What an entry of NO_PROXY means: everything, a network, or a name with all below it; each but the first also
    with a port."""
    if entry == "*":
        return lambda origin: True
    try:
        network = ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, _, digits = entry.rpartition(":") if entry.rpartition(":")[2].isdecimal() else (entry, "", "")
        return _name_matcher(name.strip("[]").lower().removeprefix("*").lstrip("."), int(digits) if digits else None)

    def within(origin: Origin) -> bool:
        try:
            return ip_address(origin.host.partition("%")[0]) in network
        except ValueError:
            return False

    return within


def _name_matcher(name: str, port: int | None) -> Callable[[Origin], bool]:
    def matches(origin: Origin) -> bool:
        host = origin.host.rstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}")) and port in (None, origin.port)

    return matches
