"""Addresses that Slack names to us: where bytes, words and connections go only if the place is Slack's own."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

#: Slack's own domains, whatever address its methods are called at.
DOMAINS: Final = ("slack.com", "slack-gov.com")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: Schemes of connections, as those of calls.
AS_HTTP: Final = {"ws": "http", "wss": "https"}


def is_slacks(url: str, api: str) -> bool:
    """Whether an address that Slack told is Slack's: by TLS at its domains, or where its methods are.

    `api` is the address that methods stand behind. A pretend Slack on loopback may have several ports.
    """
    try:
        place, known = _parts(url), _parts(api)
        here, there = _host_and_port(place), _host_and_port(known)
    except ValueError:
        return False
    if "@" in place.netloc or "\\" in url or not url.isprintable() or not here[0]:
        return False
    if place.scheme == known.scheme and (here == there or (here[0] in LOOPBACK and there[0] in LOOPBACK)):
        return True
    return place.scheme == "https" and here[1] == 443 and _is_below(here[0], (*DOMAINS, there[0]))


def _parts(url: str) -> SplitResult:
    """Raises ValueError."""
    parts = urlsplit(url)
    return parts._replace(scheme=AS_HTTP.get(parts.scheme, parts.scheme))


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    """Raises ValueError."""
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
