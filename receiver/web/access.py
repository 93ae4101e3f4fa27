"""Who may ask for what: by a token of the configuration, or by being on this machine where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from receiver.config import ServerSettings
from receiver.lib.signatures import Secret, matches

Headers = Iterable[tuple[bytes, bytes]]
#: An admin sees and decides, a viewer sees.
Role = Literal["admin", "viewer"]

#: What the public port answers where there is an `admin_port`.
PUBLIC_PATHS: Final = frozenset({"/healthz", "/readyz", "/slack/actions", "/discord/interactions"})
PUBLIC_FOLDERS: Final = ("/in/", "/pictures/")
#: Headers that say that somebody else's request is handed on.
FORWARDING: Final = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip"})


#: The longest name of a user that a proxy tells, characters.
LONGEST_NAME: Final = 100


class RoleToken(NamedTuple):
    """A token, and what whoever has it may do."""

    role: Role
    secret: Secret


class Access:
    """Knows the tokens. Everything that is compared is compared in constant time."""

    def __init__(self, settings: ServerSettings) -> None:
        self._admin_port = settings.admin_port
        self._user_header = (settings.user_header or "").lower().encode()
        viewers = (settings.viewer_token,) if settings.viewer_token is not None else ()
        #: Who signs in with which token; empty = only this machine is answered.
        self.tokens: tuple[RoleToken, ...] = (
            *(RoleToken("admin", secret) for secret in settings.admin_token),
            *(RoleToken("viewer", secret) for secret in viewers),
        )

    def is_hidden(self, path: str, port: int) -> bool:
        """True if there is nothing at this path on this port, because it is for the admin port alone."""
        return self.is_public(port) and not _is_open(path)

    def is_public(self, port: int) -> bool:
        """True if this port is only for what is open to the world."""
        return self._admin_port is not None and port != self._admin_port

    def known(self, token: str | bytes) -> RoleToken | None:
        """The configured token that this is; None = none of them."""
        found: RoleToken | None = None
        for known in self.tokens:
            if matches(token, [known.secret]) and found is None:
                found = known
        return found

    def user_of(self, headers: Headers) -> str | None:
        """Whom the `user_header` of a trusted proxy names; None = nobody, or not clearly one. It signs in an admin."""
        told = [value for name, value in headers if self._user_header and name == self._user_header]
        if len(told) != 1:
            return None
        try:
            name = told[0].decode("utf-8").strip()
        except ValueError:
            return None
        return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else None

    def role_of_bearer(self, headers: Headers) -> Role | None:
        """Who sent the token in `Authorization`; None = nobody, or there are several different ones."""
        known = self.known(_bearer(headers))
        return known.role if known is not None else None

    def is_local(self, sender: str, headers: Headers) -> bool:
        """True if no token is configured and this certainly comes from this machine, by no proxy and no other name."""
        if self.tokens or not _is_loopback(sender):
            return False
        named = list(headers)
        if is_cross_site(named):
            return False
        if any(name in FORWARDING or name.startswith(b"x-forwarded") for name, _ in named):
            return False
        hosts = [value for name, value in named if name == b"host"]
        return len(hosts) == 1 and _is_loopback(_without_port(hosts[0].decode("latin-1")))


def is_cross_site(headers: Headers) -> bool:
    """True if a browser says that another site's page makes this request."""
    named = list(headers)
    sites = {value for name, value in named if name == b"sec-fetch-site"}
    if sites - {b""}:
        return not sites <= {b"same-origin", b"none"}
    hosts = {value.lower() for name, value in named if name == b"host"}
    origins = [value.lower() for name, value in named if name == b"origin"]
    return any(origin.partition(b"://")[2] not in hosts for origin in origins)


def _is_open(path: str) -> bool:
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDERS)


def _bearer(headers: Headers) -> bytes:
    sent = {value for name, value in headers if name == b"authorization"}
    scheme, _, token = sent.pop().partition(b" ") if len(sent) == 1 else (b"", b"", b"")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _without_port(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
