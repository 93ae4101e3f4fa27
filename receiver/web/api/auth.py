"""Who may use the API: whoever has the admin token."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.lib.signatures import Secret, matches
from receiver.web.problems import problem

CHALLENGE = {"www-authenticate": 'Bearer realm="gridhook"'}


class Bearer:
    """Lets requests with the admin token through to `app`; everything else is a 401 that says what would be right."""

    def __init__(self, app: ASGIApp, token: Secret | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._token is None:
            detail = "the API is closed: no admin token is configured; set admin_token under [server] and start again"
            await problem(401, "no_admin_token", detail, CHALLENGE)(scope, receive, send)
        elif matches(_given(Headers(scope=scope)), [self._token]):
            await self._app(scope, receive, send)
        else:
            detail = "send the admin token of the configuration: `Authorization: Bearer ...`"
            await problem(401, "unauthorized", detail, CHALLENGE)(scope, receive, send)


def _given(headers: Headers) -> bytes:
    """The token that was sent; empty (which never matches) if there is none, or several different ones."""
    sent = set(headers.getlist("authorization"))
    scheme, _, token = sent.pop().partition(" ") if len(sent) == 1 else ("", "", "")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
