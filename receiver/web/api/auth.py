"""Who may use the API: whoever has the admin token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.lib.signatures import Secret, matches
from receiver.web.problems import Refusal, problem

CHALLENGE: Final = {"www-authenticate": 'Bearer realm="gridhook"'}
CLOSED: Final = Refusal(
    401,
    "no_admin_token",
    "the API is closed: no admin token is configured; set admin_token under [server] and start again",
    CHALLENGE,
)
UNAUTHORIZED: Final = Refusal(
    401, "unauthorized", "send the admin token of the configuration: `Authorization: Bearer ...`", CHALLENGE
)


class Bearer:
    """Lets requests with the admin token through to `app`; everything else is a 401 that says what would be right."""

    def __init__(self, app: ASGIApp, token: Secret | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        no = self.refusal(scope["headers"])
        if no is None:
            await self._app(scope, receive, send)
        else:
            await problem(no.status, no.code, no.detail, no.headers)(scope, receive, send)

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
        """Why a request with these headers (lower-case names) is not let through; None if it is."""
        if self._token is None:
            return CLOSED
        return None if matches(_given(headers), [self._token]) else UNAUTHORIZED


def _given(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The token that was sent; empty (which never matches) if there is none, or several different ones."""
    sent = {value for name, value in headers if name == b"authorization"}
    scheme, _, token = sent.pop().partition(b" ") if len(sent) == 1 else (b"", b"", b"")
    return token.strip() if scheme.lower() == b"bearer" else b""
