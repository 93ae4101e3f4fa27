"""The pages as a browser without script uses them: cookies, forms, and what a browser says of itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from receiver.composition import Outside
from receiver.contracts import ForeignClient, Sink, Source
from receiver.model.rules import Rule
from support.face import TOKEN, Face, a_face
from support.world import AUTO_HD, TELL, Clock

VIEWER = "a-viewer-token-of-some-length"


class Browser:
    """A client that keeps cookies, and takes the token of each form from the page that it stands on."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.client = face.client
        self.client.headers["sec-fetch-site"] = "same-origin"
        self._form_token = ""

    async def see(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        answer = await self.client.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text)
        self._read(answer.text)
        return answer.text

    async def send(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """What a form of the page last seen is answered."""
        return await self.client.post(path, data={"csrf": self._form_token, **(fields or {})}, headers=headers)

    async def sign_in(self, token: str = TOKEN, **fields: str) -> httpx.Response:
        """What signing in is answered."""
        return await self.client.post("/login", data={"token": token, **fields})

    def _read(self, page: str) -> None:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        if found is not None:
            self._form_token = found[1]


def words(page: str) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", page.partition("<body")[2])
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@asynccontextmanager
async def a_browser(
    folder: Path,
    *,
    token: str | None = TOKEN,
    role_token: str | None = TOKEN,
    rules: tuple[Rule, ...] = (AUTO_HD, TELL),
    sources: tuple[Source, ...] = (),
    clock: Clock | None = None,
    admin_port: int | None = None,
    user_header: str | None = None,
    sinks: Mapping[str, Sink] | None = None,
    outside: Outside | None = None,
    foreign: ForeignClient | None = None,
) -> AsyncIterator[Browser]:
    """A browser at a face, signed in with `role_token` (None = not)."""
    async with a_face(
        folder,
        token=token,
        viewer_token=VIEWER if token else None,
        rules=rules,
        sources=sources,
        clock=clock,
        admin_port=admin_port,
        user_header=user_header,
        sinks=sinks,
        outside=outside,
        foreign=foreign,
    ) as face:
        browser = Browser(face)
        if role_token is not None:
            assert (await browser.sign_in(role_token)).status_code == 303
        yield browser
