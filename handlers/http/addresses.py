"""Addresses that can be called: read, checked, and what of them may be shown."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from receiver.contracts.options import WHOLE_URL
from receiver.errors import OptionError
from receiver.lib.signatures import Secret

#: The schemes that are spoken, and their usual ports.
PORTS: Final = {"http": 80, "https": 443}
#: How many addresses are kept parsed.
KNOWN_ADDRESSES: Final = 256
#: Letters of a host's name, once it is ASCII and in lower case.
HOST: Final = re.compile(r"[a-z0-9._~-]{1,253}")
#: What no address holds; some of them `urlsplit` would silently leave out.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
#: What goes into the target of a request as it is written; all else is escaped.
PATH_LETTERS: Final = "!$%&'()*+,-./:;=@[]_|~"
QUERY_LETTERS: Final = PATH_LETTERS + "?{}\\^`"
#: A piece of an address from this length on is taken for a key.
KEY_LENGTH: Final = 16


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    #: ASCII, in lower case; an IPv6 address without brackets.
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and, if it is not the usual one, port, as in a `Host` header."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """What of an address may be shown: paths, queries and user names hold keys."""
        return f"{self.scheme}://{self.authority}"


class WebAddress(NamedTuple):
    """An address that can be called."""

    origin: Origin
    #: Path and query, escaped.
    target: str
    user: str
    password: str

    @property
    def credentials(self) -> str:
        """The user and password of the address as Basic authentication has them; "" if it names none."""
        if not self.user and not self.password:
            return ""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@lru_cache(KNOWN_ADDRESSES)
def parse_address(text: str) -> WebAddress | None:
    """An http:// or https:// address, taken apart; None if it is none that can be called."""
    if CONTROL.search(text) or text != text.strip():
        return None
    try:
        parts = urlsplit(text)
        return _address(parts, parts.port)
    except ValueError:
        return None


def _address(parts: SplitResult, port: int | None) -> WebAddress | None:
    """Raises ValueError if the host is none."""
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        return None
    origin = Origin(parts.scheme, _host(parts.hostname), port or PORTS[parts.scheme])
    path, query = quote(parts.path or "/", PATH_LETTERS), quote(parts.query, QUERY_LETTERS)
    target = f"{path}?{query}" if query else path
    return WebAddress(origin, target, unquote(parts.username or ""), unquote(parts.password or ""))


def _host(name: str) -> str:
    if ":" in name:
        IPv6Address(name)
        return name
    if not name.isascii():
        import idna  # noqa: PLC0415  # its tables: only who calls a host with such a name pays for them

        name = idna.encode(name.lower()).decode()
    if not HOST.fullmatch(name):
        raise ValueError("is not the name of a host")
    return name


def usable_url(key: str, url: Secret | str) -> str:
    """The text of an address that can be called. Raises OptionError, which names the configuration key only."""
    text = url if isinstance(url, str) else url.reveal()
    if parse_address(text) is None:
        raise OptionError(key, "is not an http:// or https:// address with a host", WHOLE_URL)
    return text


def keys_in(url: str) -> tuple[Secret, ...]:
    """What of an address must not be repeated when an answer is quoted: user, password, path, query, long pieces."""
    address = parse_address(url)
    if address is None:
        return ()
    target = address.target
    long_pieces = [piece for piece in re.split(r"[/?&=;]", target) if len(piece) >= KEY_LENGTH]
    found = [url, address.password, address.credentials, target, unquote(target.partition("?")[0]), *long_pieces]
    return tuple(Secret(text) for text in found if len(text) > 1)
