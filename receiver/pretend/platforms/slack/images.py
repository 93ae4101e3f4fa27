"""The pictures of messages: fetched when a message comes, as Slack does; one that cannot be shown fails the message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import httpx

from receiver.errors import ForeignRefused
from receiver.lib.pictures import examine
from receiver.pretend.platforms.channel.messages import ChannelPicture
from receiver.pretend.platforms.slack.workspace import Workspace

#: Bytes and seconds that a picture may take.
MOST_BYTES: Final = 20 * 1024 * 1024
FETCH_S: Final = 5.0
#: What Slack shows: no WebP, no AVIF.
SHOWN_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif"})
#: Returns what is at an address; None if nothing can be had.
FetchPicture = Callable[[str], Awaitable[bytes | None]]


async def fetch_picture(url: str) -> bytes | None:
    """What is at an address, 20 MiB at most; None if nothing can be had within five seconds."""
    body = b""
    try:
        async with (
            asyncio.timeout(FETCH_S),
            httpx.AsyncClient(trust_env=False, follow_redirects=True) as client,
            client.stream("GET", url) as answer,
        ):
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    return None
            return body if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return None


def shown_type(body: bytes) -> str | None:
    """The media type of a picture that Slack shows; None if it is no such picture."""
    try:
        kind = examine(body).type
    except ForeignRefused:
        return None
    return kind if kind in SHOWN_TYPES else None


def picture_name(image: dict[str, Any]) -> str:
    """The name of the picture of an image block, for `Workspace.pictures`."""
    file = image.get("slack_file")
    return str(file.get("id")) if isinstance(file, dict) else sha256(str(image.get("image_url")).encode()).hexdigest()


def images_in(blocks: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The images among blocks, with their places."""
    for place, block in enumerate(blocks):
        if block["type"] == "image":
            yield f"/blocks/{place}", block


async def image_mistakes(workspace: Workspace, blocks: list[dict[str, Any]], fetch: FetchPicture) -> list[str]:
    """What Slack would refuse of the pictures in blocks that are right otherwise; keeps those that it shows."""
    found: list[str] = []
    for place, image in images_in(blocks):
        name = picture_name(image)
        if "slack_file" in image:
            file = workspace.files.get(str(image["slack_file"].get("id")))
            if file is None or not file.is_ready or file.body is None:
                found.append(f"[ERROR] invalid slack file [json-pointer:{place}/slack_file]")
                continue
            body: bytes | None = file.body
        else:
            body = await fetch(str(image["image_url"]))
        kind = shown_type(body) if body is not None else None
        if kind is None or body is None:
            found.append(f"[ERROR] downloading image failed [json-pointer:{place}/image_url]")
        else:
            workspace.add_picture(name, ChannelPicture(type=kind, body=body))
    return found
