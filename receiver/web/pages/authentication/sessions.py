"""Signed cookies: who signed in and until when, under a key that is kept in the database."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from receiver.contracts import Store, Transaction
from receiver.lib.signatures import Secret, hmac_sha256
from receiver.web.access import Role, RoleToken

COOKIE: Final = "gridhook_session"
#: How long who signs in stays so: as long as a working day, or where it is wished for 30 days; seconds.
SHORT_S: Final = 12 * 3600
LONG_S: Final = 30 * 86_400
KEY_LENGTH: Final = 32
#: The longest cookie that is looked at, characters.
LONGEST: Final = 200
#: So many sessions that were signed out are remembered; signing out takes a session, so nobody else can fill this up.
MOST_ENDED: Final = 1000


class SessionKeys(NamedTuple):
    """What cookies are judged by."""

    key: bytes
    #: What is signed of the cookies that were signed out.
    ended: frozenset[str]


class Sessions:
    """Makes and reads the cookies. Another key in the database ends them all; so does another token, those of it."""

    def __init__(self, store: Store, tokens: Sequence[RoleToken]) -> None:
        self._store = store
        self._tokens = tokens

    async def keys(self) -> SessionKeys:
        """The key that signs, made where there is none yet, and what ended. Raises StoreUnavailable."""
        known = await self._store.read(_known)
        return known if known is not None else SessionKeys(await self._store.write(_made), frozenset())

    async def end(self, cookie: str, now_ms: int) -> None:
        """Ends one session: its cookie opens nothing any more, whoever has a copy. Raises StoreUnavailable."""
        body = cookie.rpartition(".")[0]
        await self._store.write(partial(_without, body, now_ms // 1000))

    async def end_all(self) -> None:
        """Signs everybody out, everywhere. Raises StoreUnavailable."""
        await self._store.write(_renewed)

    def issue(self, key: bytes, token: RoleToken, now_ms: int, lasts_s: int) -> str:
        """The cookie of somebody who signed in with this token."""
        body = f"{now_ms // 1000 + lasts_s}.{secrets.token_urlsafe(12)}"
        return f"{body}.{_mac(key, token.secret, body)}"

    def role_of(self, keys: SessionKeys, cookie: str, now_ms: int) -> Role | None:
        """Whose cookie this is; None = it is none of ours, over, or signed out."""
        body, _, mac = cookie.rpartition(".")
        until, _, _nonce = body.partition(".")
        if len(cookie) > LONGEST or not (until.isascii() and until.isdigit()):
            return None
        found: Role | None = None
        for token in self._tokens:
            if hmac.compare_digest(mac.encode(), _mac(keys.key, token.secret, body).encode()) and found is None:
                found = token.role
        return found if int(until) > now_ms // 1000 and body not in keys.ended else None


def form_token(key: bytes, cookie: str) -> str:
    """What every form of this session carries, so that no other site's page can send one."""
    return hmac_sha256(key, b"form\0" + cookie.encode()).hex()[:32]


def _mac(key: bytes, token: Secret, body: str) -> str:
    return hmac_sha256(key, b"session\0" + token.reveal().encode() + b"\0" + body.encode()).hex()


def _known(tx: Transaction) -> SessionKeys | None:
    key = tx.session_key()
    return SessionKeys(key, frozenset(tx.ended_sessions())) if key is not None else None


def _without(body: str, now_s: int, tx: Transaction) -> None:
    """Notes that this session ended; those whose time is over need no note."""
    open_still = [one for one in tx.ended_sessions() if int(one.partition(".")[0]) > now_s]
    tx.put_ended_sessions((*open_still, body)[-MOST_ENDED:])


def _made(tx: Transaction) -> bytes:
    return tx.session_key() or _renewed(tx)


def _renewed(tx: Transaction) -> bytes:
    key = secrets.token_bytes(KEY_LENGTH)
    tx.put_session_key(key)
    return key
