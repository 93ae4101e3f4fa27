"""Who looks at a page: by session, by token, or from this machine where no token is configured."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from receiver.errors import GridhookError, StoreUnavailable
from receiver.lib.times import Clock
from receiver.web.access import Access, Role, is_cross_site
from receiver.web.http.senders import BY_TRUSTED_PROXY
from receiver.web.pages.authentication.sessions import COOKIE, Sessions, form_token
from receiver.web.pages.forms import Form, read_form
from receiver.web.pages.rendering import Renderer
from receiver.web.problems import Refusal
from receiver.web.refusals import RETRY_AFTER, STATUSES


class Visitor(NamedTuple):
    """Who looks."""

    role: Role
    #: As whom they decide: what `decided_by` tells.
    name: str
    #: What the forms of their pages carry.
    form_token: str
    #: False where they are let in without a session, so that there is nothing to sign out of.
    is_signed_in: bool = True

    @property
    def may_act(self) -> bool:
        """True if they may decide, order and change."""
        return self.role == "admin"


Reading = Callable[[Request, Visitor], Awaitable[Response]]
Acting = Callable[[Request, Visitor, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Visits:
    """Lets visitors through to pages, and turns what goes wrong into pages."""

    def __init__(self, access: Access, sessions: Sessions, renderer: Renderer, clock: Clock) -> None:
        self._access = access
        self._sessions = sessions
        self._renderer = renderer
        self._clock = clock

    def reading(self, page: Reading) -> Endpoint:
        """A page for everybody who is let in; others get the sign-in page in its place (401)."""

        async def endpoint(request: Request) -> Response:
            visitor: Visitor | None = None
            try:
                visitor = await self.visitor(request)
                if visitor is None:
                    return self._stranger(request)
                return await page(request, visitor)
            except (Refusal, GridhookError) as wrong:
                return self.error(wrong, visitor)

        return endpoint

    def acting(self, action: Acting) -> Endpoint:
        """What a form does. It takes an admin, a form of this session, and no other site's page."""

        async def endpoint(request: Request) -> Response:
            visitor: Visitor | None = None
            try:
                visitor = await self.visitor(request)
                if visitor is None:
                    return self._stranger(request)
                form = await self.form(request, visitor)
                if not visitor.may_act:
                    raise Refusal(
                        403, "viewer", "you are signed in as a viewer: a viewer sees everything, order nothing"
                    )
                return await action(request, visitor, form)
            except (Refusal, GridhookError) as wrong:
                return self.error(wrong, visitor)

        return endpoint

    async def form(self, request: Request, visitor: Visitor) -> Form:
        """The form that was sent. Raises Refusal (403) if it is none of this visitor's own."""
        if is_cross_site(request.headers.raw):
            raise Refusal(403, "cross_site", "this form was sent by the page of another site")
        form = await read_form(request)
        if not hmac.compare_digest(form.one("csrf").encode(), visitor.form_token.encode()):
            raise Refusal(403, "stale_form", "this page is from before you signed in: open it again, and press again")
        return form

    async def visitor(self, request: Request) -> Visitor | None:
        """Who looks; None = nobody that is known. Raises StoreUnavailable."""
        keys = await self._sessions.keys()
        key, cookie = keys.key, request.cookies.get(COOKIE, "")
        role = self._sessions.role_of(keys, cookie, self._clock())
        if role is not None:
            return Visitor(role, f"page:{role}", form_token(key, cookie))
        headers = request.headers.raw
        if BY_TRUSTED_PROXY in request.scope.get("extensions", {}):
            user = self._access.user_of(headers)
            if user is not None:
                return Visitor("admin", f"page:{user}", form_token(key, f"user\0{user}"), is_signed_in=False)
        bearer = self._access.role_of_bearer(headers)
        if bearer is not None:
            return Visitor(bearer, f"page:{bearer}", form_token(key, ""), is_signed_in=False)
        sender = request.client.host if request.client is not None else ""
        if self._access.is_local(sender, headers):
            return Visitor("admin", "page:admin", form_token(key, ""), is_signed_in=False)
        return None

    def _stranger(self, request: Request) -> Response:
        """What is shown instead of a page, and after signing in that page."""
        if request.method == "POST":
            wanted = "/"
        else:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        is_closed = not self._access.tokens
        return self._renderer.page("login.html", None, status=401, wanted=wanted, is_closed=is_closed)

    def error(self, wrong: Refusal | GridhookError, visitor: Visitor | None) -> Response:
        """The page that tells what went wrong. Raises it again if it is no caller's fault."""
        headers: dict[str, str] = {}
        if isinstance(wrong, Refusal):
            status, code, detail, headers = wrong.status, wrong.code, wrong.detail, wrong.headers
        elif isinstance(wrong, StoreUnavailable):
            status, code, detail = 503, "unavailable", "the store cannot do it now; try again"
            headers = {"retry-after": RETRY_AFTER}
        else:
            known = [number for kind, number in STATUSES.items() if isinstance(wrong, kind)]
            if not known:
                raise wrong
            status, code, detail = known[0], wrong.code, str(wrong)
        return self._renderer.page(
            "error.html", visitor, status=status, headers=headers, error_status=status, code=code, detail=detail[:1000]
        )
