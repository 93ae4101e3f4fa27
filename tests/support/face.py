"""The HTTP face on a real store, called without a network or over a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from receiver.composition import Outside
from receiver.config import Config, ServerSettings
from receiver.contracts import Database, ForeignClient, Sink, Source
from receiver.contracts.setup import Setup
from receiver.lib.signatures import Secret, ref_of
from receiver.model.rules import Rule
from receiver.web.application import Application, application
from receiver.web.server import Server, server_config
from receiver.workers.picture_client import PictureClient
from support.records import a_source
from support.stores import a_store
from support.world import AUTO_HD, TELL, Clock

TOKEN = "an-admin-token-of-some-length"
#: The one before, which is still good.
OLD_TOKEN = "an-older-admin-token-of-some-length"
ADMIN = {"authorization": f"Bearer {TOKEN}"}
SECRET = {"x-webhook-secret": "hook-secret"}
GRID = {
    "task_id": "550e8400-e29b-41d4-a716-446655440000",
    "task_type": "imagine",
    "model": "midjourney",
    "status": "finished",
    "percentage": "100",
    "original_image_url": "https://cdn.midjourney.com/abc123/grid_0.png",
    "image_urls": [f"https://cdn.midjourney.com/abc123/0_{tile}.png" for tile in range(4)],
}


class Face:
    """A running HTTP face; `client` calls it without a network."""

    def __init__(
        self, store: Database, setup: Setup, app: Application, client: httpx.AsyncClient, config: Config
    ) -> None:
        self.store = store
        self.setup = setup
        self.app = app
        self.client = client
        self.config = config

    def adopt(self, server: ServerSettings) -> None:
        """Goes by these settings from here on."""
        self.config = msgspec.structs.replace(self.config, server=server)
        self.app.adopt(self.config, self.setup)

    async def post(self, body: object, path: str = "/in/journey", headers: Any = None) -> httpx.Response:
        """A webhook with a valid secret: bytes as they are, everything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(path, content=content, headers=SECRET if headers is None else headers)

    async def get(self, path: str, **params: str) -> Any:
        """What the API answers; it must be 200."""
        answer = await self.client.get(f"/api/v1{path}", headers=ADMIN, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def api(self, path: str, body: object = None, method: str = "POST", **headers: str) -> httpx.Response:
        """A call to the API with the admin token."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        return await self.client.request(method, f"/api/v1{path}", content=content, headers={**ADMIN, **headers})

    async def submit(self, **wish: Any) -> dict[str, Any]:
        """A submitted job; `imagine` at `journey` if nothing else is said."""
        asked = {"source": "journey", "action": "imagine", "params": {"prompt": "a lighthouse"}, **wish}
        answer = await self.api("/jobs", asked)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ref(self, number: int, source: str = "journey") -> str:
        """The ref of a job."""
        return ref_of(self.store.ref_key, source, number)

    @asynccontextmanager
    async def served(self, trusted_proxies: tuple[str, ...] = ()) -> AsyncIterator[str]:
        """The same application over a real server on loopback; gives its address."""
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server(server_config(self.app, ServerSettings(trusted_proxies=trusted_proxies)))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            self.app.state.stopping.set()
            server.should_exit = True
            await serving
            listener.close()


@asynccontextmanager
async def a_face(
    folder: Path,
    *,
    sources: tuple[Source, ...] = (),
    rules: tuple[Rule, ...] = (AUTO_HD, TELL),
    token: str | None = TOKEN,
    viewer_token: str | None = None,
    admin_port: int | None = None,
    user_header: str | None = None,
    max_body: int = 1024 * 1024,
    clock: Clock | None = None,
    sinks: Mapping[str, Sink] | None = None,
    outside: Outside | None = None,
    foreign: ForeignClient | None = None,
    links: Mapping[str, float] | None = None,
) -> AsyncIterator[Face]:
    """A face with the source `journey` (secret `hook-secret`), the sink `team` and what else is given."""
    accounts = {source.name: source for source in (a_source(), *sources)}
    public_url = "https://hooks.example.com"
    setup = Setup(
        sources=accounts,
        rules=rules,
        sinks=frozenset({"team", *(sinks or {})}),
        archives=tuple(name for name, sink in (sinks or {}).items() if sink.handler.archives),
        links=links or {},
        public_url=public_url,
    )
    server = ServerSettings(
        admin_token=(Secret(token), Secret(OLD_TOKEN)) if token else (),
        viewer_token=Secret(viewer_token) if viewer_token else None,
        admin_port=admin_port,
        user_header=user_header,
        max_body=max_body,
    )
    config = Config(
        file="gridhook.toml",
        folder=folder,
        public_url=public_url,
        database=f"sqlite:///{folder}/a.db",
        server=server,
        sources=accounts,
        sinks=dict(sinks or {}),
        rules=rules,
    )
    now = clock or Clock()
    async with a_store(folder / "a.db", now) as store:
        vendors = foreign and PictureClient(lambda: foreign, store)
        app = application(store, setup, config, now, outside, vendors)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gridhook.test") as client:
            yield Face(store, setup, app, client, config)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process is written beyond less than a database's page: nothing that is to be kept fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def with_source(name: str, **fields: Any) -> Source:
    """A JourneyAPI account of another name."""
    return msgspec.structs.replace(a_source(name), **fields)
