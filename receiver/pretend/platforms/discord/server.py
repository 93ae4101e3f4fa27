"""The pretend Discord over HTTP: a channel for a bot and a webhook, follow-ups, and the channel's page."""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from receiver.errors import ForeignRefused
from receiver.lib.pictures import examine
from receiver.lib.times import Clock, system_clock
from receiver.pretend.faults import break_off
from receiver.pretend.platforms.channel.allowance import Allowance
from receiver.pretend.platforms.channel.forms import UploadedFile, read_form
from receiver.pretend.platforms.channel.messages import ChannelPerson, ChannelPicture
from receiver.pretend.platforms.channel.page import ChannelPage
from receiver.pretend.platforms.discord.interactions import APPLICATION, FAILED, Interactions
from receiver.pretend.platforms.discord.messages import KNOWN, ChannelEntry, DiscordRefused, Fields, PostedFile, check

API: Final = "/api/v10"
PEOPLE: Final = (ChannelPerson(id="80351110224678912", name="Ada"), ChannelPerson(id="80351110224678913", name="Bea"))
WEBHOOK: Final = ("4444", "a-webhook-token")
#: Bytes of a call (documented).
LONGEST_CALL: Final = 25 * 1024 * 1024
MOST_KEPT: Final = 1000
EPHEMERAL: Final = 64


class DiscordOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the pretend Discord is set up, and how it behaves."""

    token: str = "pretend.bot.token"  # noqa: S105  # everybody may know a pretend one
    channel: str = "81384788765712384"
    #: The application's private key.
    seed: bytes = bytes(range(32))
    #: Where presses are posted; None = nowhere.
    endpoint: str | None = None
    #: Calls that may come within two seconds.
    burst: int = 5


class PretendDiscord:
    """One channel. `app` is the ASGI application, `mistakes` what it met that no client should do."""

    def __init__(
        self,
        options: DiscordOptions | None = None,
        *,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`clock` is for what messages say, `seconds` for rate limits; `client` posts presses to the endpoint."""
        self.options = options or DiscordOptions()
        self.messages: OrderedDict[str, ChannelEntry] = OrderedDict()
        self.pictures: OrderedDict[str, ChannelPicture] = OrderedDict()
        self.mistakes: list[str] = []
        #: What the next calls meet: a status such as `429` or `500`, or `lost`: done, and cut before the answer.
        self.faults: deque[str] = deque()
        #: Set: the webhook is no more.
        self.is_webhook_gone = False
        self.interactions = Interactions(self.options.seed, self.options.channel, clock, client)
        self._clock = clock
        self._seconds = seconds
        self._closed_until = -math.inf
        self._gone_calls = 0
        self._numbers = itertools.count(7001)
        self._allowance = Allowance(self.options.burst, self.options.burst / 2, seconds)
        self.page = ChannelPage(
            "#pictures - a pretend Discord",
            messages=lambda: [entry.shown() for entry in self.messages.values()],
            picture=self.pictures.get,
            press=self.press,
            people=PEOPLE,
        )
        channel = f"{API}/channels/{self.options.channel}/messages"
        webhook = f"/api/webhooks/{WEBHOOK[0]}/{WEBHOOK[1]}"
        self.app = Starlette(
            routes=[
                Route(channel, self._bot_call, methods=["POST"]),
                Route(channel + "/{message}", self._bot_call, methods=["PATCH"]),
                Route(f"{API}/users/@me", self._bot_question, methods=["GET"]),
                Route(f"{API}/channels/{self.options.channel}", self._bot_question, methods=["GET"]),
                Route(webhook, self._webhook_question, methods=["GET"]),
                Route(webhook, self._webhook_call, methods=["POST"]),
                Route(webhook + "/messages/{message}", self._webhook_call, methods=["PATCH"]),
                Route(f"{API}/webhooks/{APPLICATION}/{{token}}", self._follow_up, methods=["POST"]),
                *self.page.routes(),
                Route("/{path:path}", _not_found, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
            ]
        )

    async def press(self, message: str, custom_id: str, person: ChannelPerson) -> str:
        """Presses a button; returns what the person is told, empty = nothing."""
        entry = self.messages.get(message)
        if entry is None or not any(one["custom_id"] == custom_id for one in entry.buttons()):
            return "This button is not there any more."
        if self.options.endpoint is None:
            return FAILED
        return await self.interactions.press(self.options.endpoint, entry, custom_id, person)

    async def _bot_question(self, request: Request) -> Response:
        """Tells a bot who it is, or what its channel is called."""
        if request.headers.get("authorization") != f"Bot {self.options.token}":
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        if request.url.path.endswith("/@me"):
            return JSONResponse({"id": APPLICATION, "username": "gridhook", "bot": True})
        return JSONResponse({"id": self.options.channel, "name": "pictures", "type": 0})

    async def _webhook_question(self, _request: Request) -> Response:
        """Tells what a webhook is called."""
        if self.is_webhook_gone:
            return JSONResponse({"message": "Unknown Webhook", "code": 10015}, 404)
        return JSONResponse({"id": WEBHOOK[0], "name": "gridhook", "channel_id": self.options.channel})

    async def _bot_call(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bot {self.options.token}":
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        return await self._call(request, is_bot=True)

    async def _webhook_call(self, request: Request) -> Response:
        if self.is_webhook_gone:
            self._gone_calls += 1
            if self._gone_calls > 1:
                self.mistakes.append("it called a webhook again that is no more")
            return JSONResponse({"message": "Unknown Webhook", "code": 10015}, 404)
        return await self._call(request, is_bot=False)

    async def _call(self, request: Request, *, is_bot: bool) -> Response:
        if not request.headers.get("user-agent", "").startswith("DiscordBot ("):
            return PlainTextResponse("<html>error code: 1010</html>", 403, media_type="text/html")
        fault = self.faults.popleft() if self.faults else None
        limited = self._limited(fault)
        if limited is not None:
            return limited
        try:
            if fault is not None and fault.isdigit():
                raise DiscordRefused(int(fault), 0, f"{fault}: pretended")
            fields, files = await self._fields(request)
            entry = self._taken(request, fields, files, is_bot=is_bot)
        except DiscordRefused as wrong:
            return self._refused(wrong)
        self.page.changed()
        if fault == "lost":
            return await break_off("reset", request)
        if not is_bot and request.method == "POST" and request.query_params.get("wait") != "true":
            return Response(status_code=204, headers=self._rate_headers())
        return JSONResponse(entry.told(self.options.channel), headers=self._rate_headers())

    def _limited(self, fault: str | None) -> Response | None:
        """The answer to a call that comes too soon."""
        if self._seconds() < self._closed_until:
            self.mistakes.append("it called again before retry_after was over")
        wait_s = 1.25 if fault == "429" else self._allowance.take()
        if not wait_s:
            return None
        self._closed_until = self._seconds() + wait_s
        body = {"message": "You are being rate limited.", "retry_after": wait_s, "global": False}
        headers = {**self._rate_headers(), "retry-after": str(math.ceil(wait_s)), "x-ratelimit-scope": "user"}
        return JSONResponse(body, 429, headers=headers)

    def _rate_headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.options.burst),
            "x-ratelimit-remaining": str(self._allowance.left),
            "x-ratelimit-reset-after": f"{self._allowance.until_next():.3f}",
            "x-ratelimit-bucket": "abcd1234",
        }

    def _refused(self, wrong: DiscordRefused) -> Response:
        if wrong.status < 500:
            self.mistakes.append(f"{wrong.message} {wrong.errors or ''}".strip())
        body: Fields = {"message": wrong.message, "code": wrong.code}
        more = {"errors": wrong.errors} if wrong.errors else {}
        return JSONResponse(body | more, wrong.status, headers=self._rate_headers())

    async def _fields(self, request: Request) -> tuple[Fields, dict[str, UploadedFile]]:
        """Raises DiscordRefused."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_CALL:
                raise DiscordRefused(413, 40005, "Request entity too large")
        kind = request.headers.get("content-type", "")
        files: dict[str, UploadedFile] = {}
        try:
            text = bytes(body)
            if kind.startswith("multipart/form-data"):
                form = read_form(kind, text)
                text, files = form.fields["payload_json"].encode(), form.files
            fields = msgspec.json.decode(text, type=dict[str, Any])
        except (ValueError, KeyError, msgspec.MsgspecError):
            raise DiscordRefused(400, 50109, "The request body contains invalid JSON.") from None
        if fields.get("allowed_mentions") != {"parse": []}:
            self.mistakes.append("a message that could name somebody")
        if fields.keys() - KNOWN:
            self.mistakes.append(f"unknown fields: {sorted(fields.keys() - KNOWN)}")
        return fields, files

    def _taken(self, request: Request, fields: Fields, files: dict[str, UploadedFile], *, is_bot: bool) -> ChannelEntry:
        """The message that a call posts or edits. Raises DiscordRefused."""
        if request.method == "PATCH":
            entry = self.messages.get(request.path_params["message"])
            if entry is None:
                raise DiscordRefused(404, 10008, "Unknown Message")
            if entry.is_bots != is_bot:
                raise DiscordRefused(403, 50005, "Cannot edit a message authored by another user")
        else:
            same = [
                one for one in self.messages.values() if fields.get("enforce_nonce") and one.nonce == fields["nonce"]
            ]
            if same:
                return same[0]
            entry = ChannelEntry(id=str(next(self._numbers)), at=self._clock(), nonce=str(fields.get("nonce", "")))
        check(fields, files, entry.files, is_edit=request.method == "PATCH")
        self._fill(entry, fields, files, is_bot=is_bot)
        entry.is_edited = request.method == "PATCH"
        self._keep(entry)
        return entry

    def _fill(self, entry: ChannelEntry, fields: Fields, files: dict[str, UploadedFile], *, is_bot: bool) -> None:
        """Writes what a call says into a message: what it does not name stays, but for files that it leaves out."""
        entry.is_bots = is_bot
        entry.content = fields.get("content", entry.content)
        entry.embeds = fields.get("embeds", entry.embeds)
        # Buttons that can be pressed are a bot's.
        entry.components = fields.get("components", entry.components) if is_bot else []
        if "attachments" in fields:
            kept = {str(one.get("id")) for one in fields["attachments"]}
            entry.files = tuple(file for file in entry.files if file.id in kept)
        for file in files.values():
            posted = PostedFile(id=str(next(self._numbers)), filename=file.name)
            entry.files = (*entry.files, posted)
            self.pictures[posted.id] = ChannelPicture(type=_type_of(file.body), body=file.body)
        reference = fields.get("message_reference")
        if isinstance(reference, dict) and reference.get("message_id") in self.messages:
            entry.answers = reference["message_id"]

    def _keep(self, entry: ChannelEntry) -> None:
        self.messages[entry.id] = entry
        for shelf in (self.messages, self.pictures):
            while len(shelf) > MOST_KEPT:
                shelf.popitem(last=False)

    async def _follow_up(self, request: Request) -> Response:
        """A word to who pressed; these calls count towards no limit."""
        try:
            interaction = self.interactions.follow_up(request.path_params["token"])
            fields, files = await self._fields(request)
            check(fields, files)
        except DiscordRefused as wrong:
            return self._refused(wrong)
        entry = ChannelEntry(id=str(next(self._numbers)), at=self._clock(), content=str(fields.get("content", "")))
        entry.only_for = interaction.person.id if fields.get("flags") == EPHEMERAL else None
        self._keep(entry)
        self.page.changed()
        return JSONResponse(entry.told(self.options.channel))


def _type_of(body: bytes) -> str:
    try:
        return examine(body).type
    except ForeignRefused:
        return "application/octet-stream"


async def _not_found(request: Request) -> Response:
    if "/webhooks/" in request.url.path:
        return JSONResponse({"message": "Unknown Webhook", "code": 10015}, 404)
    if "/channels/" in request.url.path:
        return JSONResponse({"message": "Unknown Channel", "code": 10003}, 404)
    return JSONResponse({"message": "404: Not Found", "code": 0}, 404)
