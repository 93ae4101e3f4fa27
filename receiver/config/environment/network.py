"""Reads `[network]`: how calls get out. Where it says nothing, the usual environment variables do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from receiver.config.findings import Findings
from receiver.config.reading import Reader, Table, Wrong, keys_of
from receiver.config.units import Network
from receiver.contracts import CallNetwork
from receiver.lib.signatures import Secret

CERTIFICATE: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]*CERTIFICATE-----")
#: Longest file of certificates that is looked into, bytes.
LONGEST_FILE: Final = 16 * 1024**2
REMEDY: Final = 'write "http://proxy.example.com:3128", with "user:password@" before the name if it wants them'


class NetworkKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`[network]` as it is written."""

    ca_file: str | None = None
    #: A secret, because user and password may stand in it.
    proxy: Secret | None = None
    allow: tuple[Network, ...] = ()


def read_network(reader: Reader, tables: Table, env: Mapping[str, str]) -> CallNetwork:
    """How calls get out; mistakes are noted."""
    try:
        table = reader.table(tables.get("network", {}), "network")
    except Wrong:
        return CallNetwork()
    reader.known(table, keys_of(NetworkKeys), "network")
    keys = reader.struct(NetworkKeys, table, "network") or NetworkKeys()
    findings = reader.findings
    if keys.proxy is not None and (wrong := proxy_fault(keys.proxy.reveal())):
        findings.wrong("network.proxy", wrong, REMEDY)
    every = _proxy_of(env, "all_proxy", findings)
    return CallNetwork(
        ca_file=_ca_file(keys.ca_file, reader.folder, env, findings),
        http_proxy=keys.proxy or _proxy_of(env, "http_proxy", findings) or every,
        https_proxy=keys.proxy or _proxy_of(env, "https_proxy", findings) or every,
        no_proxy=tuple(entry.strip() for entry in (_set(env, "no_proxy") or "").split(",") if entry.strip()),
        allow=keys.allow,
    )


def _set(env: Mapping[str, str], name: str) -> str | None:
    """A variable in lower or upper case; None if it is empty."""
    return env.get(name) or env.get(name.upper()) or None


def _proxy_of(env: Mapping[str, str], name: str, findings: Findings) -> Secret | None:
    """A proxy that the environment names; one that cannot be used is warned of."""
    text = _set(env, name)
    if text is None:
        return None
    address = text if "://" in text else f"http://{text}"
    wrong = proxy_fault(address)
    if wrong:
        findings.warn(f"the environment variable {name.upper()} {wrong}: calls go out without it")
        return None
    return Secret(address)


def proxy_fault(text: str) -> str | None:
    """What is wrong with the address of a proxy, without a character of it; None if nothing is."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return "holds characters that no address has"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "is not the http:// or https:// address of a proxy"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return "has more than a host and a port"
    return None


def _ca_file(written: str | None, folder: Path, env: Mapping[str, str], findings: Findings) -> Path | None:
    if written is not None:
        path = folder / written
        if wrong := _ca_fault(path, whole=True):
            findings.wrong("network.ca_file", wrong, "name a file of certificates in PEM form")
        return path
    given = env.get("SSL_CERT_FILE")
    if not given:
        return None
    if wrong := _ca_fault(Path(given), whole=False):
        findings.warn(f"the environment variable SSL_CERT_FILE {wrong}: it is left out")
        return None
    return Path(given)


def _ca_fault(path: Path, *, whole: bool) -> str | None:
    """What is wrong with a file of certificates; None if nothing is.

    Not `whole`: a glance, for what may be the system's bundle, which takes 30 ms to read at every command.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE + 1)
    except (OSError, ValueError) as wrong:
        return f"names a file that cannot be read ({getattr(wrong, 'strerror', None) or 'not a path'})"
    if len(text) > LONGEST_FILE or not CERTIFICATE.search(text):
        return "names a file without a certificate"
    return _ca_refusal(path) if whole else None


def _ca_refusal(path: Path) -> str | None:
    import ssl  # noqa: PLC0415  # only where a file is written

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as wrong:
        return f"names a file that cannot be used ({wrong.strerror})"
    return None
