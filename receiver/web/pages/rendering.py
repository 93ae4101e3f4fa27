"""Templates, and the headers that every page has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Final, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import Response

from receiver.lib.times import Clock, stamp
from receiver.views.overview import Overview
from receiver.web.pages import wording
from receiver.web.pages.assets import asset_url
from receiver.web.pages.pictures import PICTURE_SOURCES, full_url, grid_url, picture_url

#: Nothing but our own files runs, styles or is asked; nobody frames a page.
POLICY: Final = (
    f"default-src 'none'; img-src {PICTURE_SOURCES}; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    # Stricter, and browsers would not say where a form comes from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class PageVisitor(Protocol):
    """What templates ask of who looks."""

    @property
    def may_act(self) -> bool:
        """True if they may decide."""
        ...


class Renderer:
    """Makes pages of templates; what others wrote is text in them, always."""

    def __init__(self, clock: Clock, time_zone: str) -> None:
        self._clock = clock
        self._time_zone = time_zone
        self._environment = _environment()

    def page(
        self,
        template: str,
        visitor: PageVisitor | None,
        *,
        overview: Overview | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **told: Any,
    ) -> Response:
        """A page as a response; `told` is what its template asks for."""
        now = self._clock()
        body = self._environment.get_template(template).render(
            visitor=visitor,
            overview=overview,
            now=stamp(now),
            now_ms=now,
            time_zone=self._time_zone,
            **told,
        )
        return Response(body, status, {**PAGE_HEADERS, **(headers or {})}, "text/html; charset=utf-8")

    async def show(self, template: str, visitor: PageVisitor, **told: Any) -> Response:
        """The same, made beside the event loop: no webhook waits for a long page."""
        return await asyncio.to_thread(lambda: self.page(template, visitor, **told))


@cache
def _environment() -> Environment:
    """The same for every renderer: a template is compiled once, not again after each reload."""
    made = Environment(
        loader=PackageLoader("receiver.web.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plain: dict[str, Callable[..., Any]] = {
        "flags": _with_flags,
        "short": wording.short_id,
        "cut": wording.cut,
        "cost": wording.cost_words,
        "size": wording.size_words,
        "duration": wording.duration_words,
    }
    made.filters.update(plain)
    made.filters.update(absolute=_absolute, relative=_relative, clock=_clock_time)
    made.globals.update(
        asset=asset_url,
        picture=picture_url,
        grid_picture=grid_url,
        full_picture=full_url,
        action_words=wording.action_words,
        money=wording.money_words,
        ratio=wording.ratio_class,
        version=version("gridhook"),
    )
    return made


def _with_flags(text: str) -> Markup:
    """A prompt, with the vendor's switches behind it set small and from left to right."""
    said, mark, flags = text.partition(" --")
    if not mark:
        return escape(text)
    return escape(said) + Markup(' <span class="flags" dir="ltr">--{}</span>').format(flags)


@pass_context
def _absolute(context: Context, iso: str) -> str:
    return wording.absolute(iso, context["time_zone"])


@pass_context
def _relative(context: Context, iso: str) -> str:
    return wording.relative(iso, context["now_ms"])


@pass_context
def _clock_time(context: Context, iso: str) -> str:
    return wording.local(iso, context["time_zone"]).strftime("%H:%M:%S")
