"""Pretend chat platforms as the network of a handler, with a place for pictures beside them."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from PIL import Image

from handlers.discord import Discord
from handlers.http.transport import HttpTransport
from handlers.telegram import Telegram
from receiver.lib.signatures import Secret
from receiver.pretend.platforms.discord.server import WEBHOOK, DiscordOptions, PretendDiscord
from receiver.pretend.platforms.telegram.server import PretendTelegram, TelegramOptions
from support.delivering import Bound

DISCORD: Final = "http://discord.test"
TELEGRAM: Final = "http://telegram.test"
BOT: Final = DiscordOptions()
CHAT: Final = TelegramOptions()
WEBHOOK_URL: Final = f"{DISCORD}/api/webhooks/{WEBHOOK[0]}/{WEBHOOK[1]}"
NOW: Final = 1_800_000_000_000


def a_picture(size: tuple[int, int] = (64, 48), kind: str = "PNG", **how: Any) -> bytes:
    """A picture's bytes."""
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **how)
    return file.getvalue()


PICTURE: Final = a_picture()


class Hosts(httpx.AsyncBaseTransport):
    """A network of pretend platforms; whatever else is asked for is a picture. `calls` are those to platforms."""

    def __init__(self, **apps: Any) -> None:
        """`apps` are ASGI applications, by the first word of their host."""
        self._apps = {name: httpx.ASGITransport(app) for name, app in apps.items()}
        #: What answers for `journey.test`, the vendor.
        self.vendor: Callable[[httpx.Request], Awaitable[httpx.Response]] | None = None
        self.calls: list[httpx.Request] = []
        self.fetched: list[str] = []
        #: The answer for a picture, or its bytes.
        self.picture: bytes | Callable[[httpx.Request], httpx.Response] = PICTURE

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of whoever the host is."""
        name = request.headers["host"].partition(".")[0]
        if name == "journey" and self.vendor is not None:
            return await self.vendor(request)
        app = self._apps.get(name)
        if app is None:
            self.fetched.append(str(request.url))
            return self.picture(request) if callable(self.picture) else httpx.Response(200, content=self.picture)
        self.calls.append(request)
        return await app.handle_async_request(request)


class Seconds:
    """A clock for rate limits, that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def bot(**changes: Any) -> Discord:
    """A Discord sink in bot mode, with buttons."""
    fields: dict[str, Any] = {
        "token": Secret(BOT.token),
        "channel": BOT.channel,
        "public_key": Secret(PretendDiscord().interactions.public_key),
        "api_url": f"{DISCORD}/api/v10",
    }
    return Discord(Discord.Options(**{**fields, **changes}))


def webhook(**changes: Any) -> Discord:
    """A Discord sink in webhook mode."""
    return Discord(Discord.Options(**{"url": Secret(WEBHOOK_URL), **changes}))


def telegram(**changes: Any) -> Telegram:
    """A Telegram sink."""
    fields: dict[str, Any] = {"token": Secret(CHAT.token), "chat": str(CHAT.chat), "api_url": TELEGRAM}
    return Telegram(Telegram.Options(**{**fields, **changes}))


class Room:
    """A handler bound to its pretend platform."""

    def __init__(self, handler: Any, platform: PretendDiscord | PretendTelegram) -> None:
        self.hosts = Hosts(**{type(platform).__name__.removeprefix("Pretend").lower(): platform.app})
        self.bound = Bound(handler, HttpTransport(self.hosts), NOW)
