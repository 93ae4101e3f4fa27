"""The page of a pretend channel: who looks, what there is to see, and presses of buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from receiver.lib.signal import Signal
from receiver.pretend.platforms.channel.messages import PEOPLE, ChannelMessage, ChannelPerson, ChannelPicture

T = TypeVar("T")

#: Nothing but the page's own files runs, styles or is asked.
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
}
PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
#: Messages that are shown, the newest.
MOST_MESSAGES: Final = 200
#: Bytes of a form.
LONGEST_FORM: Final = 16_384
ASSETS: Final = {"channel.css": "text/css", "channel.js": "text/javascript"}
#: Does what a press does (ids of message and button), and returns what the person is told of it; empty = nothing.
PressButton = Callable[[str, str, ChannelPerson], Awaitable[str]]


class ChannelPost(NamedTuple):
    """A message with what stands in its thread, and when it was posted, in words."""

    message: ChannelMessage
    posted: str
    replies: tuple[ChannelPost, ...]


class ChannelPage:
    """A channel in the browser, on the routes that it returns. `changed` is called after each change."""

    def __init__(
        self,
        title: str,
        *,
        messages: Callable[[], Sequence[ChannelMessage]],
        picture: Callable[[str], ChannelPicture | None],
        press: PressButton,
        people: Sequence[ChannelPerson] = PEOPLE,
    ) -> None:
        """`messages` returns what there is, oldest first; `picture` one by its name."""
        self._title = title
        self._messages = messages
        self._picture = picture
        self._press = press
        self._people = {person.id: person for person in people}
        self._told: dict[str, str] = {}
        self._changes = 0
        self._bell = Signal()
        self._templates = Environment(
            loader=PackageLoader("receiver.pretend.platforms", "channel"), autoescape=True, undefined=StrictUndefined
        )

    def routes(self) -> list[Route]:
        return [
            Route("/", self._show),
            Route("/messages", self._show_messages),
            Route("/changes", self._tell_changes),
            Route("/press", self._take, methods=["POST"]),
            Route("/shown/{name:path}", self._show_picture),
            Route("/assets/{name}", _asset),
            Route("/favicon.ico", _no_icon),
        ]

    def changed(self) -> None:
        """Has open pages look again."""
        self._changes += 1
        self._bell.ring()

    async def until(self, find: Callable[[], T | None]) -> T:
        """Waits until `find()`, called after each change, returns something other than None, and returns that."""
        return await self._bell.until(find)

    async def _show(self, request: Request) -> Response:
        person = self._person(request)
        told = self._told.pop(person.id, "")
        return self._rendered("channel.html", person, title=self._title, people=self._people.values(), told=told)

    async def _show_messages(self, request: Request) -> Response:
        return self._rendered("messages.html", self._person(request))

    def _rendered(self, template: str, person: ChannelPerson, **fields: object) -> Response:
        posts = posts_for(self._messages()[-MOST_MESSAGES:], person)
        body = self._templates.get_template(template).render(person=person, posts=posts, **fields)
        return HTMLResponse(body, headers=HEADERS)

    async def _tell_changes(self, _request: Request) -> Response:
        return StreamingResponse(self._news(), media_type="text/event-stream", headers=HEADERS)

    async def _news(self) -> AsyncIterator[str]:
        seen = self._changes
        while True:
            seen = await self._bell.until(partial(self._changes_beyond, seen))
            yield "data: changed\n\n"

    def _changes_beyond(self, seen: int) -> int | None:
        return self._changes if self._changes > seen else None

    async def _take(self, request: Request) -> Response:
        """A press; only from a page of this very server."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return PlainTextResponse("this form is from another page", 403, headers=HEADERS)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM:
                return PlainTextResponse("this form is too long", 413, headers=HEADERS)
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        person = self._people.get(form.get("person", ""))
        if person is None:
            return PlainTextResponse("nobody of this channel pressed", 400, headers=HEADERS)
        self._told[person.id] = await self._press(form.get("message", ""), form.get("button", ""), person)
        return RedirectResponse(f"/?as={quote(person.id)}", 303, headers=HEADERS)

    async def _show_picture(self, request: Request) -> Response:
        found = self._picture(request.path_params["name"])
        if found is None or found.type not in PICTURE_TYPES:
            return PlainTextResponse("no such picture", 404, headers=HEADERS)
        return Response(found.body, media_type=found.type, headers=HEADERS)

    def _person(self, request: Request) -> ChannelPerson:
        return self._people.get(request.query_params.get("as", "")) or next(iter(self._people.values()))


def posts_for(messages: Sequence[ChannelMessage], person: ChannelPerson) -> list[ChannelPost]:
    """What this person sees, oldest first, threads below their first message."""
    seen = [message for message in messages if message.only_for in (None, person.id)]
    known = {message.id for message in seen}
    replies: dict[str | None, list[ChannelPost]] = {}
    for message in reversed(seen):
        place = message.thread if message.thread in known and message.thread != message.id else None
        below = tuple(reversed(replies.get(message.id, [])))
        replies.setdefault(place, []).append(ChannelPost(message, _clock_time(message.at), below))
    return list(reversed(replies.get(None, [])))


def _clock_time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S UTC")


async def _no_icon(_request: Request) -> Response:
    return Response(status_code=204, headers=HEADERS)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return PlainTextResponse("no such file", 404, headers=HEADERS)
    body = files("receiver.pretend.platforms").joinpath("channel", name).read_bytes()
    return Response(body, media_type=ASSETS[name], headers=HEADERS)
