"""Reads `[server]` and judges whether vendors can reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from receiver.config.findings import Findings
from receiver.config.settings import ServerSettings
from receiver.config.units import (
    AdminPort,
    BodySize,
    ConnectionCount,
    KeepAlive,
    Network,
    Port,
    StopTime,
    UnreadSize,
)
from receiver.contracts import Sink, Source
from receiver.contracts.pictures import link_lifetime_s
from receiver.errors import OptionError
from receiver.lib.signatures import Secret

#: Vendors whose webhook URL is documented as an HTTPS URL (Apiframe v2, seed 004).
HTTPS_ONLY: Final = frozenset({"apiframe"})
#: Vendors that drop a webhook URL on other ports than 80 and 443 (APIMart, documented).
COMMON_PORTS_ONLY: Final = frozenset({"apimart"})
SHORT_TOKEN: Final = 16
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")


def _check_host(host: str) -> None:
    if not host or not host.isprintable() or " " in host:
        raise OptionError("", "is not a name or address to listen on", 'write "127.0.0.1", or "0.0.0.0" for everywhere')


def _check_header(name: str) -> None:
    if not HEADER_NAME.fullmatch(name):
        raise OptionError("", "is not the name of a header", 'write one that the proxy sets, e.g. "X-Forwarded-User"')


class ServerKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`[server]` as it is written."""

    host: Annotated[str, msgspec.Meta(extra={"check": _check_host})] = "127.0.0.1"
    port: Port = 8000
    admin_port: AdminPort | None = None
    admin_token: tuple[Secret, ...] = ()
    viewer_token: Secret | None = None
    max_body: BodySize = 8 * 1024**2
    max_connections: ConnectionCount = 4096
    max_unread: UnreadSize = 64 * 1024**2
    keep_alive: KeepAlive = 75.0
    stop_within: StopTime = 8.0
    trusted_proxies: tuple[Network, ...] = ()
    user_header: Annotated[str, msgspec.Meta(extra={"check": _check_header})] | None = None


def server_settings(keys: ServerKeys, findings: Findings) -> ServerSettings:
    """The settings that the keys mean."""
    if not keys.admin_token:
        findings.warn("server.admin_token is missing: the API and the pages need one")
    elif any(len(token.reveal()) < SHORT_TOKEN for token in keys.admin_token):
        findings.warn(f"server.admin_token has fewer than {SHORT_TOKEN} characters: it can be guessed")
    _judge_viewer_token(keys, findings)
    if keys.admin_port is not None and keys.admin_port == keys.port:
        findings.wrong("server.admin_port", "is the same as port", "write another one, or leave it out")
    if keys.user_header is not None and not keys.trusted_proxies:
        findings.wrong(
            "server.user_header",
            "stands without trusted_proxies: anybody could name anybody",
            'name the proxy that sets it, e.g. trusted_proxies = ["127.0.0.1"]',
        )
    if keys.max_unread < keys.max_body:
        findings.wrong(
            "server.max_unread",
            "is smaller than max_body: a single body would not fit",
            f"write at least {keys.max_body}, or lower server.max_body",
        )
    return ServerSettings(
        host=keys.host,
        port=keys.port,
        admin_port=keys.admin_port,
        admin_token=keys.admin_token,
        viewer_token=keys.viewer_token,
        max_body=keys.max_body,
        max_connections=keys.max_connections,
        max_unread=keys.max_unread,
        keep_alive=keys.keep_alive,
        stop_within=keys.stop_within,
        trusted_proxies=keys.trusted_proxies,
        user_header=keys.user_header,
    )


def _judge_viewer_token(keys: ServerKeys, findings: Findings) -> None:
    if keys.viewer_token is None:
        return
    if not keys.admin_token:
        findings.wrong("server.viewer_token", "stands without admin_token", "set admin_token too: nobody could decide")
    elif keys.viewer_token in keys.admin_token:
        findings.wrong(
            "server.viewer_token", "is the same as admin_token", "make another one: a viewer decides nothing"
        )
    if len(keys.viewer_token.reveal()) < SHORT_TOKEN:
        findings.warn(f"server.viewer_token has fewer than {SHORT_TOKEN} characters: it can be guessed")


def judge_public_url(url: str | None, server: ServerKeys, sources: Mapping[str, Source], findings: Findings) -> None:
    """Warns where webhooks cannot come through; sources that are only polled need no public address."""
    reached = {name: source.provider.name for name, source in sources.items() if source.webhooks}
    if url is None:
        if reached:
            local = f"http://127.0.0.1:{server.port}"
            findings.warn(f"public_url is missing: webhook URLs begin with {local}, which no vendor can reach")
        return
    parts = urlsplit(url)
    for name, provider in reached.items():
        if provider in HTTPS_ONLY and parts.scheme != "https":
            findings.warn(f"public_url is http://, but the vendor of sources.{name} posts to https:// only")
        if provider in COMMON_PORTS_ONLY and parts.port not in (None, 80, 443):
            findings.warn(f"public_url has port {parts.port}, but the vendor of sources.{name} takes 80 and 443 only")


def judge_links(url: str | None, server: ServerKeys, sinks: Mapping[str, Sink], findings: Findings) -> None:
    """Warns of archives whose copies are for everybody to see, while nobody can follow a link to them."""
    for name, sink in sinks.items():
        if url is None and link_lifetime_s(sink.handler):
            local = f"http://127.0.0.1:{server.port}"
            findings.warn(f"sinks.{name}.public: links to its copies begin with {local}: write public_url")
