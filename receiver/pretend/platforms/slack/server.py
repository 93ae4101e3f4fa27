"""The pretend Slack over HTTP: Web API, uploads, incoming webhook, response URLs, Socket Mode, the channel's page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from receiver.lib.times import Clock, system_clock
from receiver.pretend.faults import break_off
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.channel.page import ChannelPage
from receiver.pretend.platforms.slack.clicks import RESPONSE_LIFE_MS, RESPONSE_USES, Clicks
from receiver.pretend.platforms.slack.images import MOST_BYTES, FetchPicture, fetch_picture
from receiver.pretend.platforms.slack.methods import FORM_ONLY, MethodRefused, Methods
from receiver.pretend.platforms.slack.shown import shown
from receiver.pretend.platforms.slack.sockets import SocketMode
from receiver.pretend.platforms.slack.workspace import SlackMessage, SlackOptions, Workspace

API: Final = "/api"
HOOK: Final = "/services/T0PRETEND/B0PRETEND/a-key"
#: Bytes of a call.
LONGEST_CALL: Final = 1024 * 1024
HOOK_FIELDS: Final = frozenset({"text", "blocks", "attachments", "thread_ts", "unfurl_links", "unfurl_media"})
RESPONSE_FIELDS: Final = frozenset(
    {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts"}
)
#: What a call may meet, by name: `lost` = it is done, and the connection is cut before the answer.
Faults = deque[str]


class PretendSlack:
    """`app` is the ASGI application; `workspace`, `sockets` and `clicks` are what stands behind it."""

    def __init__(
        self,
        options: SlackOptions | None = None,
        *,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
        fetch: FetchPicture = fetch_picture,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`clock` is for what messages say, `seconds` for rate limits; `client` posts clicks to the request URL."""
        self.workspace = Workspace(options or SlackOptions(), clock)
        self.sockets = SocketMode(self.workspace)
        self.clicks = Clicks(self.workspace, self.sockets, client)
        #: What the next calls meet: a status such as `429` or `500`, or `lost`.
        self.faults: Faults = deque()
        #: The methods that were called, oldest first.
        self.calls: deque[str] = deque(maxlen=10_000)
        self._root = ""
        self._methods = Methods(self.workspace, fetch)
        self._pace = Pace(self.workspace.options.burst, seconds)
        self.page = ChannelPage(
            f"#{self.workspace.options.channel_name} - a pretend Slack",
            messages=lambda: [shown(message) for message in self.workspace.messages.values()],
            picture=self.workspace.pictures.get,
            press=self._press,
        )
        self.app = Starlette(
            routes=[
                Route(f"{API}/apps.connections.open", self._open_connection, methods=["POST"]),
                Route(f"{API}/{{method}}", self._call, methods=["GET", "POST"]),
                Route("/upload/v1/{file}", self._upload, methods=["POST"]),
                Route("/services/{place:path}", self._hook, methods=["POST"]),
                Route("/actions/{team}/{token}", self._respond, methods=["POST"]),
                WebSocketRoute("/link/", self.sockets.serve),
                *self.page.routes(),
            ]
        )

    async def _press(self, ts: str, action_id: str, person: ChannelPerson) -> str:
        return await self.clicks.click(ts, action_id, person, self._root)

    # the Web API

    async def _call(self, request: Request) -> Response:
        self._root = str(request.base_url).rstrip("/")
        method = request.path_params["method"]
        self.calls.append(method)
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and fault.isdigit():
            return self._broken(int(fault))
        if method == "chat.postMessage" and (wait_s := self._pace.wait_s()):
            if self._pace.was_told:
                self.workspace.mistakes.append("it called again before Retry-After was over")
            self._pace.was_told = True
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"retry-after": str(wait_s)})
        self._pace.was_told = False
        try:
            arguments = await self._arguments(request, method)
            reply = await self._methods.call(method, arguments, self._root)
        except MethodRefused as wrong:
            return self._refused(method, wrong)
        self.page.changed()
        return await break_off("reset", request) if fault == "lost" else JSONResponse(reply)

    def _broken(self, status: int) -> Response:
        headers = {"retry-after": "1"} if status == 429 else {}
        return JSONResponse(
            {"ok": False, "error": "ratelimited" if status == 429 else "internal_error"}, status, headers
        )

    def _refused(self, method: str, wrong: MethodRefused) -> Response:
        self.workspace.mistakes.append(f"{method}: {wrong.word} {' '.join(wrong.messages)}".strip())
        told = {"response_metadata": {"messages": list(wrong.messages)}} if wrong.messages else {}
        return JSONResponse({"ok": False, "error": wrong.word, **told})

    async def _arguments(self, request: Request, method: str) -> dict[str, Any]:
        """A call's arguments, once its token is right. Raises MethodRefused."""
        self._check_token(request, self.workspace.options.token)
        body = await _bounded(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if request.method == "GET":
            return dict(request.query_params)
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if kind != "application/json" or method in FORM_ONLY:
            raise MethodRefused("invalid_post_type")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise MethodRefused("invalid_json") from None

    def _check_token(self, request: Request, wanted: str) -> None:
        if "token" in request.query_params:
            self.workspace.mistakes.append("a token stands in an address")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            raise MethodRefused("not_authed")
        if given == wanted:
            return
        known = (self.workspace.options.token, self.workspace.options.app_token)
        raise MethodRefused("not_allowed_token_type" if given in known else "invalid_auth")

    async def _open_connection(self, request: Request) -> Response:
        self._root = str(request.base_url).rstrip("/")
        self.calls.append("apps.connections.open")
        try:
            self._check_token(request, self.workspace.options.app_token)
            if await _bounded(request):
                raise MethodRefused("invalid_arguments")
        except MethodRefused as wrong:
            return self._refused("apps.connections.open", wrong)
        root = self._root.replace("http", "ws", 1)
        return JSONResponse({"ok": True, "url": f"{root}/link/?ticket={self.sockets.ticket()}&app_id=A0PRETEND"})

    # beside it

    async def _upload(self, request: Request) -> Response:
        file = self.workspace.files.get(request.path_params["file"])
        body = await _bounded(request, MOST_BYTES)
        if file is None or file.body is not None or len(body) != file.length:
            self.workspace.mistakes.append("an upload that was not announced so")
            return PlainTextResponse("not announced so", 400)
        file.body = body
        return PlainTextResponse(f"OK - {len(body)}")

    async def _hook(self, request: Request) -> Response:
        if request.url.path != HOOK:
            return PlainTextResponse("no_service", 404)
        if wait_s := self._pace.wait_s():
            return PlainTextResponse("rate_limited", 429, headers={"retry-after": str(wait_s)})
        try:
            fields = msgspec.json.decode(await _bounded(request), type=dict[str, Any])
            if fields.keys() - HOOK_FIELDS:
                raise MethodRefused("invalid_payload")
            text, blocks = await self._methods.content({**fields, "channel": self.workspace.options.channel})
        except msgspec.MsgspecError:
            return PlainTextResponse("invalid_payload", 400)
        except MethodRefused as wrong:
            self.workspace.mistakes.append(f"webhook: {wrong.word} {' '.join(wrong.messages)}".strip())
            return PlainTextResponse(wrong.word, 400)
        self._post(text, blocks, is_hooked=True, thread_ts=fields.get("thread_ts"))
        return PlainTextResponse("ok")

    async def _respond(self, request: Request) -> Response:
        """The app's answer to a click, for the one who clicked or for everybody."""
        known = self.clicks.response_urls.get(request.path_params["token"])
        fields = msgspec.json.decode(await _bounded(request), type=dict[str, Any])
        if known is None or fields.keys() - RESPONSE_FIELDS:
            return JSONResponse({"ok": False, "error": "invalid_arguments"}, 404)
        known.uses += 1
        if known.uses > RESPONSE_USES or self.workspace.clock() - known.at > RESPONSE_LIFE_MS:
            word = "used_url" if known.uses > RESPONSE_USES else "expired_url"
            return JSONResponse({"ok": False, "error": word}, 404)
        try:
            text, blocks = await self._methods.content(fields | {"channel": self.workspace.options.channel})
        except MethodRefused as wrong:
            return self._refused("response_url", wrong)
        only_for = None if fields.get("response_type") == "in_channel" else known.person.id
        self._post(text, blocks, only_for=only_for, thread_ts=fields.get("thread_ts"))
        return JSONResponse({"ok": True})

    def _post(self, text: str, blocks: list[dict[str, Any]], **more: Any) -> None:
        workspace = self.workspace
        workspace.add(SlackMessage(ts=workspace.next_ts(), text=text, blocks=blocks, at=workspace.clock(), **more))
        self.page.changed()


class Pace:
    """About one message a second, and some at once."""

    def __init__(self, burst: int, seconds: Callable[[], float]) -> None:
        self._burst = burst
        self._seconds = seconds
        self._room = float(burst)
        self._at = seconds()
        #: Whether the last call was told to wait.
        self.was_told = False

    def wait_s(self) -> int:
        """0 if a message may come now, which counts it; else for how many seconds none may."""
        now = self._seconds()
        self._room = min(self._burst, self._room + now - self._at)
        self._at = now
        if self._room < 1:
            return 1
        self._room -= 1
        return 0


async def _bounded(request: Request, most: int = LONGEST_CALL) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise MethodRefused("invalid_arguments")
    return bytes(body)
