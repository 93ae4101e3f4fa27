"""A whole gridhook whose question goes to a pretend Discord or Telegram: killed, restarted, pressed at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from handlers.http.transport import HttpTransport
from receiver.app import read_config, runtime
from receiver.contracts import Filters, Store
from receiver.model.jobs import Job
from receiver.pretend.platforms.channel.messages import ChannelMessage, ChannelPerson
from receiver.pretend.platforms.discord.server import PEOPLE as DISCORD_PEOPLE
from receiver.pretend.platforms.discord.server import DiscordOptions, PretendDiscord
from receiver.pretend.platforms.telegram.server import PEOPLE as TELEGRAM_PEOPLE
from receiver.pretend.platforms.telegram.server import PretendTelegram
from support.platforms import CHAT, Hosts, Seconds
from support.world import Clock, accepting

#: A public address, so that no name has to be looked up.
CDN: Final = "https://93.184.216.34"
CONFIGURATION: Final = """
public_url = "https://hooks.example.com"
database = "sqlite:///gridhook.db"

[server]
admin_token = "env:ADMIN_TOKEN"

[sources.journey]
provider = "journeyapi"
api_key = "env:JOURNEY_KEY"
secrets = ["env:HOOK_SECRET"]
base_url = "https://journey.test/api/v1"

[[rules]]
name = "poster"
when = {{ type = "job.completed", action = "imagine" }}
then = {{ action = "pick", index = "ask", ask = "team", within = "3d", then = {{ action = "upscale", kind = "2x" }} }}

[[rules]]
when = {{ type = "job.completed", action = "upscale" }}
to = ["team"]

[sinks.team]
rate = "1000/s"
{sink}
"""
SINKS: Final = {
    "discord": """
handler = "discord"
token = "env:BOT_TOKEN"
channel = "81384788765712384"
public_key = "{key}"
api_url = "http://discord.test/api/v10"
""",
    "telegram": """
handler = "telegram"
token = "env:BOT_TOKEN"
chat = "-1001234567890"
api_url = "http://telegram.test"
""",
}


class Doorway(httpx.AsyncBaseTransport):
    """Leads to whatever application runs now."""

    def __init__(self) -> None:
        self.app: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The application's answer."""
        if self.app is None:
            raise httpx.ConnectError("nothing runs")
        return await httpx.ASGITransport(self.app).handle_async_request(request)


class Studio:
    """Gridhook on a file, a vendor that takes every order, and the platform. `orders` are what the vendor got."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.clock = Clock()
        self.orders: list[dict[str, Any]] = []
        self.doorway = Doorway()
        self.client = httpx.AsyncClient(transport=self.doorway, base_url="http://gridhook.test")
        seconds = Seconds()
        self.platform: PretendDiscord | PretendTelegram
        if name == "discord":
            options = DiscordOptions(endpoint="http://gridhook.test/discord/interactions", burst=1000)
            self.platform = PretendDiscord(options, clock=self.clock, seconds=seconds, client=self.client)
            key, token, people = self.platform.interactions.public_key, options.token, DISCORD_PEOPLE
        else:
            self.platform = PretendTelegram(CHAT, clock=self.clock, seconds=seconds)
            key, token, people = "", CHAT.token, TELEGRAM_PEOPLE
        self.ada, self.bea = people
        self.hosts = Hosts(**{name: self.platform.app})
        self._vendor = accepting()
        self.hosts.vendor = self._order
        sink = SINKS[name].format(key=key)
        (folder / "gridhook.toml").write_text(CONFIGURATION.format(sink=sink))
        self.env = {
            "ADMIN_TOKEN": "an-admin-token-of-some-length",
            "JOURNEY_KEY": "a-key",
            "HOOK_SECRET": "hook-secret",
            "BOT_TOKEN": token,
        }

    async def _order(self, request: httpx.Request) -> httpx.Response:
        self.orders.append(json.loads(await request.aread()))
        answer = self._vendor(request)
        assert isinstance(answer, httpx.Response)
        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Store]:
        """A gridhook, until the block ends: then it is gone without a word."""
        config = read_config(self.folder / "gridhook.toml", self.env)
        async with runtime(config, clock=self.clock, transport=HttpTransport(self.hosts)) as opened:
            self.doorway.app = opened.web()
            try:
                yield opened.store
            finally:
                self.doorway.app = None

    async def tell(self, task: str, kind: str, **fields: Any) -> None:
        """The vendor's webhook: this task is finished."""
        body = {"task_id": task, "task_type": kind, "status": "finished", **fields}
        answer = await self.client.post("/in/journey", json=body, headers={"x-webhook-secret": "hook-secret"})
        assert answer.status_code == 200, answer.text

    async def grid_comes(self) -> None:
        """A grid that another tool ordered is finished."""
        tiles = [f"{CDN}/grid_{tile}.png" for tile in range(4)]
        await self.tell("grid", "imagine", original_image_url=f"{CDN}/grid.png", image_urls=tiles)

    async def eventually(self, holds: Callable[[], object], store: Store) -> None:
        """Lets time pass, as the sink's pace goes by this clock, until something is so."""
        watch = store.watch()
        async with asyncio.timeout(40):
            while not holds():
                await watch.wait(0.05)
                self.clock.pass_by(1)
                await store.write(lambda tx: None)
        watch.close()

    def shown(self) -> list[ChannelMessage]:
        """What people see."""
        return [entry.shown() for entry in self.platform.messages.values()]

    def says(self, words: str) -> ChannelMessage | None:
        """The first message with these words."""
        return next((one for one in self.shown() if words in "\n".join(one.lines)), None)

    def buttons(self) -> dict[str, str]:
        """The buttons of the first message, by the first word of their label."""
        return {button.label.partition(" ")[0]: button.id for row in self.shown()[0].rows for button in row}

    async def press(self, button: str, person: ChannelPerson) -> str:
        """Presses a button of the first message; what the person is told."""
        return await self.platform.press(self.shown()[0].id, button, person)


async def jobs(store: Store) -> list[Job]:
    """Every job, oldest first."""
    kept = await store.read(lambda tx: tx.jobs(Filters(limit=500)))
    return [one.job for one in reversed(kept)]
