"""Who may use the API: whoever has the admin token; to look at it, the viewer token is enough."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.web.access import Access, Headers
from receiver.web.problems import Refusal, problem

CHALLENGE: Final = {"www-authenticate": 'Bearer realm="gridhook"'}
CLOSED: Final = Refusal(
    401,
    "no_admin_token",
    "the API is closed to all but this machine: no admin token is configured; set admin_token under [server] and start "
    "again",
    CHALLENGE,
)
UNAUTHORIZED: Final = Refusal(
    401, "unauthorized", "send the admin token of the configuration: `Authorization: Bearer ...`", CHALLENGE
)
VIEWER: Final = Refusal(403, "viewer", "the viewer token only looks: this takes the admin token")
LOOKING: Final = frozenset({"GET", "HEAD"})


class Bearer:
    """Lets requests with a token that suffices through to `app`; everything else is told what would be right."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = scope["client"][0] if scope.get("client") else ""
        no = self.refusal(scope["method"], sender, scope["headers"])
        if no is None:
            await self._app(scope, receive, send)
        else:
            await problem(no.status, no.code, no.detail, no.headers)(scope, receive, send)

    def refusal(self, method: str, sender: str, headers: Headers) -> Refusal | None:
        """Why a request with this head (header names in lower case) is not let through; None if it is."""
        if not self._access.tokens:
            return None if self._access.is_local(sender, headers) else CLOSED
        role = self._access.role_of_bearer(headers)
        if role is None:
            return UNAUTHORIZED
        return None if role == "admin" or method in LOOKING else VIEWER
