"""Signing in with a token, and out again."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.errors import GridhookError, StoreUnavailable
from receiver.lib.times import Clock
from receiver.web.access import Access, RoleToken, is_cross_site
from receiver.web.pages.authentication.login_limit import LoginLimit
from receiver.web.pages.authentication.one_time_links import OneTimeLinks
from receiver.web.pages.authentication.sessions import COOKIE, LONG_S, SHORT_S, Sessions
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.forms import Form, read_form
from receiver.web.pages.rendering import Renderer
from receiver.web.problems import Refusal

log = structlog.get_logger("web")

#: See other: the browser goes there with GET.
SEE_OTHER: Final = 303


class SignIn:
    """`/login` and `/logout`."""

    def __init__(
        self,
        access: Access,
        sessions: Sessions,
        visits: Visits,
        limit: LoginLimit,
        links: OneTimeLinks,
        renderer: Renderer,
        clock: Clock,
    ) -> None:
        self._access = access
        self._sessions = sessions
        self._visits = visits
        self._limit = limit
        self._links = links
        self._renderer = renderer
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """The form, or what it sends: a token for a cookie."""
        if request.method != "POST":
            if "once" in request.query_params:
                return await self._by_link(request)
            wanted = _within(request.query_params.get("next", "/"))
            return self._page(200, wanted)
        try:
            if is_cross_site(request.headers.raw):
                raise Refusal(403, "cross_site", "this form was sent by the page of another site")
            return await self._exchange(request, await read_form(request))
        except Refusal as no:
            return self._page(no.status, "/", refused=no.detail)
        except StoreUnavailable:
            return self._page(503, "/", refused="the store cannot do it now; try again")

    async def _exchange(self, request: Request, form: Form) -> Response:
        address = request.client.host if request.client is not None else ""
        now, wanted = self._clock(), _within(form.one("next") or "/")
        wait_s = self._limit.wait_s(address, now)
        if wait_s:
            told = f"Too many wrong tokens came from your address. The next one is looked at in {wait_s} s."
            return self._page(429, wanted, refused=told, headers={"retry-after": str(wait_s)})
        token = self._access.known(form.one("token").strip())
        if token is None:
            self._limit.count(address, now)
            log.warning("page.sign_in_refused", sender=address)
            return self._page(401, wanted, refused=_refusal(self._limit.left(address, now)))
        self._limit.forget(address)
        return await self._signed_in(request, token, wanted, stays=bool(form.one("stay")))

    async def _by_link(self, request: Request) -> Response:
        """Signs in whoever has a link that was made for once; where no token is configured there is nothing to do."""
        if not self._access.tokens:
            return RedirectResponse("/", SEE_OTHER)
        is_good = request.method == "GET" and self._links.take(request.query_params["once"], self._clock())
        if not is_good:
            return self._page(401, "/", refused="This link was used already, or is too old. Sign in with a token.")
        try:
            return await self._signed_in(request, self._access.tokens[0], "/", stays=False)
        except StoreUnavailable:
            return self._page(503, "/", refused="the store cannot do it now; try again")

    async def _signed_in(self, request: Request, token: RoleToken, wanted: str, *, stays: bool) -> Response:
        """Goes to a page, with the cookie of a new session. Raises StoreUnavailable."""
        log.info("page.signed_in", role=token.role, sender=request.client.host if request.client else "")
        lasts_s = LONG_S if stays else SHORT_S
        cookie = self._sessions.issue((await self._sessions.keys()).key, token, self._clock(), lasts_s)
        # The address that brought somebody here may be a link that was good for once.
        answer = RedirectResponse(wanted, SEE_OTHER, {"referrer-policy": "no-referrer"})
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=lasts_s if stays else None,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """Ends this session; with `all` every session of everybody, which takes an admin."""
        visitor: Visitor | None = None
        try:
            visitor = await self._visits.visitor(request)
            if visitor is not None:
                form = await self._visits.form(request, visitor)
                if form.one("all"):
                    if not visitor.may_act:
                        raise Refusal(403, "viewer", "signing everybody out takes the admin token")
                    await self._sessions.end_all()
                elif visitor.is_signed_in:
                    await self._sessions.end(request.cookies.get(COOKIE, ""), self._clock())
        except (Refusal, GridhookError) as wrong:
            return self._visits.error(wrong, visitor)
        answer = RedirectResponse("/login", SEE_OTHER)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        # What the browser has kept of the pages goes too.
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    def _page(
        self, status: int, wanted: str, refused: str | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        is_closed = not self._access.tokens
        return self._renderer.page(
            "login.html", None, status=status, headers=headers, wanted=wanted, refused=refused, is_closed=is_closed
        )


def _refusal(left: int) -> str:
    tries = {0: "The next one is looked at in a minute.", 1: "1 try is left; then one a minute."}
    return "That is not a token of this server. " + tries.get(left, f"{left} tries are left; then one a minute.")


def _within(target: str) -> str:
    """Where to go after signing in: a page of this server, whatever was asked for."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_path and target.isascii() and "\\" not in target else "/"
